#!/bin/sh
# Installs the Debian 12 packages that building q8 needs, those that are missing only; with `tests` also those that
# only its tests need.
#   tools/install_dependencies.sh [tests]          as root, or as a user who may sudo
set -eu

case "$#:${1:-}" in
  0: | 1:tests) ;;
  *) echo "usage: tools/install_dependencies.sh [tests]" >&2; exit 2 ;;
esac
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "this is for Debian 12 and its kin; elsewhere, install what corresponds to the packages listed in $0" >&2
  exit 1
fi

packages="
  g++ cmake ninja-build pkg-config python3
  libonnx-dev libprotobuf-dev protobuf-compiler
  libcli11-dev libspdlog-dev libfmt-dev
  libeigen3-dev nlohmann-json3-dev
  libturbojpeg0-dev libpng-dev libwebp-dev libzip-dev libssl-dev
  libgtest-dev libgmock-dev libbenchmark-dev
"
if [ "${1:-}" = tests ]; then
  packages="$packages clang-format python3-venv"
fi
# Builds are repeated faster with the first one; without the others the tests of ARM kernels are skipped.
optional="ccache"
[ "${1:-}" != tests ] || optional="$optional g++-aarch64-linux-gnu qemu-user googletest"

installed=$(dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' | awk '$2 == "ii" { print $1 }')
missing_of() {
  for package in "$@"; do
    printf '%s\n' "$installed" | grep -qx -- "$package" || printf ' %s' "$package"
  done
}
# shellcheck disable=SC2086  # one word is one package, here and below
missing=$(missing_of $packages) missing_optional=$(missing_of $optional)
[ -n "$missing$missing_optional" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    if [ -z "$missing" ]; then
      echo "going on without$missing_optional: only root can install packages" >&2
      exit 0
    fi
    echo "missing packages:$missing" >&2
    echo "install them as root (apt-get install), or install sudo, and run this again" >&2
    exit 1
  fi
  as_root="sudo"
fi
missing="$missing$missing_optional"
echo "installing$missing" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086
if ! { $as_root apt-get update -q &&
       $as_root env DEBIAN_FRONTEND=noninteractive \
         apt-get install -q -y --no-install-recommends $missing; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi

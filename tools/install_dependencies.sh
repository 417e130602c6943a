#!/bin/sh
# Installs the Debian 12 packages that building q8 needs, those that are missing only; with `tests` also those that
# only its tests need.
#   tools/install_dependencies.sh [tests]          as root, or as a user who may sudo
set -eu

packages="
  g++ cmake ninja-build pkg-config ccache python3
  libonnx-dev libprotobuf-dev protobuf-compiler
  libcli11-dev libspdlog-dev libfmt-dev
  libeigen3-dev nlohmann-json3-dev
  libturbojpeg0-dev libpng-dev libwebp-dev libzip-dev libssl-dev
  libgtest-dev libgmock-dev libbenchmark-dev
"
if [ "${1:-}" = tests ]; then
  packages="$packages clang-format python3-venv g++-aarch64-linux-gnu qemu-user googletest"
fi

installed=$(dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' | awk '$2 == "ii" { print $1 }')
missing=""
for package in $packages; do
  printf '%s\n' "$installed" | grep -qx -- "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "missing packages:$missing" >&2
    echo "install them as root (apt-get install), or install sudo, and run this again" >&2
    exit 1
  fi
  as_root="sudo"
fi
echo "installing$missing" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086  # one word is one package
if ! { $as_root apt-get update -q &&
       $as_root env DEBIAN_FRONTEND=noninteractive \
         apt-get install -q -y --no-install-recommends $missing; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi

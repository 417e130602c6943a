#!/bin/sh
# Builds everything, warnings as errors, and runs every test; then the layers' tests once more under
# AddressSanitizer and UndefinedBehaviorSanitizer. Succeeds when all of them do.
#   tools/test.sh          from any folder; builds in build/ and build-asan/
set -eu

root=$(CDPATH="" cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
jobs=$(nproc)
tools/install_dependencies.sh tests

# The comparison tests' Python, made anew when its list of packages has changed, or Python itself.
venv="$root/.venv"
if ! cmp -s tests/requirements.txt "$venv/requirements.txt" || ! "$venv/bin/python" -c "import onnx" 2>/dev/null
then
  echo "== Python packages of the tests in .venv"
  rm -rf "$venv"
  /usr/bin/python3 -m venv "$venv"
  if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt; then
    echo "the other implementations that tests compare with were not installed; what needs none of them:" >&2
    echo "  cmake --preset release && cmake --build --preset release && ctest --preset release" >&2
    exit 1
  fi
  cp tests/requirements.txt "$venv/requirements.txt"
fi

# build_and_test PRESET FOLDER; a failure does not keep the other preset from running.
failed=""
build_and_test() {
  mkdir -p "$2"
  echo "== $1: build (the log is $2/build.log)"
  if ! { cmake --preset "$1" -DQ8_PYTHON="$venv/bin/python" &&
         cmake --build --preset "$1" -j "$jobs"; } >"$2/build.log" 2>&1
  then
    tail -n 60 "$2/build.log"
    failed="$failed $1"
    return
  fi
  # The sanitizers are slow, and look at the programs alone: once is enough for the same programs.
  if [ "$1" = asan ] && [ -f "$2/passed" ] &&
     [ -z "$(find "$2/tests" -name 'q8_test_*' -type f -perm -u+x -newer "$2/passed")" ]
  then
    echo "== $1: the same programs have passed before"
    return
  fi
  echo "== $1: test"
  rm -f "$2/passed"
  if ctest --preset "$1" -j "$jobs" --output-on-failure --no-tests=error; then
    touch "$2/passed"
  else
    failed="$failed $1"
  fi
}
build_and_test asan build-asan
build_and_test release build
if [ -n "$failed" ]; then
  echo "FAILED:$failed"
  exit 1
fi

#!/bin/sh
# Runs clang-tidy (.clang-tidy) over the given .cpp files, or over all of src/ and tools/q8.
#   tools/dev/tidy.sh [FILE ...]          needs a configured build/ (cmake --preset release)
set -eu
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || set -- $(find src tools/q8 -name '*.cpp' | sort)
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p build

#!/bin/sh
# Runs clang-tidy (.clang-tidy) over the given .cpp files, or over all of src/ and tools/q8.
#   tools/dev/tidy.sh [FILE ...]
# Needs Debian's clang-tidy-16 (14 does not know all of C++20) and a configured build/ (cmake --preset release).
set -eu
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || set -- $(find src tools/q8 -name '*.cpp' | sort)

# A flag that only g++ knows would be an error.
commands=$(mktemp -d)
trap 'rm -rf "$commands"' EXIT
sed 's/ -fno-tree-pre / /' build/compile_commands.json >"$commands/compile_commands.json"
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 clang-tidy-16 --quiet -p "$commands"

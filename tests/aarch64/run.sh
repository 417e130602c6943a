#!/bin/sh
# Cross-compiles the kernels and their tests for 64-bit ARM and runs them in an emulator.
#   tests/aarch64/run.sh BUILD_FOLDER
# Debian packages: g++-aarch64-linux-gnu qemu-user googletest. Exit code 77, with the reason, where one is missing.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=$1
for need in aarch64-linux-gnu-g++ qemu-aarch64; do
  if ! command -v "$need" >/dev/null; then
    echo "skipped: there is no $need (packages g++-aarch64-linux-gnu, qemu-user)"
    exit 77
  fi
done
if ! [ -f /usr/src/googletest/CMakeLists.txt ]; then
  echo "skipped: there is no /usr/src/googletest (package googletest)"
  exit 77
fi

cmake -S "$here" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_SYSTEM_NAME=Linux \
  -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc
cmake --build "$build" -j "${Q8_JOBS:-2}"
# What the emulated CPU lacks would be skipped: "max" has the dot product.
exec qemu-aarch64 -cpu max -L /usr/aarch64-linux-gnu "$build/q8_test_kernels_aarch64" --gtest_brief=1

#!/bin/sh
# Builds q8 and shows its whole path on the embedded default: calibrate, quantize, validate.
#   tools/demo.sh          from any folder; results in build/demo/
set -eu

root=$(CDPATH="" cd -- "$(dirname -- "$0")/.." && pwd)
build="$root/build"
out="$build/demo"
model="$root/models/digits.onnx"
"$root/tools/install_dependencies.sh"

mkdir -p "$build"
echo "== building build/q8 (Release; the log is build/build.log)"
cd "$root"
if ! { cmake --preset release && cmake --build --preset release --target q8_cli; } >"$build/build.log" 2>&1
then
  tail -n 40 "$build/build.log" >&2
  exit 1
fi

q8() {
  echo
  echo "== q8 $*"
  "$build/q8" "$@"
}
rm -rf "$out"
mkdir -p "$out"
cd "$out"
q8 calibrate "$model" --data "$root/calib_data/digits/calib"
q8 quantize --per-channel
q8 validate --per-class --data "$root/calib_data/digits/test" --json report.json --html report.html

int8=$(ls "$out"/*.onnx)
echo
stat -c %s "$model" "$int8" | xargs printf '%s %s\n' |
  awk '{ printf "size: %d bytes in FP32, %d in INT8: %.2f times smaller\n", $1, $2, $1 / $2 }'
echo "model: $int8"
echo "report: $out/report.html (for machines: $out/report.json)"

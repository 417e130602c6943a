#!/usr/bin/env python3
"""Fails on an #include that points upward.   tests/repository/check_includes.py

MAY_INCLUDE is the table of docs/architecture.md: a folder of src/ may include the folders named there, and what
those may include; everybody sees the public headers q8/. Some libraries have one user only, and a file of
instruction-set kernels includes next to nothing: an inline function compiled there with wide flags could become
the whole program's copy.
"""
import re
import sys

from sources import CPP, ROOT, report, sources

MAY_INCLUDE = {
    "base": [],
    "tensor": ["base"],
    "kernels": ["base"],
    "graph": ["tensor"],
    "onnx_io": ["graph"],
    "data": ["tensor"],
    "ops": ["graph", "kernels"],
    "exec": ["ops"],
    "calib": ["exec", "data"],
    "plan": ["calib"],
    "recover": ["rewrite", "exec", "data"],
    "rewrite": ["plan"],
    "validate": ["exec", "data"],
    "inspect": ["plan"],
    "report": ["inspect", "validate", "recover", "rewrite"],
    "api": ["report", "onnx_io"],
}
ONLY_IN = {  # first part of an included path: the only folders that may
    "onnx": ("src/onnx_io/",),
    "Eigen": ("src/kernels/", "src/recover/"),
    "CLI": ("tools/q8/",),
    "spdlog": ("tools/q8/",),
}
INCLUDE = re.compile(r'^\s*#\s*include\s*(<[^>]+>|"[^"]+")', re.MULTILINE)
ISA_FILE = re.compile(r"src/kernels/.*_(avx2|avxvnni|avx512|avx512vnni|amx|neondot)\.cpp$")
ISA_HEADERS = {"<immintrin.h>", "<arm_neon.h>", "<cstddef>", "<cstdint>"}


def reachable(folder):
    """The folder itself and everything that it may include."""
    found = {folder}
    for below in MAY_INCLUDE[folder]:
        found |= reachable(below)
    return found


def faults_of(path, text):
    """What is wrong with the includes of one file; `path` is relative to the root, with slashes."""
    faults = []
    parts = path.split("/")
    for included in INCLUDE.findall(text):
        name, first = included[1:-1], included[1:-1].split("/")[0]
        if first in ONLY_IN and "/" in name and not path.startswith((*ONLY_IN[first], "tests/", "bench/")):
            faults.append(f"{path}: includes {included}; only {' and '.join(ONLY_IN[first])} may")
        if parts[0] == "src" and first in MAY_INCLUDE and first not in reachable(parts[1]):
            faults.append(f"{path}: includes {included}, but src/{parts[1]} may not include src/{first}")
        if parts[0] in ("include", "tools") and first in MAY_INCLUDE and "/" in name:
            faults.append(f"{path}: includes {included}; {parts[0]}/ sees the public headers q8/ alone")
        if ISA_FILE.search(path) and included not in ISA_HEADERS and not included.startswith('"kernels/'):
            faults.append(f"{path}: includes {included}; an instruction-set file includes intrinsics, <cstddef>, "
                          "<cstdint> and its plain header alone")
    return faults


def main():
    faults = []
    for folder in sorted(p.name for p in (ROOT / "src").iterdir() if p.is_dir()):
        if folder not in MAY_INCLUDE:
            faults.append(f"src/{folder}: not in the table of tests/repository/check_includes.py")
    for path in sources(CPP):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith("src/") or name.split("/")[1] in MAY_INCLUDE:
            faults += faults_of(name, path.read_text(encoding="utf-8"))
    return report(faults)


if __name__ == "__main__":
    sys.exit(main())

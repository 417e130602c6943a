#!/usr/bin/env python3
"""Fails on a C++ file that clang-format would change.   tests/repository/check_format.py CLANG_FORMAT

`clang-format -i FILE` puts it right. Generated files are not looked at: they are in the build folder.
"""
import subprocess
import sys

from sources import CPP, ROOT, report, sources


def main():
    files = [str(p) for p in sources(CPP)]
    done = subprocess.run([sys.argv[1], "--dry-run", "--Werror", "--style=file", *files],
                          cwd=ROOT, capture_output=True, text=True)
    faults = sorted({line.split(":")[0].removeprefix(f"{ROOT}/") + ": not as clang-format writes it"
                     for line in done.stderr.splitlines() if "error:" in line})
    if done.returncode and not faults:
        faults = [done.stderr.strip()]
    return report(faults)


if __name__ == "__main__":
    sys.exit(main())

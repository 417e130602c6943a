#!/usr/bin/env python3
"""Fails on what belongs in no committed file.   tests/repository/check_text.py

Unfinished work marked in the text, paths that exist on one developer's machine only, and merge conflicts.
"""
import re
import sys

from sources import ROOT, TEXT, report, sources

FORBIDDEN = {
    "a mark of unfinished work": re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b"),
    "a path of one machine": re.compile(r"(?<![\w.$}])/(?:ho" r"me|ro" r"ot|op" r"t|wo" r"rk)/\w"),
    "a merge conflict": re.compile(r"^(<{7}|>{7}) ", re.MULTILINE),
}


def faults_of(path, text):
    faults = []
    for what, pattern in FORBIDDEN.items():
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            faults.append(f"{path}:{line}: {what}: {match.group().strip()}")
    return faults


def main():
    return report([fault for path in sources(TEXT)
                   for fault in faults_of(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))])


if __name__ == "__main__":
    sys.exit(main())

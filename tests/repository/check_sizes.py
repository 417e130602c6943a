#!/usr/bin/env python3
"""Fails on a C++ file of more than 400 lines: a sign that it holds two ideas.   tests/repository/check_sizes.py"""
import sys

from sources import CPP, ROOT, report, sources

MOST_LINES = 400


def faults_of(path, text):
    lines = text.count("\n")
    return [f"{path}: {lines} lines, more than {MOST_LINES}"] if lines > MOST_LINES else []


def main():
    return report([fault for path in sources(CPP)
                   for fault in faults_of(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))])


if __name__ == "__main__":
    sys.exit(main())

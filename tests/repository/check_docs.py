#!/usr/bin/env python3
"""Fails on an option or subcommand that docs/cli.md does not have, and on a link that leads nowhere.

    tests/repository/check_docs.py
"""
import re
import sys

from sources import ROOT, report, sources

OPTION = re.compile(r'add_(?:option|flag)(?:_function)?(?:<[^>]*>)?\(\s*"([^"]+)"')
COMMAND = re.compile(r'^\s*\{"(\w+)", "', re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def missing_options(code, manual):
    """Options registered in C++ `code`, long and short, that the text `manual` does not mention."""
    names = [name.lstrip("!") for names in OPTION.findall(code) for name in names.split(",")]
    return sorted({n for n in names if n.startswith("--")
                   and not re.search(re.escape(n) + r"(?![\w-])", manual)})


def missing_commands(code, manual):
    return [c for c in COMMAND.findall(code) if f"q8 {c} " not in manual]


def anchor(heading):
    """As GitHub and GitLab make it of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def broken_links(page):
    text = re.sub(r"^ {4}.*$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for target, fragment in LINK.findall(text):
        if "://" in target:
            continue
        linked = (page.parent / target).resolve() if target else page
        if not linked.exists():
            yield target
        elif fragment and fragment not in map(anchor, HEADING.findall(linked.read_text(encoding="utf-8"))):
            yield f"{target}#{fragment}"


def main():
    manual = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    faults = []
    for path in sorted((ROOT / "tools" / "q8").glob("*.cpp")):
        code, name = path.read_text(encoding="utf-8"), path.relative_to(ROOT)
        faults += [f"{name}: {option} is not in docs/cli.md" for option in missing_options(code, manual)]
        if path.name == "commands.cpp":
            faults += [f"{name}: {command} is not in docs/cli.md" for command in missing_commands(code, manual)]
    for page in sources({".md"}):
        faults += [f"{page.relative_to(ROOT)}: broken link {link}" for link in broken_links(page)]
    return report(faults)


if __name__ == "__main__":
    sys.exit(main())

"""Which files the checks look at: everything written by hand, found by walking the tree (no git needed)."""
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
CPP = {".h", ".cpp"}
TEXT = CPP | {".py", ".sh", ".md", ".txt", ".cmake", ".json", ".toml", ".proto", ".html", ".css", ".js", ""}
FOLDERS = ["src", "include", "tools", "tests", "bench", "docs", "models", "calib_data", ".ci"]


def sources(suffixes, root=ROOT):
    """Files with one of the suffixes in the project's folders and at its top, sorted."""
    found = [p for p in root.iterdir() if p.is_file()]
    for folder in FOLDERS:
        found += [p for p in (root / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    return sorted(p for p in found if p.suffix in suffixes)


def report(faults):
    """Prints the faults and returns the exit code."""
    for fault in faults:
        print(fault)
    print(f"{len(faults)} fault(s)")
    return 1 if faults else 0

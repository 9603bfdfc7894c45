#!/usr/bin/env python3
"""Includes go along the arrows of cmake/arrows.txt only, and files keep to the limits of the house.

An arrow also carries what its target may include. `app` may include everything. Prints each breach as file:line.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#include "([a-z_0-9]+)/')
FILE_LINES_MAX = 600
README_LINES_MAX = 60
JUNK_NAMES = re.compile(r"_(util|utils|helper|helpers|common|misc)\.(h|cc)$")


def arrows():
    table = {}
    for line in (ROOT / "cmake/arrows.txt").read_text().splitlines():
        if line.startswith("#") or ":" not in line:
            continue
        folder, targets = line.split(":")
        table[folder] = targets.split()
    return table


def reach(table, folder):
    """Every folder that `folder` may include, itself among them."""
    if table[folder] == ["*"]:
        return set(table)
    seen, todo = set(), [folder]
    while todo:
        here = todo.pop()
        if here not in seen:
            seen.add(here)
            todo += table[here]
    return seen


def breaches(table):
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix not in (".h", ".cc"):
            continue
        name = path.relative_to(ROOT)
        lines = path.read_text().splitlines()
        if len(lines) > FILE_LINES_MAX:
            yield f"{name}:{len(lines)}: over {FILE_LINES_MAX} lines: one concept a file"
        if JUNK_NAMES.search(path.name):
            yield f"{name}:1: a junk name attracts junk; name the concept"
        parts = path.relative_to(ROOT / "src").parts
        if len(parts) == 1:
            continue  # main.cc
        if parts[0] not in table:
            yield f"{name}:1: folder '{parts[0]}' is not in cmake/arrows.txt"
            continue
        allowed = reach(table, parts[0])
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            # tests may also include what lies under tests/ (contract suites)
            if match and match[1] in table and match[1] not in allowed:
                yield f"{name}:{number}: {parts[0]} may not include {match[1]} (cmake/arrows.txt)"
    for readme in sorted((ROOT / "src").rglob("README.md")):
        count = len(readme.read_text().splitlines())
        if count > README_LINES_MAX:
            yield f"{readme.relative_to(ROOT)}:{count}: over {README_LINES_MAX} lines"
    for folder in sorted(p.name for p in (ROOT / "src").iterdir() if p.is_dir()):
        if not (ROOT / "src" / folder / "README.md").exists():
            yield f"src/{folder}/README.md:1: missing: job, entry call, what it is not"


def main():
    found = list(breaches(arrows()))
    print("\n".join(found), file=sys.stderr, end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

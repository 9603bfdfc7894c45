#!/usr/bin/env python3
"""Every test that tests/iceberg_checklist.md names is there. Prints each that is not as file:line."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "tests/iceberg_checklist.md"
TEST = re.compile(r"^\s*(?:TYPED_)?TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)", re.M)
PYTHON_TEST = re.compile(r"^def (test_\w+)\(", re.M)
CITED = re.compile(r"`([^`]+)`")


def known():
    """Suites, tests and files, under the names by which the page may cite them."""
    names = set()
    for path in [*ROOT.glob("src/**/*_test.cc"), *ROOT.glob("tests/**/*.h"), *ROOT.glob("tests/**/*.cc")]:
        found = TEST.findall(path.read_text())
        names |= {suite for suite, _ in found} | {f"{suite}.{name}" for suite, name in found}
        if found:
            names |= {path.name, str(path.relative_to(ROOT))}
    for path in ROOT.glob("tests/**/*.py"):
        names |= {str(path.relative_to(ROOT))}
        names |= {f"{path.relative_to(ROOT)}::{name}" for name in PYTHON_TEST.findall(path.read_text())}
    return names | {str(path.relative_to(ROOT)) for path in ROOT.glob("src/*") if any(path.glob("**/*_test.cc"))}


def main():
    names, cited, missing = known(), 0, 0
    for number, line in enumerate(PAGE.read_text().splitlines(), 1):
        cells = re.split(r"(?<!\\)\|", line)
        if len(cells) < 5 or cells[3].strip() in ("test", "---"):
            continue
        found = CITED.findall(cells[3])
        if not found:
            print(f"{PAGE.name}:{number}: a point without a test", file=sys.stderr)
            missing += 1
        for name in found:
            cited += 1
            if name not in names:
                print(f"{PAGE.name}:{number}: there is no test {name}", file=sys.stderr)
                missing += 1
    if cited < 30:
        print(f"{PAGE.name}: only {cited} tests were found in it: has its table changed its form?", file=sys.stderr)
        return 1
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())

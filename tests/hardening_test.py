#!/usr/bin/env python3
"""The release binary carries what OpenSSF's compiler hardening guide asks for. Read from the ELF itself.

usage: hardening_test.py BINARY
"""

import re
import subprocess
import sys


def readelf(*arguments):
    return subprocess.run(["readelf", "-W", *arguments], check=True, capture_output=True, text=True).stdout


def start_of_main(binary):
    return subprocess.run(["objdump", "-d", "--disassemble=main", binary], check=True, capture_output=True, text=True).stdout


def checks(binary):
    header, segments, dynamic = readelf("-h", binary), readelf("-l", binary), readelf("-d", binary)
    symbols = readelf("--dyn-syms", binary)
    stack = re.search(r"GNU_STACK.*", segments)
    writable_code = [l for l in segments.splitlines() if re.search(r"LOAD.*RWE", l)]
    yield "position independent (PIE)", "DYN (Position-Independent Executable" in header
    yield "relocations read-only (RELRO)", "GNU_RELRO" in segments
    yield "bound at start (BIND_NOW)", "BIND_NOW" in dynamic or re.search(r"FLAGS_1.*NOW", dynamic)
    yield "stack not executable", stack and "RWE" not in stack[0]
    yield "no segment both writable and executable", not writable_code
    yield "stack protector", "__stack_chk_fail" in symbols
    yield "fortified libc calls", re.search(r"__\w+_chk@", symbols)
    # The linker marks a program only when every object is marked, and Debian 12's own start files are not; so the code is looked at.
    yield "control-flow protection (main starts with endbr64)", "endbr64" in start_of_main(binary) or "aarch64" in header.lower()
    # Arrow's libparquet shows an OpenSSL of its own to the process: whoever comes first is whom libssl and libcurl call.
    needed = re.findall(r"NEEDED.*\[(lib[a-z]+)", dynamic)
    yield "the system's OpenSSL before libparquet's", "libcrypto" in needed and needed.index("libcrypto") < needed.index("libparquet")
    yield "no search path outside the build's own libraries", not re.search(r"R(UN)?PATH.*(\[|:)(:|\.[:\]])", dynamic)


def main():
    failed = [name for name, good in checks(sys.argv[1]) if not good]
    for name in failed:
        print(f"{sys.argv[1]}: missing: {name}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Lands events on a disk that is full, or read-only, then on the same disk mended. argv: BINARY FOLDER full|readonly|doctor.

Runs in a mount namespace of its own (`unshare -rm`), so that it needs no root and leaves no mount behind. Prints what the program said first,
then the number of rows that are there in the end. With `doctor` nothing lands: it prints what `millrace doctor` finds on a disk with little
room, a full one, and a good one.
"""

import json
import pathlib
import subprocess
import sys

import oracle

CONFIG = """
name: small
data_dir: {disk}/data
sources:
  events: {{ generator: {{ kind: events, rows: 300000, seed: 3 }} }}
tables:
  silver.events: {{ from: events }}
"""


def mount(disk, options):
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], check=True)


def remount(disk, options):
    subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True)


def run(binary, folder):
    done = subprocess.run([binary, "run", "--until-idle"], cwd=folder, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stderr


def doctor(binary, folder):
    done = subprocess.run([binary, "doctor", "--json", "--only", "disk"], cwd=folder, capture_output=True, text=True, timeout=120)
    return json.loads(done.stdout)


def examine(binary, folder, disk):
    mount(disk, "size=4m")
    findings = [doctor(binary, folder)]
    with open(disk / "ballast", "wb", buffering=0) as ballast:
        try:
            while ballast.write(bytes(4096)):
                pass
        except OSError:
            pass
    findings.append(doctor(binary, folder))
    remount(disk, "size=4g")
    (disk / "ballast").unlink()
    print(json.dumps([*findings, doctor(binary, folder)]))


def main():
    binary, folder, how = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    disk = folder / "disk"
    disk.mkdir()
    (folder / "millrace.yaml").write_text(CONFIG.format(disk=disk))
    if how == "doctor":
        return examine(binary, folder, disk)
    mount(disk, "size=4m" if how == "full" else "size=1g")
    if how == "readonly":
        remount(disk, "ro")
    code, said = run(binary, folder)
    print(f"exit {code}\n{said}")
    remount(disk, "size=1g" if how == "full" else "rw")
    code, said = run(binary, folder)
    print(f"exit {code}\n{said}")
    print(f"rows {len(oracle.Lake(disk / 'data').walk('silver.events'))}")


if __name__ == "__main__":
    main()

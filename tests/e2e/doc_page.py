"""A page of docs/ as something that runs.

    ```LANGUAGE file=PATH     the block is written to PATH, below the folder that the page begins in
    ```sh                     its commands run, as one script that ends at the first that fails; `cd` holds for the next block
    ```text                   each line must occur in what the commands of the block before have said
Blocks of other kinds are for reading alone.
"""

import pathlib
import re
import signal
import os
import subprocess

FENCE = re.compile(r"^```(\S*)(?: file=(\S+))?[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page):
    for match in FENCE.finditer(page.read_text()):
        yield page.read_text()[: match.start()].count("\n") + 1, match[1], match[2], match[3]


class Reader:
    """Somebody who does what a page says."""

    def __init__(self, folder, path, env=None):
        self.folder = self.at = pathlib.Path(folder)
        self.env = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}", **(env or {})}
        self.ran = self.checked = 0

    def follow(self, page):
        said = ""
        for line, language, file, text in blocks(page):
            where = f"{page.name}:{line}"
            if file:
                target = self.folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
            elif language == "sh":
                said = self.run(where, text)
            elif language == "text":
                for expected in text.splitlines():
                    assert expected in said, f"{where}: no '{expected}' in\n{said}"
                    self.checked += 1

    def run(self, where, script):
        after = self.folder / ".where"
        shell = f"set -euo pipefail\n{script}\npwd > '{after}'\n"
        process = subprocess.Popen(["bash", "-c", shell], cwd=self.at, env=self.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            said, _ = process.communicate(timeout=120)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode == 0, f"{where}: exit {process.returncode}\n{said}"
        self.at = pathlib.Path(after.read_text().strip())
        self.ran += 1
        return said

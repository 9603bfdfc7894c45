"""Prometheus, unpacked from Debian's package (`scripts/setup --servers`), and promtool, which judges metrics and rules.

As a module: `with Prometheus(folder, target, rules) as server: server.query("up")`. As a program: `prometheus.py start|serve|stop FOLDER TARGET`.
"""

import json
import pathlib
import subprocess
import urllib.parse
import urllib.request

from server_process import ServerProcess, run_verb

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARIES = ROOT / ".deps/prometheus/usr/bin"


def lacks():
    """A sentence when it is not installed."""
    return "" if BINARIES.exists() else "no Prometheus is here: run scripts/setup --servers"


def promtool(*arguments, stdin=None, cwd=None):
    """(exit status, all it said)"""
    done = subprocess.run([BINARIES / "promtool", *map(str, arguments)], input=stdin, cwd=cwd, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


class Prometheus(ServerProcess):
    name = "prometheus"

    def __init__(self, folder, target, rules=(), port=None):
        super().__init__(folder, port)
        self.target, self.rules = target, rules

    def command(self):
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(path) for path in self.rules],
            "scrape_configs": [{"job_name": "millrace", "static_configs": [{"targets": [self.target]}]}],
        }
        (self.folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
        return [
            BINARIES / "prometheus",
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]

    def is_ready(self):
        """It accepts connections before it answers queries."""
        try:
            with urllib.request.urlopen(f"{self.address}/-/ready", timeout=20) as answer:
                return answer.status == 200
        except OSError:
            return False

    def ask(self, path, **parameters):
        with urllib.request.urlopen(f"{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=20) as answer:
            return json.load(answer)["data"]

    def query(self, expression):
        """[(labels, value)] at this moment."""
        result = self.ask("query", query=expression)["result"]
        return [(each["metric"], float(each["value"][1])) for each in result]


if __name__ == "__main__":
    run_verb(lambda folder, arguments: Prometheus(folder, *arguments))

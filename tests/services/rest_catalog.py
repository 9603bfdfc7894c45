"""Apache Iceberg's own REST catalogue for tests and the demo, on loopback, from the jars of `scripts/setup --servers`.

As a module: `with RestCatalog(folder, warehouse="file:///...", properties={}) as rest: rest.uri`.
As a program: `rest_catalog.py start|serve FOLDER WAREHOUSE [KEY=VALUE...]`, `rest_catalog.py stop FOLDER`.
"""

import pathlib
import urllib.request

from server_process import ServerProcess, run_verb

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent


class RestCatalog(ServerProcess):
    name = "rest"

    def __init__(self, folder, warehouse, properties=None, environment=None):
        super().__init__(folder, environment=environment)
        self.warehouse = warehouse
        self.properties = properties or {}

    @property
    def uri(self):
        return self.address

    def command(self):
        properties = {"uri": f"jdbc:sqlite:{self.folder}/rest.db", "warehouse": self.warehouse, **self.properties}
        java = ["java", "-Xmx512m", "-cp", f"{ROOT}/.deps/rest/*", HERE / "RestCatalog.java", self.port]
        return java + [f"{k}={v}" for k, v in properties.items()]

    def is_ready(self):
        try:
            urllib.request.urlopen(self.uri + "/v1/config", timeout=2).read()
            return True
        except OSError:
            return False


if __name__ == "__main__":
    run_verb(lambda folder, rest: RestCatalog(folder, rest[0], dict(pair.split("=", 1) for pair in rest[1:])))

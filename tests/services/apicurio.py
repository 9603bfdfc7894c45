"""Apicurio's schema registry, which speaks Confluent's API under /apis/ccompat/v7, on loopback, from `scripts/setup --servers`.

As a module: `with Apicurio(folder) as registry: registry.url`. As a program: `apicurio.py start|serve|stop FOLDER`.
"""

import pathlib
import urllib.request

from server_process import ServerProcess, free_port, run_verb

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Apicurio(ServerProcess):
    name = "apicurio"
    ready_seconds = 120

    @property
    def url(self):
        return self.address + "/apis/ccompat/v7"

    def command(self):
        (jar,) = (ROOT / ".deps/apicurio").glob("apicurio-registry-app-*-runner.jar")
        settings = {
            "quarkus.http.host": "127.0.0.1",
            "quarkus.http.port": self.port,
            "quarkus.management.host": "127.0.0.1",
            "quarkus.management.port": free_port(),
            "apicurio.rest.deletion.artifact.enabled": "true",
            "apicurio.rest.deletion.artifact-version.enabled": "true",
        }
        return ["java", "-Xmx512m", *(f"-D{k}={v}" for k, v in settings.items()), "-jar", jar]

    def is_ready(self):
        try:
            urllib.request.urlopen(self.url + "/subjects", timeout=2).read()
            return True
        except OSError:
            return False


if __name__ == "__main__":
    run_verb(lambda folder, _: Apicurio(folder))

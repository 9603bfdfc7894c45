"""A server of AWS Glue's protocol, and of S3's, on loopback (`scripts/setup --servers`): moto, which keeps to the locks of tables as AWS does
(moto_locking.py). boto3 and pyiceberg judge.

As a module: `with Glue(folder) as glue: glue.endpoint`, `client(endpoint)`, `pyiceberg_catalog(endpoint)`. As a program: `glue.py start|serve|stop FOLDER`.
"""

import pathlib
import sys
import urllib.request

import dynamodb
from server_process import ServerProcess, run_verb

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PYTHON = ROOT / ".deps/moto/bin/python"
KEYS = dynamodb.KEYS


def lacks():
    """A sentence when something is not installed."""
    return "" if PYTHON.exists() else "no server of Glue's protocol is here: run scripts/setup --servers"


class Glue(ServerProcess):
    name = "glue"

    @property
    def endpoint(self):
        return self.address

    def command(self):
        return [PYTHON, HERE / "moto_locking.py", "-H", "127.0.0.1", "-p", self.port]

    def create_bucket(self, name):
        urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}/{name}", method="PUT")).close()


def client(endpoint, service="glue"):
    return dynamodb.client(endpoint, service)


def pyiceberg_catalog(endpoint):
    client(endpoint)  # boto3 is found then
    from pyiceberg.catalog.glue import GlueCatalog

    access = {"region": "us-east-1", "access-key-id": "judge", "secret-access-key": "judge-secret", "endpoint": endpoint}
    return GlueCatalog("millrace", **{f"{service}.{name}": value for service in ("glue", "s3") for name, value in access.items()})


if __name__ == "__main__":
    run_verb(lambda folder, _: Glue(folder))

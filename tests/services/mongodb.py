"""mongo-java-server, a server in memory that speaks MongoDB's protocol, on loopback, from the jars of `scripts/setup --servers`.

As a module: `with MongoDb(folder) as mongo: mongo.uri`. As a program: `mongodb.py start|serve|stop FOLDER`.
"""

import pathlib

from server_process import ServerProcess, run_verb

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent


class MongoDb(ServerProcess):
    name = "mongodb"

    @property
    def address(self):
        return f"mongodb://127.0.0.1:{self.port}/"

    uri = address

    def command(self):
        return ["java", "-Xmx512m", "-cp", f"{ROOT}/.deps/mongo/*", HERE / "MongoInMemory.java", self.port]


if __name__ == "__main__":
    run_verb(lambda folder, _: MongoDb(folder))

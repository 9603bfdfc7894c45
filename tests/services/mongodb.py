"""mongo-java-server, a server in memory that speaks MongoDB's protocol, on loopback, from the jars of `scripts/setup --servers`.

As a module: `with MongoDb(folder) as mongo: mongo.uri`. As a program: `mongodb.py start|serve|stop FOLDER [oplog]`.

With `oplog` it has change streams, as far as it goes: an update does not say of which document it is (`documentKey`), but for what `updateLookup` finds; a drop is not
followed by `invalidate`; it neither waits for changes (`maxAwaitTimeMS`) nor has resume tokens before the first, nor `operationTime`; its oplog forgets nothing (no error 286).
"""

import pathlib

from server_process import ServerProcess, run_verb

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent


class MongoDb(ServerProcess):
    name = "mongodb"

    def __init__(self, folder, oplog=False, heap="512m", **options):
        super().__init__(folder, **options)
        self.oplog = oplog
        self.heap = heap

    @property
    def address(self):
        return f"mongodb://127.0.0.1:{self.port}/"

    uri = address

    def command(self):
        return ["java", f"-Xmx{self.heap}", "-cp", f"{ROOT}/.deps/mongo/*", HERE / "MongoInMemory.java", self.port, *(["oplog"] if self.oplog else [])]


if __name__ == "__main__":
    run_verb(lambda folder, words: MongoDb(folder, oplog="oplog" in words))

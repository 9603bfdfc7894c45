"""A server of Firestore's protocol in memory, on loopback (`scripts/setup --servers`), and Google's own client of it, which judges what we wrote.

As a module: `with Firestore(folder) as server: server.address`, `Judge(address)`. As a program: `firestore.py start|serve|stop FOLDER`.
"""

import pathlib
import sys
import urllib.parse

from server_process import ServerProcess, run_verb

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PYTHON = ROOT / ".deps/googlefirestore/bin/python"
MODULES = ROOT / ".deps/firestore/node_modules"
PROJECT = "millrace-test"
DATABASE = f"projects/{PROJECT}/databases/(default)"


def lacks():
    """A sentence when something is not installed."""
    if not MODULES.exists() or not PYTHON.exists():
        return "no server of Firestore's protocol is here: run scripts/setup --servers"
    return ""


class Firestore(ServerProcess):
    name = "firestore"

    def __init__(self, folder, port=None):
        super().__init__(folder, port, {"NODE_PATH": str(MODULES)})

    def command(self):
        return ["node", HERE / "firestore_server.js", self.port]


def plain(value):
    """A value of a field in JSON's types."""
    kind = value._pb.WhichOneof("value_type")
    if kind == "map_value":
        return {name: plain(member) for name, member in value.map_value.fields.items()}
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    if kind == "timestamp_value":
        return value.timestamp_value.isoformat()
    if kind == "bytes_value":
        return value.bytes_value.hex()
    return None if kind == "null_value" else getattr(value, kind)


class Judge:
    """Google's client, which only the Python of .deps/googlefirestore has."""

    def __init__(self, address):
        import grpc
        from google.cloud.firestore_v1.services.firestore import FirestoreClient
        from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport

        self.channel = grpc.insecure_channel(address.removeprefix("http://"), options=[("grpc.max_receive_message_length", -1)])
        self.client = FirestoreClient(transport=FirestoreGrpcTransport(channel=self.channel))

    def found(self, collection):
        query = {"from_": [{"collection_id": collection}]}
        for answer in self.client.run_query(request={"parent": DATABASE + "/documents", "structured_query": query}):
            if answer.document.name:
                yield answer.document

    def documents(self, collection):
        """All of a collection, in no order; `_id` is what the id says without its encoding."""
        for document in self.found(collection):
            name = document.name.rpartition("/")[2]
            yield {**{name: plain(value) for name, value in document.fields.items()}, "_id": urllib.parse.unquote(name)}

    def put(self, collection, name, text):
        """A document {"name": text} of somebody else's."""
        update = {"name": f"{DATABASE}/documents/{collection}/{name}", "fields": {"name": {"string_value": text}}}
        self.client.commit(request={"database": DATABASE, "writes": [{"update": update}]})

    def clear(self, collection):
        writes = [{"delete": document.name} for document in self.found(collection)]
        self.client.commit(request={"database": DATABASE, "writes": writes})
        return len(writes)


if __name__ == "__main__":
    run_verb(lambda folder, _: Firestore(folder))

"""Firestore's REST API before a server of its gRPC one (the argument), by Google's own messages and their JSON. It prints its address and runs until killed."""

import json
import os
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import firestore

if not os.path.samefile(sys.prefix, firestore.PYTHON.parents[1]):  # whoever starts this has another Python
    os.execv(firestore.PYTHON, [firestore.PYTHON, "-u", *sys.argv])

import grpc  # noqa: E402
from google.cloud.firestore_v1.types import firestore as messages  # noqa: E402
from google.protobuf import json_format  # noqa: E402

CHANNEL = grpc.insecure_channel(sys.argv[1].removeprefix("http://"), options=[("grpc.max_receive_message_length", -1)])
STATUS = {"ALREADY_EXISTS": 409, "ABORTED": 409, "FAILED_PRECONDITION": 400, "INVALID_ARGUMENT": 400, "NOT_FOUND": 404}
CALLS = {
    ":commit": ("Commit", messages.CommitRequest, messages.CommitResponse),
    ":batchGet": ("BatchGetDocuments", messages.BatchGetDocumentsRequest, messages.BatchGetDocumentsResponse),
    ":runQuery": ("RunQuery", messages.RunQueryRequest, messages.RunQueryResponse),
}


def answer(path, body):
    on, colon, verb = path.removeprefix("/v1/").rpartition(":")
    method, request_type, answer_type = CALLS[colon + verb]
    request = json_format.ParseDict(body, request_type.pb(request_type()))
    if method == "RunQuery":
        request.parent = on
    else:
        request.database = on.removesuffix("/documents")
    kind = CHANNEL.unary_unary if method == "Commit" else CHANNEL.unary_stream
    call = kind(f"/google.firestore.v1.Firestore/{method}", lambda message: message.SerializeToString(), answer_type.pb(answer_type()).FromString)
    said = call(request, timeout=60)
    return json_format.MessageToDict(said) if method == "Commit" else [json_format.MessageToDict(one) for one in said]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            status, said = 200, answer(urllib.parse.unquote(self.path), body)
        except grpc.RpcError as error:
            word = error.code().name
            status = STATUS.get(word, 503)
            said = {"error": {"code": status, "status": word, "message": error.details()}}
        data = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()

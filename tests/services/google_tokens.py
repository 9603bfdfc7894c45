"""Google's token endpoint and the metadata service of a machine, for a key made here, whose file is the argument: what is signed with it is judged by Google's own
library (google.auth.jwt). It prints its address and runs until killed. GET /asked says how often a token was given."""

import json
import os
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import firestore

if not os.path.samefile(sys.prefix, firestore.PYTHON.parents[1]):  # whoever starts this has another Python
    os.execv(firestore.PYTHON, [firestore.PYTHON, "-u", *sys.argv])

from cryptography.hazmat.primitives import serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: E402
from google.auth import jwt  # noqa: E402

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
ACCOUNT = "writer@millrace-test.iam.gserviceaccount.com"
SCOPE = "https://www.googleapis.com/auth/datastore"
asked = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def say(self, status, said):
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def give(self, whose):
        global asked
        asked += 1
        self.say(200, {"access_token": f"{whose}-{asked}", "expires_in": 3600, "token_type": "Bearer"})

    def do_GET(self):
        if self.path == "/asked":
            return self.say(200, asked)
        if self.path == "/computeMetadata/v1/instance/service-accounts/default/token" and self.headers["Metadata-Flavor"] == "Google":
            return self.give("machine")
        self.say(404, {})

    def do_POST(self):
        form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        if form.get("refresh_token") == "hidden-refresh":
            return self.give("person")
        try:
            claims = jwt.decode(form["assertion"], certs={"k1": PUBLIC}, audience=address + "/token")
            assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
            assert claims["iss"] == ACCOUNT and claims["scope"] == SCOPE and claims["exp"] - claims["iat"] <= 3600
        except Exception:
            return self.say(400, {"error": "invalid_grant"})
        self.give("account")

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
address = f"http://127.0.0.1:{server.server_port}"
pem = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
file = {"type": "service_account", "client_email": ACCOUNT, "private_key_id": "k1", "private_key": pem, "token_uri": address + "/token"}
with open(sys.argv[1], "w") as out:
    json.dump(file, out)
print(address, flush=True)
server.serve_forever()

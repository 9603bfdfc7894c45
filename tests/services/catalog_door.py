"""A catalogue's door for tests: an OAuth2 token server and a verifier of AWS signatures, with botocore as the judge. Prints its address, runs until killed.

/v1/oauth/tokens       client credentials "millrace" / "its secret"; counts what it gives out; a token lives LIFETIME seconds
/v1/config             200 for a token that it gave out and that was not revoked, or for a good signature; else 401 or 403
/v1/p/namespaces...    the same door, then an empty listing
/revoke                revokes every token
/given                 how many tokens were given, as text

Arguments: LIFETIME in seconds.
"""

import json
import pathlib
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += map(str, ROOT.glob(".deps/moto/lib/python*/site-packages"))  # where botocore is

lifetime = int(sys.argv[1])
tokens = set()
given = 0

WANTED = {
    "grant_type": ["client_credentials"],
    "client_id": ["millrace"],
    "client_secret": ["its secret"],
    "scope": ["PRINCIPAL_ROLE:ALL"],
    "audience": ["lake"],
    "resource": ["https://lake/x"],
}


def is_signed(method, url, headers, body):
    """Signs what came in again, with the same keys, and compares."""
    from botocore.auth import SigV4Auth  # only there after `scripts/setup --servers`
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    names = headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    scope = headers["Authorization"].split("Credential=")[1].split(",")[0].split("/")
    request = AWSRequest(method, url, {name: headers[name] for name in names}, body)
    request.context["timestamp"] = headers["X-Amz-Date"]
    auth = SigV4Auth(Credentials("AKID", "key of the test"), scope[3], scope[2])
    canonical = auth.canonical_request(request)
    signature = auth.signature(auth.string_to_sign(request, canonical), request)
    return scope[3] == "glue" and headers["Authorization"].endswith("Signature=" + signature)


class Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def say(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self, body):
        global given
        if self.path == "/v1/oauth/tokens":
            if urllib.parse.parse_qs(body.decode()) != WANTED:
                return self.say(400, {"error": "invalid_client", "error_description": body.decode()})
            given += 1
            tokens.add(f"token-{given}")
            return self.say(200, {"access_token": f"token-{given}", "token_type": "bearer", "expires_in": lifetime})
        if self.path == "/revoke":
            tokens.clear()
            return self.say(200, {})
        if self.path == "/given":
            return self.say(200, given)
        authorization = self.headers.get("Authorization", "")
        if authorization.startswith("AWS4-HMAC-SHA256 "):
            if not is_signed(self.command, f"http://{self.headers['Host']}{self.path}", self.headers, body):
                return self.say(403, {"error": {"message": "the signature is wrong", "type": "x", "code": 403}})
        elif authorization.removeprefix("Bearer ") not in tokens | {"given by hand"}:
            return self.say(401, {"error": {"message": "who are you", "type": "NotAuthorizedException", "code": 401}})
        if self.path.startswith("/v1/config"):
            return self.say(200, {"defaults": {"prefix": "default"}, "overrides": {"prefix": "p"}})
        if self.path == "/v1/p/namespaces":
            return self.say(200, {"namespaces": [["a"]], "next-page-token": "two & more"})
        if self.path == "/v1/p/namespaces?pageToken=two%20%26%20more":
            return self.say(200, {"namespaces": [["b"], ["dotted.name"]], "next-page-token": None})
        if self.path.startswith("/v1/p/namespaces?parent="):
            deeper = {"/v1/p/namespaces?parent=a": [["a", "x y"]]}
            return self.say(200, {"namespaces": deeper.get(self.path, [])})
        if self.path == "/v1/p/namespaces/a%1Fx%20y/tables":
            return self.say(200, {"identifiers": [{"namespace": ["a", "x y"], "name": "t"}]})
        return self.say(404, {"error": {"message": "nothing here", "type": "x", "code": 404}})

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()

"""The endpoints that hand out AWS credentials, as their documents describe them, for tests. Prints its address.

Each answers only what carries the right proof. Keys say where they are from; every answer of the instance's endpoint expires SECONDS
(the argument, 3600 by itself) from now, and counts: the session token is the number of answers so far.
"""

import datetime
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 3600
answers = 0


def keys(place):
    global answers
    answers += 1
    expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return {"AccessKeyId": f"key-{place}", "SecretAccessKey": f"secret-{place}", "Token": str(answers), "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def say(self, status, text=""):
        body = (text if isinstance(text, str) else json.dumps(text)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        asked = self.path == "/latest/api/token" and self.headers["X-aws-ec2-metadata-token-ttl-seconds"]
        self.say(200, "proof") if asked else self.say(400)

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path.startswith("/latest/meta-data/iam/security-credentials/"):
            if self.headers["X-aws-ec2-metadata-token"] != "proof":
                self.say(401)
            elif url.path.endswith("/"):
                self.say(200, "role one\n")
            else:
                self.say(200 if url.path.endswith("/role%20one") else 404, keys("instance"))
        elif url.path == "/container":
            self.say(200, keys("container")) if self.headers["Authorization"] == "Bearer c" else self.say(403)
        elif url.path == "/federation/credentials":
            right = self.headers["x-amz-sso_bearer_token"] == "sso-token" and parse_qs(url.query) == {"account_id": ["123"], "role_name": ["Reader"]}
            role = {"accessKeyId": "key-sso", "secretAccessKey": "secret-sso", "sessionToken": "t", "expiration": 4102444800000}
            self.say(200, {"roleCredentials": role}) if right else self.say(401)
        else:
            self.say(404)

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if form.get("Action") != ["AssumeRoleWithWebIdentity"] or form.get("WebIdentityToken") != ["web+token="]:
            return self.say(403)
        made = keys("web")
        self.say(
            200,
            f'<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>'
            f"<AccessKeyId>{made['AccessKeyId']}</AccessKeyId><SecretAccessKey>{made['SecretAccessKey']}</SecretAccessKey>"
            f"<SessionToken>{form['RoleArn'][0]}</SessionToken><Expiration>{made['Expiration']}</Expiration></Credentials>"
            f"</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
        )

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}")
server.serve_forever()

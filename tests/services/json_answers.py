"""A client of a server, kept running for tests in C++, which would start a Python for each look otherwise.

`serve(answer)` prints an address on loopback; what is POSTed there (JSON) goes to `answer`, and what that returns comes back as JSON.
"""

import json
import traceback
from http.server import BaseHTTPRequestHandler, HTTPServer


def serve(answer):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                status, said = 200, answer(asked)
            except Exception:
                status, said = 500, traceback.format_exc()
            body = json.dumps(said, default=str).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()

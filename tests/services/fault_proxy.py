"""A proxy on loopback between a client and a real server, whose faults are scripted: for HTTP/1.1 and for raw TCP.

As a program: `fault_proxy.py http|tcp HOST:PORT` prints its address and runs until killed. As a module: `with FaultProxy("http", "127.0.0.1:9000") as
p: p.url, p.inject(...)`.

A rule (JSON) is POSTed to /__faults of an HTTP proxy's own address; DELETE takes all away; GET says how often each was hit. Of a TCP proxy, and of either
when it is a module, rules are given by `inject`.
  method, path   regular expressions on the request ("" or absent: any); `path` has the query
  header         "Name: regular expression" that one header must match
  skip, times    matching requests that pass first (0); that are hit then (1; -1: all)
  effect         status     answers `status` with `body` and `headers` itself; the server sees nothing
                 lost       passes the request on, drops the answer, closes
                 refused    closes before anything is passed on
                 reset      passes on, sends `at` bytes of the answer, then resets the connection
                 slow       passes on, sends the answer `at` bytes (1) a `delay` (1.0 s)
                 late       waits `delay` s, then passes on as usual
                 answered   passes on, then answers `status` instead: a gateway that gave up on a server that did not
                 merge      passes on, then merges the JSON of `body` into the JSON of the answer
                 strip      passes on without the header named in `name`: a store that ignores a condition
For TCP, each connection counts as one request; effects are refused, reset (after `at` bytes from the server), slow and late.
"""

import http.client
import contextlib
import json
import re
import socket
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Rules:
    def __init__(self):
        self.lock = threading.Lock()
        self.rules = []

    def add(self, rule):
        with self.lock:
            self.rules.append({"skip": 0, "times": 1, **rule, "hit": 0})

    def clear(self):
        with self.lock:
            self.rules.clear()

    def hits(self):
        with self.lock:
            return [rule["hit"] for rule in self.rules]

    def met(self):
        with self.lock:
            return [headers for rule in self.rules for headers in rule.get("met", [])]

    def take(self, method="", path="", headers=""):
        """The first rule that this request meets, counted."""
        with self.lock:
            for rule in self.rules:
                if not re.search(rule.get("method", ""), method) or not re.search(rule.get("path", ""), path):
                    continue
                if not re.search(rule.get("header", ""), headers, re.IGNORECASE | re.MULTILINE):
                    continue
                if rule["skip"] > 0:
                    rule["skip"] -= 1
                elif rule["times"] != 0:
                    rule["times"] -= 1
                    rule["hit"] += 1
                    rule.setdefault("met", []).append(headers)
                    return rule
        return {}


def reset(connection):
    """Closes with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def merge(into, more):
    for name, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            merge(into[name], value)
        else:
            into[name] = value


def merged_answer(answer, body):
    """The answer with more in its JSON; one that has none is left alone."""
    head, _, content = answer.partition(b"\r\n\r\n")
    try:
        document = json.loads(content)
    except ValueError:
        return answer
    merge(document, json.loads(body) if isinstance(body, str) else body)
    content = json.dumps(document).encode()
    return re.sub(rb"(?i)content-length: *\d+", b"Content-Length: %d" % len(content), head) + b"\r\n\r\n" + content


def send_by(connection, data, rule):
    """All of it, or as much and as fast as the rule says; false when the connection is no more."""
    effect = rule.get("effect")
    if effect == "reset":
        connection.sendall(data[: rule.get("at", 0)])
        time.sleep(0.05)  # what was sent is read before the reset throws it away
        reset(connection)
        return False
    if effect == "slow":
        step = rule.get("at", 1)
        for i in range(0, len(data), step):
            connection.sendall(data[i : i + step])
            time.sleep(rule.get("delay", 1.0))
        return True
    connection.sendall(data)
    return True


class HttpHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (OSError, ValueError):
            self.close_connection = True

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.pass_on
        raise AttributeError(name)

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def pass_on(self):
        body = self.body()
        if self.path == "/__faults":
            return self.script(body)
        rule = self.server.rules.take(self.command, self.path, str(self.headers))
        effect = rule.get("effect")
        if effect == "refused":
            return self.hang_up()
        if effect == "status":
            return self.connection.sendall(self.say(rule))
        if effect == "late":
            time.sleep(rule.get("delay", 1.0))
        answer = self.ask(body, rule.get("name", "") if effect == "strip" else "")
        if effect == "lost":
            return self.hang_up()
        if effect == "answered":
            answer = self.say(rule)
        if effect == "merge":
            answer = merged_answer(answer, rule["body"])
        if not send_by(self.connection, answer, rule):
            self.close_connection = True

    def hang_up(self):
        self.close_connection = True
        reset(self.connection)

    def say(self, rule):
        body = rule.get("body", "").encode()
        lines = [f"HTTP/1.1 {rule.get('status', 500)} Scripted", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in rule.get("headers", {}).items()]
        return "\r\n".join([*lines, "", ""]).encode() + (b"" if self.command == "HEAD" else body)

    def ask(self, body, without):
        """The server's whole answer, as bytes."""
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=60)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("connection", "transfer-encoding", "content-length", without.lower()):
                upstream.putheader(name, value)
        if body or "Content-Length" in self.headers:
            upstream.putheader("Content-Length", str(len(body)))
        upstream.endheaders(body or None)
        answer = upstream.getresponse()
        content = answer.read()
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
        lines += [f"{n}: {v}" for n, v in answer.getheaders() if n.lower() not in ("transfer-encoding", "connection", "content-length")]
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        if length is not None and answer.status not in (204, 304):
            lines.append(f"Content-Length: {length}")
        upstream.close()
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + content

    def script(self, body):
        if self.command == "POST":
            self.server.rules.add(json.loads(body))
        elif self.command == "DELETE":
            self.server.rules.clear()
        self.connection.sendall(self.say({"status": 200, "body": json.dumps(self.server.rules.hits())}))

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass  # a client that went away


class TcpServer:
    """The same face as Server, for bytes."""

    def __init__(self, address, _):
        self.listener = socket.create_server(address, backlog=128)
        self.server_port = self.listener.getsockname()[1]
        self.connections = []

    def cut(self):
        """Ends every connection that is open now, in both directions."""
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.connections = []

    def serve_forever(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.connect, args=(client,), daemon=True).start()

    def connect(self, client):
        rule = self.rules.take()
        if rule.get("effect") == "refused":
            return reset(client)
        if rule.get("effect") == "late":
            time.sleep(rule.get("delay", 1.0))
        host, _, port = self.upstream.rpartition(":")
        server = socket.create_connection((host, int(port)))
        self.connections += [client, server]
        threading.Thread(target=self.pump, args=(client, server, {}), daemon=True).start()
        self.pump(server, client, rule)

    def pump(self, source, target, rule):
        passed = 0
        try:
            while data := source.recv(65536):
                if rule.get("effect") == "reset" and passed + len(data) < rule.get("at", 0):
                    target.sendall(data)
                elif not send_by(target, data, {**rule, "at": rule.get("at", 1) - (passed if rule.get("effect") == "reset" else 0)}):
                    break
                passed += len(data)
        except OSError:
            pass
        for connection in (source, target):
            connection.close()

    def shutdown(self):
        self.listener.close()


class FaultProxy:
    def __init__(self, kind, upstream, port=0):
        self.server = (Server if kind == "http" else TcpServer)(("127.0.0.1", port), HttpHandler)
        self.server.rules = Rules()
        self.server.upstream = upstream.removeprefix("http://")
        self.port = self.server.server_port

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def inject(self, **rule):
        self.server.rules.add(rule)

    def clear(self):
        self.server.rules.clear()

    def cut(self):
        """Of a TCP proxy: what is open now ends, whatever the rules say of what comes."""
        self.server.cut()

    def hits(self):
        return self.server.rules.hits()

    def met(self, name):
        """The values of a header in the requests that were hit and have it."""
        found = (re.search(rf"(?im)^{name}: *(.*?)\r?$", headers) for headers in self.server.rules.met())
        return [match[1] for match in found if match]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()


if __name__ == "__main__":
    proxy = FaultProxy(sys.argv[1], sys.argv[2])
    print(proxy.url, flush=True)
    proxy.server.serve_forever()

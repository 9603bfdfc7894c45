"""A small HTTP/1.1 server that answers as the path says, for tests of HTTP clients. Prints its address, runs until killed.

/echo            what was sent, as JSON, with the number of the connection and of the request on it
/seen            how many requests came in whole, as text (not counting those to /seen)
/status/N        an empty answer of status N with a Location to /echo
/drop            takes the request, then closes without an answer
/drop-when-kept  the same, but only on a connection that has answered before
/reset-body      says 100 bytes, sends 10, closes
/large           a million bytes, without saying how many
/never           takes the request and never answers
"""

import json
import socket
import threading
import time

lock = threading.Lock()
seen = 0
connections = 0


def read_request(stream):
    line = stream.readline().decode("latin-1").split()
    if len(line) != 3 or not line[2].startswith("HTTP/"):  # the end, or no HTTP: a client that tries TLS
        return None
    method, path, _ = line
    headers = []
    while (line := stream.readline().decode("latin-1").strip()) != "":
        name, _, value = line.partition(":")
        headers.append([name, value.strip()])
    length = int(next((v for n, v in headers if n.lower() == "content-length"), 0))
    body = stream.read(length)
    while any(n.lower() == "transfer-encoding" for n, _ in headers):
        size = int(stream.readline(), 16)
        body += stream.read(size)
        stream.readline()
        if size == 0:
            break
    return method, path, headers, body


def answer(status, body=b"", headers=""):
    return f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\nX-Case: MiXed \r\n{headers}\r\n".encode() + body


def serve(connection, number):
    global seen
    stream = connection.makefile("rb")
    kept = 0
    while (request := read_request(stream)) is not None:
        method, path, headers, body = request
        kept += 1
        route = path.partition("?")[0]
        if route == "/seen":
            connection.sendall(answer(200, str(seen).encode()))
            continue
        with lock:
            seen += 1
        if route.startswith("/status/"):
            connection.sendall(b"HTTP/1.1 103 Early\r\nX-Early: 1\r\n\r\n" + answer(int(route[8:]), headers="Location: /echo\r\n"))
        elif route == "/drop" or (route == "/drop-when-kept" and kept > 1):
            break
        elif route == "/reset-body":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
            break
        elif route == "/large":
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 1_000_000)
            break
        elif route == "/never":
            time.sleep(3600)
        else:
            said = {"method": method, "path": path, "headers": headers, "body": body.decode("latin-1")}
            text = json.dumps({**said, "connection": number, "request": kept}).encode()
            connection.sendall(answer(200, b"" if method == "HEAD" else text))
    connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def main():
    global connections
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}")
    while True:
        connection, _ = listener.accept()
        connections += 1
        threading.Thread(target=serve, args=(connection, connections), daemon=True).start()


main()

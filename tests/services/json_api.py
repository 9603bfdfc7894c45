"""A JSON API of many manners, for tests of what polls one. Prints its address. Every path is counted (/seen).

/users?results=N           people, made up in the shape in which randomuser.me answers; new ones each time
/served                    the uuids of those whose answer was sent whole
/items?offset=&limit=      a listing by offset, its rows {"id", "updated_at"}, with "total"
/pages?page=&size=         the same by page
/marks?cursor=&limit=      the same by an opaque cursor in "next"
/links?page=&size=         the same as a bare array, the next page in a Link header
/since?since=              rows whose updated_at is not before `since`, newest first
/change?insert=N&remove=N&at=K    K requests for a listing later: N rows are put before all others, or the first N go
/reset?rows=N              a listing of N rows
/loop, /same               a cursor that repeats; a listing that knows no parameters
/tag                       one object with an ETag; 304 to who has it
/to?url=U&status=S         a redirect
/slow, /huge, /never       an answer in drops; one without end; none until the client goes
/status/N?times=K&after=S  N, for the first K requests (Retry-After: S), then one row
/broken?page=P             a listing by page whose second page breaks off; with times=K only K times; with fail=N it is 503 before, N times
/ends?page=P&as=204        a listing by page of which there is one; the next is 204, or with as=null null
/keyed?key=S               a listing by links that repeat the whole query; with in=cursor by a mark that holds the secret
/secret                    one row to who shows one of the secrets, else 401 with what was shown
/echo                      method, headers, body as a row
"""

import base64
import gzip
import json
import random
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PLACES = [
    ("Australia", "AU", ["Victoria", "Tasmania"]),
    ("Brazil", "BR", ["Bahia", "Paraná", "São Paulo"]),
    ("Germany", "DE", ["Bayern", "Hessen"]),
    ("Norway", "NO", ["Troms", "Vestland"]),
    ("United States", "US", ["Ohio", "Texas", "Utah"]),
]
FIRST = {"female": ["Ada", "Olga", "Noémie"], "male": ["Ivan", "Jürgen", "Otto"]}
DOMAINS = ["example.com", "example.org", "mail.example"]


def person(chance):
    """One of randomuser.me's results, version 1.4, as recorded; names and places are fewer."""
    gender = chance.choice(["female", "male"])
    first, last = chance.choice(FIRST[gender]), chance.choice(["Berg", "O'Hara", "da Silva"])
    country, nation, states = chance.choice(PLACES)
    age = chance.randrange(20, 80)
    login = f"user{chance.randrange(10**6)}"
    picture = f"https://randomuser.me/api/portraits/{'wo' * (gender == 'female')}men/{age}.jpg"
    return {
        "gender": gender,
        "name": {"title": "Ms" if gender == "female" else "Mr", "first": first, "last": last},
        "location": {
            "street": {"number": chance.randrange(1, 9999), "name": "Storgata"},
            "city": "Springfield",
            "state": chance.choice(states),
            "country": country,
            "postcode": chance.choice([chance.randrange(10000, 99999), "SW1A 1AA"]),
            "coordinates": {"latitude": f"{chance.uniform(-90, 90):.4f}", "longitude": f"{chance.uniform(-180, 180):.4f}"},
            "timezone": {"offset": "+1:00", "description": "Brussels, Copenhagen, Madrid, Paris"},
        },
        "email": f"{login}@{chance.choice(DOMAINS)}",
        "login": {"uuid": str(uuid.UUID(int=chance.getrandbits(128), version=4)), "username": login},
        "dob": {"date": f"{2026 - age}-03-01T12:00:00.000Z", "age": age},
        "registered": {"date": "2015-06-07T08:09:10.123Z", "age": 11},
        "phone": "0123-456",
        "cell": "0789-123",
        "id": {"name": "SSN", "value": None},
        "picture": {"large": picture},
        "nat": nation,
    }


class Api:
    def __init__(self):
        self.lock = threading.Lock()
        self.seen = []
        self.served = []
        self.counts = {}
        self.changes = []
        self.chance = random.Random(7)
        self.reset(10)

    def reset(self, rows):
        self.next_id = rows
        self.items = [self.item(i) for i in range(rows)]
        self.changes = []

    @staticmethod
    def item(i):
        return {"id": i, "updated_at": f"2026-01-01T{i // 3600:02}:{i // 60 % 60:02}:{i % 60:02}Z"}

    def listing(self):
        due = [c for c in self.changes if c["at"] <= 1]
        self.changes = [{**c, "at": c["at"] - 1} for c in self.changes if c["at"] > 1]
        for change in due:
            self.items = [self.item(self.next_id + k) for k in range(change["insert"])] + self.items[change["remove"] :]
            self.next_id += change["insert"]
        return self.items

    def first_times(self, key, times):
        self.counts[key] = self.counts.get(key, 0) + 1
        return self.counts[key] <= times


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api = Api()

    def log_message(self, *_):
        pass

    def answer(self, status, value=None, **headers):
        body = b"" if status in (204, 304) else json.dumps(value, indent=1, ensure_ascii=False).encode()
        if "gzip" in self.headers.get("Accept-Encoding", "") and status == 200:
            body = gzip.compress(body)
            headers["Content_Encoding"] = "gzip"
        self.raw(status, body, **headers)

    def raw(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if status not in (204, 304):
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        parts = urlsplit(self.path)
        self.query = {k: v[-1] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        name = parts.path.strip("/").split("/")[0]
        if name == "seen":
            return self.answer(200, self.api.seen)
        with self.api.lock:
            self.api.seen.append(f"{self.command} {self.path}")
        getattr(self, f"get_{name}", self.get_nothing)(parts.path)

    do_POST = do_GET

    def number(self, name, fallback):
        return int(self.query.get(name, fallback))

    def get_nothing(self, path):
        self.answer(404, {"error": f"no {path}"})

    def get_users(self, _):
        with self.api.lock:
            results = [person(self.api.chance) for _ in range(self.number("results", 1))]
        self.answer(200, {"results": results, "info": {"seed": "7", "results": len(results), "page": 1, "version": "1.4"}})
        with self.api.lock:
            self.api.served += [r["login"]["uuid"] for r in results]

    def get_served(self, _):
        self.answer(200, self.api.served)

    def get_reset(self, _):
        self.api.reset(self.number("rows", 10))
        self.api.counts.clear()
        self.api.seen.clear()
        self.answer(200)

    def get_change(self, _):
        self.api.changes.append({k: self.number(k, 0) for k in ("insert", "remove", "at")})
        self.answer(200)

    def get_items(self, _):
        with self.api.lock:
            items = self.api.listing()
            offset = self.number("offset", 0)
            self.answer(200, {"data": items[offset : offset + self.number("limit", 3)], "total": len(items)})

    def page(self):
        with self.api.lock:
            items, size = self.api.listing(), self.number("size", 3)
            begin = (self.number("page", 1) - 1) * size
            return items[begin : begin + size], begin + size < len(items), len(items)

    def get_pages(self, _):
        rows, _, total = self.page()
        self.answer(200, {"data": rows, "total": total})

    def get_links(self, _):
        rows, more, _ = self.page()
        page, size = self.number("page", 1), self.number("size", 3)
        links = [f'</links?page=1&size={size}>; rel="first"']
        if more:
            links.append(f'</links?page={page + 1}&size={size}>; title="a; b"; rel="next"')
        self.answer(200, rows, Link=", ".join(links))

    def get_marks(self, _):
        with self.api.lock:
            items = self.api.listing()
            begin = int(base64.urlsafe_b64decode(self.query["cursor"])) if self.query.get("cursor") else 0
            end = begin + self.number("limit", 3)
            mark = base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(items) else None
            self.answer(200, {"data": items[begin:end], "paging": {"next": mark}})

    def get_since(self, _):
        with self.api.lock:
            rows = [i for i in self.api.listing() if i["updated_at"] >= self.query.get("since", "")]
            self.answer(200, {"data": sorted(rows, key=lambda r: r["updated_at"], reverse=True)})

    def get_loop(self, _):
        self.answer(200, {"data": [{"id": len(self.api.seen)}], "next": "again"})

    def get_same(self, _):
        self.answer(200, {"data": self.api.items[:3]})

    def get_tag(self, _):
        tag = f'"{len(self.api.items)}"'
        if self.headers.get("If-None-Match") == tag:
            return self.answer(304, ETag=tag)
        self.answer(200, {"rows": len(self.api.items)}, ETag=tag)

    def get_to(self, _):
        self.raw(self.number("status", 302), b"", Location=self.query["url"])

    def get_slow(self, _):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(100):
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.1)

    def get_never(self, _):
        self.close_connection = True
        self.rfile.read(1)

    def get_huge(self, _):
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            while True:
                self.wfile.write(b" " * 65536)
        except OSError:
            pass

    def get_status(self, path):
        with self.api.lock:
            first = self.api.first_times(self.path, self.number("times", 10**9))
        after = {"Retry_After": self.query["after"]} if "after" in self.query else {}
        if first:
            return self.answer(int(path.split("/")[2]), {"error": "as asked"}, **after)
        self.answer(200, [{"id": 1}])

    def get_broken(self, _):
        rows, _, total = self.page()
        body = json.dumps({"data": rows, "total": total}).encode()
        with self.api.lock:
            if self.number("page", 1) == 2 and self.api.first_times("fail", self.number("fail", 0)):
                return self.answer(503, Retry_After="0")
            if self.number("page", 1) == 2 and self.api.first_times("broken", self.number("times", 10**9)):
                body = body[:-10]
        self.raw(200, body)

    def get_ends(self, _):
        if self.number("page", 1) == 1:
            return self.answer(200, {"data": self.api.items[:3]})
        return self.raw(200, b"null") if self.query["as"] == "null" else self.answer(204)

    def get_keyed(self, _):
        rows, more, _ = self.page()
        if self.query.get("key") != "opensesame":
            return self.answer(401, "show the key")
        query = "&".join(f"{name}={value}" for name, value in {**self.query, "page": self.number("page", 1) + 1}.items())
        cursor = f"opensesame-{self.number('page', 1)}" if "in" in self.query else f"/keyed?{query}"
        self.answer(200, {"data": rows, "next": cursor if more else None})

    def get_secret(self, _):
        shown = [self.headers.get("Authorization"), self.headers.get("X-Api-Key"), self.query.get("key")]
        basic = "Basic " + base64.b64encode(b"ann:opensesame").decode()
        good = any(s in ("Bearer opensesame", "opensesame", basic) for s in shown)
        self.answer(200 if good else 401, [{"id": 1}] if good else {"shown": shown})

    def get_echo(self, _):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.answer(200, {"method": self.command, "headers": dict(self.headers), "body": body})


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, address)


if __name__ == "__main__":
    server = Server(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()

"""The worked examples, as their READMEs say they are run; gold is computed again from the input, in Python."""

import csv
import datetime
import gzip
import json
import math
import pathlib
import re
import shutil
import statistics

import oracle
import pytest
import readers

UTC = datetime.timezone.utc


@pytest.fixture
def example(millrace, root):
    """Runs an example in a copy of its folder: its own tests, then its data."""

    def run(name):
        shutil.copytree(root / "examples" / name, millrace.folder / "examples" / name)
        (millrace.folder / "examples/data").symlink_to(root / "examples/data")
        millrace.folder = millrace.folder / "examples" / name
        told = json.loads(millrace.run("test", "--json").stdout)
        assert told and all(test["verdict"] == "passed" for test in told), told
        millrace.run("run", "--until-idle")
        return lambda table: readers.pyiceberg_rows(millrace.folder / "millrace-data", table)

    return run


def lines(folder, pattern):
    return [json.loads(line) for path in sorted(folder.glob(pattern)) for line in path.read_text().splitlines()]


def time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_medallion(example, millrace):
    rows = example("medallion")
    sent = lines(millrace.folder, "data/*.ndjson")
    files = sorted((millrace.folder / "millrace-data/lake/bronze/events").rglob("*.gz"))
    assert files and all(re.search(r"/\d{4}/\d\d/\d\d/\d\d/", str(path)) for path in files)
    bronze = [json.loads(line) for path in files for line in gzip.open(path, "rt")]
    plain = lambda events: [json.dumps({k: v for k, v in e.items() if not k.startswith("_")}, sort_keys=True) for e in events]
    oracle.compare(plain(sent), plain(bronze), "bronze")
    flat = lambda e: (e["id"], e["type"], e["actor"]["id"], e["actor"]["login"], e["repo"]["name"], time(e["created_at"]))
    silver = [(r["id"], r["type"], r["actor_id"], r["actor"], r["repo"], r["created_at"]) for r in rows("silver.events")]
    oracle.compare([flat(e) for e in sent], silver, "silver")
    once = {e["id"]: e for e in sent}
    assert len(once) < len(sent)
    oracle.compare(list(once), [r["id"] for r in rows("gold.events")], "gold.events")
    groups = {}
    for event in once.values():
        groups.setdefault((event["type"], time(event["created_at"]).date()), []).append(event)
    expected = [
        (kind, day, len(es), len({e["actor"]["login"] for e in es}), len({e["repo"]["name"] for e in es}), min(time(e["created_at"]) for e in es))
        for (kind, day), es in groups.items()
    ]
    gold = [(r["type"], r["day"], r["events"], r["actors"], r["repos"], r["first_at"]) for r in rows("gold.by_type_and_day")]
    assert len({day for _, day, *_ in expected}) == 2
    oracle.compare(expected, gold, "gold.by_type_and_day")
    partitions = {tuple(file.partition) for file in oracle_files(millrace, "gold.by_type_and_day")}
    assert len(partitions) == len(expected), "by type and day"


def oracle_files(millrace, table):
    tasks = readers.pyiceberg_catalog(millrace.folder / "millrace-data").load_table(table).scan().plan_files()
    return [task.file for task in tasks]


def test_users(example, millrace):
    rows = example("users")
    with open(millrace.folder / "data/countries.csv", newline="", encoding="utf-8") as file:
        countries = {row["country"].lower(): row for row in csv.DictReader(file)}
    good, bad = {}, {}
    for user in lines(millrace.folder, "data/users.ndjson"):
        email = user["email"].strip().lower()
        sound = re.fullmatch(r"[^@ ]+@[^@ ]+[.][a-z]+", email) and re.fullmatch(r"\d{4}-\d\d-\d\d", user["dob"])
        (good if sound else bad)[user["id"]] = user
    assert bad and len(good) + len(bad) == 240
    silver = {r["id"]: r for r in rows("silver.users")}
    assert set(silver) == set(good) and len(rows("silver.users")) == len(good)
    oracle.compare(list(bad), list({json.loads(r["record"])["id"] for r in rows("quarantine.silver_users")}), "quarantine")
    users = []
    for user in good.values():
        country = countries.get(user["country"].strip().lower())
        gender = {"f": "female", "m": "male"}.get(user["gender"].strip().lower()[:1], "unknown")
        place = country["country"] if country else user["country"].strip()
        age = time(user["registered_at"]).year - int(user["dob"][:4]) if user["registered_at"] else None
        users.append({"id": user["id"], "gender": gender, "email_domain": user["email"].strip().lower().split("@")[1], "country": place,
                      "country_code": country and country["code"], "state": (user["state"] or "unknown").strip(), "age_at_registration": age})
    for user in users:
        assert {k: silver[user["id"]][k] for k in user} == user
    assert {u["gender"] for u in users} == {"female", "male", "unknown"} and any(u["country_code"] is None for u in users)

    def counted(*names):
        groups = {}
        for user in users:
            groups.setdefault(tuple(user[n] for n in names), []).append(user)
        return groups

    for table, names in {"by_gender": ["gender"], "by_email_domain": ["email_domain"], "by_country": ["country"], "by_state": ["country", "state"]}.items():
        found = rows("gold." + table)
        oracle.compare([(*key, len(group)) for key, group in counted(*names).items()], [(*(r[n] for n in names), r["users"]) for r in found], table)
    ages = {key[0]: statistics.fmean(u["age_at_registration"] for u in group if u["age_at_registration"] is not None) for key, group in counted("gender").items()}
    assert all(abs(r["age_avg"] - ages[r["gender"]]) < 0.0051 for r in rows("gold.by_gender"))


def test_timeseries(example, millrace):
    rows = example("timeseries")
    with open(millrace.folder / "data/readings.csv", newline="", encoding="utf-8") as file:
        readings = {(row["sensor"], time(row["ts"])): float(row["value"]) for row in csv.DictReader(file)}
    gold = {(r["sensor"], r["ts"]): r for r in rows("gold.moving_average")}
    assert set(gold) == set(readings)
    trends = {r["sensor"]: r for r in rows("gold.trend")}
    seasons = {(r["sensor"], r["hour_of_day"]): r["season"] for r in rows("gold.season")}
    parts = {(r["sensor"], r["ts"]): r for r in rows("gold.anomalies")}
    odd = 0
    for sensor in ("boiler", "roof"):
        own = sorted((ts, value) for (name, ts), value in readings.items() if name == sensor)
        hours = [(ts - own[0][0]).total_seconds() / 3600 for ts, _ in own]
        values = [value for _, value in own]
        for at, (ts, value) in enumerate(own):
            window = [v for t, v in own[: at + 1] if ts - t <= datetime.timedelta(hours=23)]
            row = gold[sensor, ts]
            assert row["readings"] == len(window) and math.isclose(row["average"], statistics.fmean(window), rel_tol=1e-9)
        slope, intercept = statistics.linear_regression(hours, values)
        assert math.isclose(trends[sensor]["slope"], slope, rel_tol=1e-6) and math.isclose(trends[sensor]["intercept"], intercept, rel_tol=1e-6)
        rest = [value - intercept - slope * hour for hour, value in zip(hours, values)]
        season = {h: statistics.fmean(r for r, (ts, _) in zip(rest, own) if ts.hour == h) for h in range(24)}
        assert all(math.isclose(seasons[sensor, h], season[h], abs_tol=1e-6) for h in range(24))
        rest = [r - season[ts.hour] for r, (ts, _) in zip(rest, own)]
        spread = statistics.stdev(rest)
        found = {ts for (name, ts), row in parts.items() if name == sensor and row["is_anomaly"]}
        assert found == {ts for r, (ts, _) in zip(rest, own) if abs(r) > 4 * spread}
        odd += len(found)
    assert odd == 6, "the three of each sensor that were put in"
    found = json.loads(millrace.run("models", "expectations", "gold.anomalies", "--json").stdout)
    assert [(e["rows_broken"], e["verdict"]) for e in found] == [(6, "broken")]


def test_cards(example, millrace):
    rows = example("cards")
    with open(millrace.folder / "../data/cards_data.csv", newline="", encoding="utf-8") as file:
        cards = list(csv.DictReader(file))
    raw = rows("raw.cards")
    assert len(raw) == len(cards) and not {"card_number", "cvv"} & set(raw[0])
    number = re.compile(b"|".join({card["card_number"].encode() for card in cards[:50]}).replace(b".", b"[.]").replace(b"+", b"[+]"))
    kept = [p for p in pathlib.Path(millrace.folder / "millrace-data").rglob("*.db") if number.search(p.read_bytes())]
    assert kept == [], "numbers never leave the source"
    silver = {r["id"]: r for r in rows("silver.cards")}
    assert len(silver) == len(cards)
    for card in cards[:200]:
        row = silver[int(card["id"])]
        opened = datetime.datetime.strptime(card["acct_open_date"], "%b-%y").date()
        assert (row["opened"], row["credit_limit"], row["has_chip"]) == (opened, int(card["credit_limit"]), card["has_chip"] == "YES")
    groups = {}
    for card in cards:
        groups.setdefault((card["card_brand"], card["card_type"]), []).append(card)
    expected = []
    for (brand, kind), group in groups.items():
        limits = [int(card["credit_limit"]) for card in group]
        expected.append((brand, kind, len(group), len({c["client_id"] for c in group}), sum(limits), statistics.median(limits), max(limits),
                         sum(c["has_chip"] == "YES" for c in group)))
    names = ("brand", "type", "cards", "clients", "credit", "limit_median", "limit_max", "with_chip")
    oracle.compare(expected, [tuple(r[n] for n in names) for r in rows("gold.by_brand")], "gold.by_brand")
    bands = {}
    for card in cards:
        limit = int(card["credit_limit"])
        band = next(word for edge, word in ((1, "0"), (5000, "1 to 4,999"), (10000, "5,000 to 9,999"), (25000, "10,000 to 24,999"), (math.inf, "25,000 and more")) if limit < edge)
        bands.setdefault(band, []).append(limit)
    oracle.compare([(b, len(ls), sum(ls), min(ls)) for b, ls in bands.items()], [(r["band"], r["cards"], r["credit"], r["limit_min"]) for r in rows("gold.by_limit")], "gold.by_limit")
    highest = {}
    for card in sorted(cards, key=lambda c: (-int(c["credit_limit"]), int(c["id"]))):
        highest.setdefault(card["card_brand"], []).append(int(card["id"]))
    oracle.compare([(b, ids[:10].index(i) + 1, i) for b, ids in highest.items() for i in ids[:10]], [(r["brand"], r["place"], r["id"]) for r in rows("gold.high_limits")], "gold.high_limits")

"""From and to Kinesis Data Streams, as kinesalite serves them: what boto3 puts lands once, what we append boto3 reads; crashes, splits and merges,
aggregates, retention, refusals, streams made anew."""

import collections
import hashlib
import http.client
import json
import pathlib
import signal
import sys
import time

import pytest

from oracle import Lake, compare

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/services"))

import kinesis as service  # noqa: E402
from fault_proxy import FaultProxy  # noqa: E402
from server_process import accepts, free_port  # noqa: E402

pytestmark = pytest.mark.skipif(bool(service.lacks()), reason=service.lacks())

CONFIG = """
name: shop
data_dir: {data_dir}
memory: 256MiB
stream:
  kinesis: {{ endpoint: "{endpoint}", region: us-east-1, refresh: 200ms, poll: 200ms, delivery_timeout: 20s }}
lake:
  warehouse: {folder}/lake
  catalog: {{ sqlite: {{ path: {folder}/catalog.db }} }}
"""
SILVER = """
tables:
  silver.clicks: {{ from: {topic}, freshness: 100ms, metadata: true, {more} columns: {{ id: long, name: string }} }}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with service.Kinesis(tmp_path_factory.mktemp("kinesis")) as kinesis:
        yield kinesis


class Pipeline:
    """One stream into a table, by any number of workers with a data directory each."""

    def __init__(self, millrace, server, topic):
        self.millrace, self.server, self.topic = millrace, server, topic
        self.endpoint = server.endpoint
        self.aws = service.client(server.endpoint)
        self.lake = Lake(millrace.folder)

    def config(self, worker="one", tables=SILVER, more="", endpoint=None, **words):
        text = CONFIG.format(data_dir=f"data-{worker}", endpoint=endpoint or self.endpoint, folder=self.millrace.folder)
        text += tables.format(topic=self.topic, more=more, **words)
        self.millrace.write(f"{worker}.yaml", text)
        return f"{worker}.yaml"

    def create(self, shards=2):
        self.aws.create_stream(StreamName=self.topic, ShardCount=shards)
        self.active()

    def active(self):
        while self.aws.describe_stream_summary(StreamName=self.topic)["StreamDescriptionSummary"]["StreamStatus"] != "ACTIVE":
            time.sleep(0.02)

    def put(self, ids, keys=7):
        """The names count up within each key."""
        for some in (ids[at : at + 500] for at in range(0, len(ids), 500)):
            records = [{"PartitionKey": f"k{i % keys}", "Data": json.dumps({"id": i, "name": f"k{i % keys}"}).encode()} for i in some]
            assert self.aws.put_records(StreamName=self.topic, Records=records)["FailedRecordCount"] == 0

    def run(self, config, **more):
        return self.millrace.run("run", "--until-idle", "-c", config, env={**service.KEYS, **more.pop("env", {})}, **more)

    def start(self, config, env=None):
        return self.millrace.start("run", "-c", config, env={**service.KEYS, **(env or {})})

    def verb(self, *words, config="one.yaml", **more):
        return self.millrace.run(*words, "-c", config, env=service.KEYS, **more)

    def rows(self, table="silver.clicks"):
        return self.lake.walk(table) if pathlib.Path(self.lake.database).exists() and table in self.lake.tables() else []

    def count(self):
        if not pathlib.Path(self.lake.database).exists() or "silver.clicks" not in self.lake.tables():
            return 0
        snapshot = self.lake.snapshot("silver.clicks")
        return int(snapshot["summary"]["total-records"]) if snapshot else 0

    def wait_for(self, count, process, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and process.poll() is None:
            if self.count() >= count:
                return
            time.sleep(0.1)
        process.kill()
        raise AssertionError(f"{self.count()} rows, {count} expected\n{process.communicate()}")

    def judge(self, ids):
        """Every record once; offsets count up by one in each shard, and records of a key with them."""
        rows = self.rows()
        compare(ids, (row["id"] for row in rows), "silver")
        by_shard = collections.defaultdict(list)
        for row in rows:
            by_shard[row["_partition"]].append(row)
        for of_shard in by_shard.values():
            of_shard.sort(key=lambda row: row["_offset"])
            assert [row["_offset"] for row in of_shard] == list(range(len(of_shard)))
            last = {}
            for row in of_shard:
                assert last.get(row["name"], -1) < row["id"]
                last[row["name"]] = row["id"]
        return by_shard


@pytest.fixture
def pipeline(millrace, server, request):
    return Pipeline(millrace, server, "t" + hashlib.md5(request.node.name.encode()).hexdigest()[:10])


def stop(process, expect=0):
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == expect, err
    return err


def test_what_others_put_lands_once(pipeline):
    pipeline.create(3)
    pipeline.put(range(2500), keys=50)
    config = pipeline.config()
    pipeline.run(config)
    assert len(pipeline.judge(range(2500))) == 3
    pipeline.put(range(2500, 2600))
    pipeline.run(config)
    pipeline.judge(range(2600))
    before = pipeline.lake.snapshot("silver.clicks")["snapshot-id"]
    pipeline.run(config)
    assert pipeline.lake.snapshot("silver.clicks")["snapshot-id"] == before, "nothing came"


def test_killed_in_the_middle(pipeline):
    pipeline.create(2)
    config = pipeline.config()
    for round_ in range(4):
        process = pipeline.start(config)
        pipeline.put(range(round_ * 300, round_ * 300 + 300))
        pipeline.wait_for(round_ * 300 + 10, process)
        process.kill()
        process.wait()
    pipeline.run(config)
    pipeline.judge(range(1200))


@pytest.mark.parametrize("point", ["kinesis.fetched:3", "kinesis.shard_ended:2", "app.table_ack:1", "app.after_start:1"])
def test_crash_at(pipeline, point):
    pipeline.create(2)
    pipeline.put(range(100))
    split(pipeline, "shardId-000000000000")
    pipeline.put(range(100, 200))
    merge(pipeline, "shardId-000000000002", "shardId-000000000003")
    pipeline.put(range(200, 300))
    config = pipeline.config(more='start: "2020-01-01T00:00:00Z",' if point.startswith("app.after_start") else "")
    pipeline.run(config, env={"MILLRACE_FAULT": point}, expect=86)
    pipeline.run(config)
    pipeline.judge(range(300))


def split(pipeline, shard):
    hashes = next(s for s in service.shards(pipeline.aws, pipeline.topic) if s["ShardId"] == shard)["HashKeyRange"]
    middle = (int(hashes["StartingHashKey"]) + int(hashes["EndingHashKey"])) // 2 + 1
    pipeline.aws.split_shard(StreamName=pipeline.topic, ShardToSplit=shard, NewStartingHashKey=str(middle))
    pipeline.active()


def merge(pipeline, shard, other):
    pipeline.aws.merge_shards(StreamName=pipeline.topic, ShardToMerge=shard, AdjacentShardToMerge=other)
    pipeline.active()


UPSERTED = SILVER + "  silver.last: {{ from: {topic}, freshness: 100ms, key: [name], upsert: {{}}, columns: {{ id: long, name: string }} }}\n"


def test_splits_and_merges_under_load_keep_the_order_of_keys(pipeline):
    """silver.last holds what was read last of each key: parents are read to their ends before their children."""
    pipeline.create(1)
    config = pipeline.config(tables=UPSERTED)
    pipeline.put(range(200))
    process = pipeline.start(config)
    steps = [
        lambda: split(pipeline, "shardId-000000000000"),
        lambda: split(pipeline, "shardId-000000000001"),
        lambda: merge(pipeline, "shardId-000000000003", "shardId-000000000004"),
        lambda: merge(pipeline, "shardId-000000000005", "shardId-000000000002"),
    ]
    for i, step in enumerate(steps, 1):
        step()
        pipeline.put(range(i * 200, i * 200 + 200))
        if i == 2:
            pipeline.wait_for(300, process)
            process.kill()
            process.wait()
            process = pipeline.start(config)
    pipeline.wait_for(1000, process)
    stop(process)
    pipeline.run(config)
    assert len(pipeline.judge(range(1000))) >= 5
    compare(range(993, 1000), (row["id"] for row in pipeline.rows("silver.last")), "the last of each key")


def test_two_workers_on_one_table(pipeline):
    pipeline.create(2)
    workers = [pipeline.start(pipeline.config(name)) for name in ("one", "two")]
    for i in range(10):
        pipeline.put(range(i * 100, i * 100 + 100))
        time.sleep(0.1)
    pipeline.wait_for(1000, workers[0])
    for worker in workers:
        stop(worker)
    pipeline.judge(range(1000))


def aggregate(records, corrupt=False):
    """As the Kinesis Producer Library packs: google.protobuf writes the message."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="aggregate.proto", package="kpl")
    inner = file.message_type.add(name="Record")
    inner.field.add(name="partition_key_index", number=1, type=4, label=2)
    inner.field.add(name="explicit_hash_key_index", number=2, type=4, label=1)
    inner.field.add(name="data", number=3, type=12, label=2)
    outer = file.message_type.add(name="AggregatedRecord")
    outer.field.add(name="partition_key_table", number=1, type=9, label=3)
    outer.field.add(name="explicit_hash_key_table", number=2, type=9, label=3)
    outer.field.add(name="records", number=3, type=11, label=3, type_name=".kpl.Record")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    message = message_factory.GetMessageClass(pool.FindMessageTypeByName("kpl.AggregatedRecord"))()
    keys = sorted({key for key, _ in records})
    message.partition_key_table.extend(keys)
    message.explicit_hash_key_table.append("7")
    for key, data in records:
        message.records.add(partition_key_index=keys.index(key), explicit_hash_key_index=0, data=data)
    body = message.SerializeToString()
    return b"\xf3\x89\x9a\xc2" + body + hashlib.md5(body + (b"!" if corrupt else b"")).digest()


def test_aggregates_are_unpacked(pipeline):
    pipeline.create(1)
    packed = [(f"k{i % 3}", json.dumps({"id": i, "name": "a"}).encode()) for i in range(30)]
    put = lambda data: pipeline.aws.put_record(StreamName=pipeline.topic, PartitionKey="a", Data=data)  # noqa: E731
    put(aggregate(packed[:20]))
    put(json.dumps({"id": 30, "name": "a"}).encode())
    put(aggregate(packed[20:]))
    put(aggregate(packed[:1], corrupt=True))
    put(aggregate([]))
    config = pipeline.config()
    done = pipeline.run(config)
    compare([*range(31)], (row["id"] for row in pipeline.rows()), "silver")
    assert sorted(row["_offset"] for row in pipeline.rows()) == list(range(31))
    assert len(pipeline.rows("quarantine.silver_clicks")) == 2, done.stderr
    tail = pipeline.verb("topics", "tail", pipeline.topic, "--json", "-n", "100").stdout.splitlines()
    assert [json.loads(line)["key"] for line in tail[:4]] == ["k0", "k1", "k2", "k0"]
    put(aggregate([("k", b'{"id": 100, "name": "a"}'), ("l", b'{"id": 101, "name": "a"}')]))
    pipeline.run(config)
    assert sorted(row["id"] for row in pipeline.rows())[-2:] == [100, 101]


def test_what_retention_took_is_not_passed_over(millrace, tmp_path):
    with service.Kinesis(tmp_path / "kinesis") as own:
        pipeline = Pipeline(millrace, own, "events")
        pipeline.create(1)
        pipeline.put(range(100))
        config = pipeline.config()
        pipeline.run(config)
        pipeline.put(range(100, 110))
        own.pass_retention()
        pipeline.put(range(110, 120))
        stopped = pipeline.run(config, expect=1)
        assert "topic events partition 0" in stopped.stderr and "offsets set TABLE 0=100@oldest" in stopped.stderr
        assert len(pipeline.rows()) == 100
        landing = pipeline.config("land", more="on_gap: land,")
        pipeline.run(landing)
        compare([*range(100), *range(110, 120)], (row["id"] for row in pipeline.rows()), "silver")
        assert [row["_offset"] for row in sorted(pipeline.rows(), key=lambda row: row["id"])][-10:] == list(range(101, 111))
        (gap,) = pipeline.rows("quarantine.silver_clicks")
        assert "retention took it" in json.dumps(gap, default=str)

        own.pass_retention()
        pipeline.put(range(120, 130))
        pipeline.run(config, expect=1)
        pipeline.verb("offsets", "set", "silver.clicks", "0=111@oldest")
        pipeline.run(config)
        compare([*range(100), *range(110, 130)], (row["id"] for row in pipeline.rows()), "silver")


def test_goes_on_with_expired_iterators(millrace, tmp_path):
    with service.Kinesis(tmp_path / "kinesis") as own:
        pipeline = Pipeline(millrace, own, "events")
        pipeline.create(1)
        own_retention = {"StreamName": "events", "RetentionPeriodHours": 168}
        pipeline.aws.increase_stream_retention_period(**own_retention)
        pipeline.active()
        process = pipeline.start(pipeline.config())
        pipeline.put(range(50))
        pipeline.wait_for(50, process)
        own.pass_retention()  # which is longer here: only the iterators are too old
        pipeline.put(range(50, 100))
        pipeline.wait_for(100, process)
        stop(process)
        pipeline.judge(range(100))


def test_a_stream_that_is_made_anew_is_another_one(pipeline):
    pipeline.create(1)
    pipeline.put(range(10))
    config = pipeline.config()
    pipeline.run(config)
    pipeline.aws.delete_stream(StreamName=pipeline.topic)
    time.sleep(1.1)  # Kinesis says to the second when a stream was made
    pipeline.create(1)
    pipeline.put(range(100, 105))
    pipeline.run(config)
    compare([*range(10), *range(100, 105)], (row["id"] for row in pipeline.rows()), "silver")


def test_starts_at_the_latest(pipeline):
    pipeline.create(2)
    pipeline.put(range(100))
    time.sleep(0.05)
    config = pipeline.config(more="start: latest,")
    pipeline.run(config)
    assert pipeline.rows() == []
    pipeline.put(range(100, 150))
    pipeline.run(config)
    pipeline.judge(range(100, 150))


SOURCE = """
sources:
  users: {{ generator: {{ kind: users, rows: {rows} }}, topic: {topic} }}
"""


def test_appends_all_in_the_order_of_keys_when_some_are_refused(pipeline, server):
    pipeline.create(2)
    pipeline.config()
    lines = (json.dumps({"id": i, "name": f"k{i % 5}"}) + "\n" for i in range(100))
    pipeline.millrace.write("clicks.jsonl", "".join(lines))
    server.toggle_busy()
    try:
        pipeline.verb("produce", "--topic", pipeline.topic, "--source-path", "clicks.jsonl", "--key", "name")
    finally:
        server.toggle_busy()
    put = [(key, json.loads(data)["id"]) for of_shard in service.records(pipeline.aws, pipeline.topic).values() for key, data in of_shard]
    compare(range(100), (number for _, number in put), "the stream")
    for key in range(5):
        numbers = [number for of, number in put if of == f"k{key}"]
        assert numbers == sorted(numbers)


def test_appends_outlast_an_outage(pipeline, server):
    pipeline.create(1)
    pipeline.millrace.write("clicks.jsonl", "".join(json.dumps({"id": i, "name": "a"}) + "\n" for i in range(20)))
    with FaultProxy("http", server.endpoint.removeprefix("http://")) as proxy:
        proxy.inject(method="POST", header="X-Amz-Target: .*PutRecords", effect="status", status=503, times=7)
        pipeline.config(endpoint=proxy.url)
        pipeline.verb("produce", "--topic", pipeline.topic, "--source-path", "clicks.jsonl")
    put = [json.loads(data)["id"] for of_shard in service.records(pipeline.aws, pipeline.topic).values() for _, data in of_shard]
    compare(range(20), put, "the stream")


def test_throttled_reads_are_waited_for(pipeline, server):
    pipeline.create(1)
    pipeline.put(range(50))
    with FaultProxy("http", server.endpoint.removeprefix("http://")) as proxy:
        refusal = json.dumps({"__type": "ProvisionedThroughputExceededException", "message": "Rate exceeded for shard"})
        proxy.inject(method="POST", header="X-Amz-Target: .*GetRecords", effect="status", status=400, body=refusal, times=4)
        proxy.inject(method="POST", header="X-Amz-Target: .*GetShardIterator", effect="lost", times=2)
        pipeline.run(pipeline.config(endpoint=proxy.url))
    pipeline.judge(range(50))


def test_a_source_into_a_stream_that_it_makes(pipeline):
    config = pipeline.config(tables=SILVER + SOURCE + "topics: {{ {topic}: {{ partitions: 2 }} }}\n", rows=500)
    assert "at least once" in pipeline.verb("check").stdout
    pipeline.run(config)
    assert len(service.shards(pipeline.aws, pipeline.topic)) == 2
    assert len(pipeline.rows()) == 500
    pipeline.run(config)
    assert len(pipeline.rows()) == 500, "the source goes on where it was"


@pytest.mark.parametrize("point", ["kinesis.before_put:2", "kinesis.after_put:1", "kinesis.before_position:1", "kinesis.after_position:1"])
def test_a_source_that_crashes_loses_nothing(pipeline, point):
    config = pipeline.config(tables=SOURCE + "topics: {{ {topic}: {{ partitions: 2 }} }}\n", rows=1200)
    pipeline.run(config, env={"MILLRACE_FAULT": point}, expect=86)
    pipeline.run(config)
    put = collections.Counter(data for of_shard in service.records(pipeline.aws, pipeline.topic).values() for _, data in of_shard)
    assert len(put) == 1200, "and some twice: Kinesis has no transactions"
    assert point != "kinesis.after_position:1" or max(put.values()) == 1


def test_events_over_http(pipeline):
    port = free_port()
    front = "server: {{ listen: '127.0.0.1:{port}' }}\nsources: {{ front: {{ http_ingest: {{ routes: {{ '/e': {topic} }} }} }} }}\n"
    process = pipeline.start(pipeline.config(tables=front + SILVER, port=port))
    while not accepts(port):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)

    def post(number, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", "/e", json.dumps({"id": number, "name": "a"}), {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    assert post(1)[0] == 200
    status, said = post(2, **{"Idempotency-Key": "once"})
    assert status == 400 and "no idempotency keys" in said
    pipeline.wait_for(1, process)
    stop(process)
    compare([1], (row["id"] for row in pipeline.rows()), "silver")


def test_verbs(pipeline):
    pipeline.create(2)
    pipeline.put(range(20))
    config = pipeline.config()
    pipeline.run(config)
    topics = {topic["topic"]: topic for topic in json.loads(pipeline.verb("topics", "list", "--json").stdout)}
    assert topics[pipeline.topic]["partitions"] == 2 and topics[pipeline.topic]["records"] is None
    described = json.loads(pipeline.verb("topics", "describe", pipeline.topic, "--json").stdout)
    assert described["id"].startswith("arn:aws:kinesis:") and [p["partition"] for p in described["partitions"]] == [0, 1]
    assert len(pipeline.verb("topics", "tail", pipeline.topic, "-n", "3").stdout.splitlines()) == 6
    positions = json.loads(pipeline.verb("offsets", "show", "--json").stdout)
    assert all("@" in position["position"] and position["lag"] is None for position in positions)
    refused = pipeline.verb("offsets", "set", "silver.clicks", "0=5", expect=64)
    assert "0=5@oldest" in refused.stderr
    first = next(position["position"] for position in positions if position["partition"] == 0)
    pipeline.verb("offsets", "set", "silver.clicks", f"0={first}", "1=0")
    pipeline.run(config)
    assert len(pipeline.rows()) > 20, "shard 1 landed again"
    assert "no record by offset" in pipeline.verb("offsets", "replay", "silver.clicks", "0=0..5", "--append", expect=64).stderr
    pipeline.verb("topics", "create", pipeline.topic + "x", "--partitions", "3")
    assert len(service.shards(pipeline.aws, pipeline.topic + "x")) == 3
    pipeline.verb("topics", "delete", pipeline.topic + "x", "--yes")
    assert pipeline.topic + "x" not in pipeline.aws.list_streams()["StreamNames"]
    pipeline.millrace.write("large.jsonl", json.dumps({"id": 1, "name": "x" * (1 << 20)}) + "\n")
    assert "takes 1048576" in pipeline.verb("produce", "--topic", pipeline.topic, "--source-path", "large.jsonl", expect=None).stderr

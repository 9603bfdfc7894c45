"""Configurations of Kafka Connect as people write them: translated, run against a real broker, bucket, catalogue and document store, and what landed is read by others."""

import gzip
import json
import pathlib
import sys
import urllib.request

import pytest

from grid import KEYS, S3

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".deps/pymongo"))
sys.path.insert(0, str(ROOT / "tests/services"))

import mongodb  # noqa: E402

BASE = """
name: moved
data_dir: data
memory: 128MiB
stream: {{ kafka: {{ brokers: "{brokers}", group_prefix: "{topic}." }} }}
"""


def translated(field, name, config, suffix="json"):
    """A connector's file beside the pipeline's; its YAML and, in .env, its secrets."""
    text = config if suffix == "properties" else json.dumps(config)
    field.millrace.write(f"{name}.{suffix}", text)
    secrets = f"{name}.env"
    yaml = field.millrace.run("check", "--connector", f"{name}.{suffix}", "--secrets", secrets).stdout
    field.millrace.write(f"{name}.yaml", yaml)
    with open(field.millrace.folder / ".env", "a") as env:
        env.write((field.millrace.folder / secrets).read_text())
    return f"{name}.yaml"


def run(field, *files, expect=0, env=None):
    base = BASE.format(brokers=field.grid.kafka.bootstrap, topic=field.topic)
    field.millrace.write("base.yaml", base)
    configs = [word for file in ("base.yaml", *files) for word in ("-c", file)]
    return field.millrace.run("run", "--until-idle", *configs, expect=expect, env={**KEYS, **(env or {})})


def objects(field, folder):
    """{name below the folder: bytes}, by Arrow's client of S3. Plans are not for readers."""
    from pyarrow import fs

    bucket = fs.S3FileSystem(
        endpoint_override=field.grid.s3.endpoint, access_key=S3.access_key, secret_key=S3.secret_key, region=S3.region, allow_bucket_creation=False
    )
    found = bucket.get_file_info(fs.FileSelector(f"lake/{folder}", recursive=True, allow_not_found=True))
    files = [one for one in found if one.is_file and "/_millrace/" not in one.path]
    return {one.path.removeprefix(f"lake/{folder}/"): bucket.open_input_file(one.path).read() for one in files}


def s3(field, **more):
    return {
        "connector.class": "io.confluent.connect.s3.S3SinkConnector",
        "tasks.max": 1,
        "topics": field.topic,
        "s3.region": S3.region,
        "s3.bucket.name": "lake",
        "s3.part.size": 5242880,
        "store.url": field.grid.s3.endpoint,
        "aws.access.key.id": S3.access_key,
        "aws.secret.access.key": S3.secret_key,
        "storage.class": "io.confluent.connect.s3.storage.S3Storage",
        "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
        "schema.compatibility": "NONE",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": False,
        "flush.size": 3,
        **more,
    }


def test_files_are_named_and_filled_as_the_s3_sink_does(field):
    field.create(partitions=1)
    rows = [{"id": i, "country": "DE" if i % 3 else "New York", "at": f"2026-03-0{1 + i // 4}T23:30:00Z"} for i in range(8)]
    field.produce(rows)
    partitioners = "io.confluent.connect.storage.partitioner."
    one = translated(field, "archive", {"name": "archive", "config": s3(field, **{"topics.dir": field.space + "/a"})})
    timed = {
        "topics.dir": field.space + "/b",
        "flush.size": 1000,
        "s3.compression.type": "gzip",
        "partitioner.class": partitioners + "TimeBasedPartitioner",
        "path.format": "'year'=YYYY/'month'=MM/'day'=dd",
        "partition.duration.ms": 86400000,
        "locale": "de-DE",
        "timezone": "Europe/Berlin",
        "timestamp.extractor": "RecordField",
        "timestamp.field": "at",
        "rotate.schedule.interval.ms": 60000,
    }
    lines = ["# by the day", *(f"{k}={v}" for k, v in s3(field, **timed).items() if k != "tasks.max"), "tasks.max = 4"]
    two = translated(field, "daily", "\n".join(lines).replace("False", "false") + "\n", "properties")
    fields = {"topics.dir": field.space + "/c", "partitioner.class": partitioners + "FieldPartitioner", "partition.field.name": "country", "file.delim": "-"}
    three = translated(field, "countries", s3(field, **fields))
    raw = {
        "topics.dir": field.space + "/d",
        "flush.size": 5,
        "format.class": "io.confluent.connect.s3.format.bytearray.ByteArrayFormat",
        "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
        "format.bytearray.extension": ".ndjson",
        "filename.offset.zero.pad.width": 4,
    }
    raw_config = s3(field, **raw)
    del raw_config["value.converter.schemas.enable"]
    four = translated(field, "raw", {"name": "raw", "config": raw_config})
    # As Connect's JsonConverter writes them by default.
    typed_topic = field.topic + "-typed"
    field.admin.create_topics([field.new_topic(typed_topic, 1, 1)])[typed_topic].result(30)
    for row in rows:
        field.producer.produce(typed_topic, json.dumps({"schema": {"type": "struct", "optional": False}, "payload": row}))
    assert field.producer.flush(60) == 0
    typed = {"topics": typed_topic, "topics.dir": field.space + "/e", "flush.size": 100, "value.converter.schemas.enable": True}
    five = translated(field, "typed", {"name": "typed", "config": s3(field, **typed)})

    crashed = run(field, one, two, three, four, five, expect=None, env={"MILLRACE_FAULT": "files.before_object:3"})
    assert crashed.returncode == 86, crashed.stderr
    run(field, one, two, three, four, five)
    topic = field.topic
    a = objects(field, field.space + "/a")
    sizes = {name: len(content.splitlines()) for name, content in a.items()}
    assert sizes == {f"{topic}/partition=0/{topic}+0+{offset:010}.json": rows for offset, rows in ((0, 3), (3, 3), (6, 2))}
    assert [json.loads(line) for name in sorted(a) for line in a[name].splitlines()] == rows
    e = objects(field, field.space + "/e")
    assert [json.loads(line) for name in sorted(e) for line in e[name].splitlines()] == rows
    b = objects(field, field.space + "/b")  # half past eleven in London is tomorrow in Berlin
    assert {name: [json.loads(line)["id"] for line in gzip.decompress(content).splitlines()] for name, content in b.items()} == {
        f"{topic}/year=2026/month=03/day=02/{topic}+0+0000000000.json.gz": [0, 1, 2, 3],
        f"{topic}/year=2026/month=03/day=03/{topic}+0+0000000004.json.gz": [4, 5, 6, 7],
    }
    c = objects(field, field.space + "/c")
    assert {name: [json.loads(line)["id"] for line in content.splitlines()] for name, content in c.items()} == {
        f"{topic}/country=New York/{topic}-0-0000000000.json": [0, 3, 6],
        f"{topic}/country=DE/{topic}-0-0000000001.json": [1, 2, 4],
        f"{topic}/country=DE/{topic}-0-0000000005.json": [5, 7],
    }
    d = objects(field, field.space + "/d")
    assert d == {
        f"{topic}/partition=0/{topic}+0+0000.ndjson": "".join(json.dumps(row) + "\n" for row in rows[:5]).encode(),
        f"{topic}/partition=0/{topic}+0+0005.ndjson": "".join(json.dumps(row) + "\n" for row in rows[5:]).encode(),
    }

    field.produce([{"id": 8, "at": "2026-03-04T00:00:00Z"}])  # of no country
    run(field, one, two, three, four)
    more = objects(field, field.space + "/a")
    assert more.pop(f"{topic}/partition=0/{topic}+0+0000000008.json") == b'{"id": 8, "at": "2026-03-04T00:00:00Z"}\n' and more == a
    assert objects(field, field.space + "/c") == c
    held = field.millrace.run("quarantine", "show", f"countries.{topic}", "--json", "-c", "base.yaml", "-c", three, env=KEYS).stdout
    assert [(row["offset"], row["cause"]) for row in json.loads(held)] == [(8, "partition_value")] and "country" in held


ORDERS = [
    {"name": "id", "type": "int"},
    {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "PAID"]}},
    {"name": "tags", "type": {"type": "array", "items": "string"}},
]


def test_files_of_columns_hold_what_a_registry_says(field, tmp_path_factory):
    """ParquetFormat and AvroFormat of AvroConverter, whose writer changes its schema on the way, and of JsonSchemaConverter and ProtobufConverter."""
    import datetime
    import decimal
    import io

    import fastavro
    import pyarrow as pa
    import pyarrow.parquet as pq
    from test_schema_registry import BuiltIn, protobuf_messages, sr

    from confluent_kafka.schema_registry.avro import AvroSerializer
    from confluent_kafka.schema_registry.json_schema import JSONSerializer
    from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
    from confluent_kafka.serialization import MessageField, SerializationContext
    from google.protobuf import message_factory

    def topic(name, messages):
        named = f"{field.topic}-{name}"
        field.admin.create_topics([field.new_topic(named, 1, 1)])[named].result(30)
        for message in messages:
            field.producer.produce(named, message(SerializationContext(named, MessageField.VALUE)))
        assert field.producer.flush(60) == 0
        return named

    def sink(name, topic, format, converter, **more):
        config = {"topics": topic, "topics.dir": f"{field.space}/{name}", "flush.size": 4, "format.class": f"io.confluent.connect.s3.format.{format}"}
        config |= {"value.converter": f"io.confluent.connect.{converter}", "value.converter.schema.registry.url": registry.url}
        config = s3(field, **config, **more)
        del config["value.converter.schemas.enable"]
        return translated(field, name, config)

    utc = datetime.timezone.utc
    rows = [{"id": i, "price": decimal.Decimal(f"{i}.50"), "at": datetime.datetime(2026, 3, 1, i, tzinfo=utc), "state": "PAID", "tags": ["é"] * i} for i in range(6)]
    rows[5] = {**rows[5], "id": 2**40, "note": "late"}
    with BuiltIn(tmp_path_factory.mktemp("registry")) as registry:
        client = sr.SchemaRegistryClient({"url": registry.url})
        first = AvroSerializer(client, json.dumps({"type": "record", "name": "Order", "fields": ORDERS}))
        grown = [{"name": "id", "type": "long"}, *ORDERS[1:], {"name": "note", "type": ["null", "string"], "default": None}]
        second = AvroSerializer(client, json.dumps({"type": "record", "name": "Order", "fields": grown}))
        orders = topic("orders", [lambda at, row=row: (second if "note" in row else first)(row, at) for row in rows])
        schema = {"title": "Click", "type": "object", "properties": {"page": {"type": "string"}, "n": {"type": "integer"}}}
        clicks = JSONSerializer(json.dumps(schema), client)
        pages = topic("clicks", [lambda at, n=n: clicks({"page": "ab"[n % 2], "n": n}, at) for n in range(4)])
        field.millrace.write("user.proto", 'syntax = "proto3"; message User { int32 id = 1; string name = 2; repeated string tags = 3; }')
        user = message_factory.GetMessageClass(protobuf_messages.message_class(field.millrace.folder / "user.proto")["User"])
        users = ProtobufSerializer(user, client, {"use.deprecated.format": False})
        people = topic("users", [lambda at, i=i: users(user(id=i, name="é", tags=["x"] * i), at) for i in range(3)])

        one = sink("parquet", orders, "parquet.ParquetFormat", "avro.AvroConverter")
        run(field, one, expect=86, env={"MILLRACE_FAULT": "files.after_object:1"})
        run(field, one)
        run(field, sink("avro", orders, "avro.AvroFormat", "avro.AvroConverter", **{"avro.codec": "deflate"}))
        by_page = {"partitioner.class": "io.confluent.connect.storage.partitioner.FieldPartitioner", "partition.field.name": "page", "parquet.codec": "zstd"}
        run(field, sink("pages", pages, "parquet.ParquetFormat", "json.JsonSchemaConverter", **by_page))
        run(field, sink("people", people, "parquet.ParquetFormat", "protobuf.ProtobufConverter", **{"parquet.codec": "none"}))

    def table(content):
        return pq.ParquetFile(io.BytesIO(content))

    parquet = objects(field, field.space + "/parquet")
    names = [f"{orders}/partition=0/{orders}+0+{offset:010}.snappy.parquet" for offset in (0, 4)]
    assert sorted(parquet) == names
    read = [table(parquet[name]) for name in names]
    assert [file.metadata.num_rows for file in read] == [4, 2]
    assert {f.metadata.row_group(0).column(c).compression for f in read for c in range(f.metadata.num_columns)} <= {"SNAPPY", "UNCOMPRESSED"}
    assert read[1].schema_arrow.names == ["id", "price", "at", "state", "tags", "note"]
    types = read[1].schema_arrow
    assert types.field("id").type == pa.int64() and types.field("price").type == pa.decimal128(9, 2) and types.field("at").type == pa.timestamp("us", "UTC")
    together = pa.concat_tables([file.read() for file in read], promote_options="permissive").to_pylist()
    assert together == [{**row, "note": row.get("note")} for row in rows]
    avro = objects(field, field.space + "/avro")
    assert sorted(avro) == [name.replace(".snappy.parquet", ".avro") for name in names]
    containers = [fastavro.reader(io.BytesIO(avro[name])) for name in sorted(avro)]
    assert {container.codec for container in containers} == {"deflate"}
    assert [{**row, "note": row.get("note")} for container in containers for row in container] == [{**row, "note": row.get("note")} for row in rows]
    by_page = {name: table(content).read().to_pylist() for name, content in objects(field, field.space + "/pages").items()}
    assert by_page == {
        f"{pages}/page={page}/{pages}+0+{first:010}.zstd.parquet": [{"page": page, "n": n} for n in (first, first + 2)] for page, first in (("a", 0), ("b", 1))
    }
    (users_file,) = objects(field, field.space + "/people").values()
    assert table(users_file).read().to_pylist() == [{"id": i, "name": "é", "tags": ["x"] * i} for i in range(3)]


def iceberg(field, table, **more):
    return {
        "connector.class": "org.apache.iceberg.connect.IcebergSinkConnector",
        "tasks.max": "2",
        "topics": field.topic,
        "iceberg.tables": f"{field.space}.{table}",
        "iceberg.catalog.type": "rest",
        "iceberg.catalog.uri": field.grid.rest.uri,
        "iceberg.catalog.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        "iceberg.catalog.client.region": S3.region,
        "iceberg.catalog.s3.endpoint": field.grid.s3.endpoint,
        "iceberg.catalog.s3.path-style-access": "true",
        "iceberg.catalog.s3.access-key-id": S3.access_key,
        "iceberg.catalog.s3.secret-access-key": "${env:LAKE_SECRET}",
        "iceberg.catalog.warehouse": "s3://lake/wh",
        "iceberg.control.commit.interval-ms": "1000",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
        **more,
    }


def test_tables_of_the_iceberg_sink(field):
    field.create(partitions=2)
    field.produce([{"id": i, "kind": f"k{i % 3}", "op": "I"} for i in range(100)] + [{"id": 7, "op": "D"}], key="id")
    new = {"iceberg.tables.auto-create-enabled": "true", "iceberg.tables.default-partition-by": "bucket(id, 4)", "iceberg.tables.evolve-schema-enabled": "true"}
    made = translated(field, "made", {"name": "made", "config": iceberg(field, "made", **new)})
    upserts = {
        "connector.class": "io.tabular.iceberg.connect.IcebergSinkConnector",
        "iceberg.tables.auto-create-enabled": "true",
        "iceberg.tables.default-id-columns": "id",
        "iceberg.tables.cdc-field": "op",
    }
    kept = translated(field, "kept", {"name": "kept", "config": iceberg(field, "kept", **upserts)})
    run(field, made, kept)
    client = field.client()
    table = client.load_table(f"{field.space}.made")
    assert sorted(table.scan().to_arrow()["id"].to_pylist()) == sorted([*range(100), 7])
    assert [str(part.transform) for part in table.spec().fields] == ["bucket[4]"]
    assert sorted(client.load_table(f"{field.space}.kept").scan().to_arrow()["id"].to_pylist()) == [i for i in range(100) if i != 7]

    missing = translated(field, "missing", {"name": "missing", "config": iceberg(field, "missing")})
    said = run(field, missing, expect=78).stderr
    assert f"{field.space}.missing is not in the catalogue" in said
    client.create_table(f"{field.space}.missing", table.schema())
    run(field, missing)
    assert client.load_table(f"{field.space}.missing").scan().to_arrow().num_rows == 101


def test_documents_of_the_mongodb_sink(field, tmp_path):
    pymongo = pytest.importorskip("pymongo")
    field.create(partitions=1)
    for i in range(5):
        field.send({"shop": i % 2, "sku": i, "n": 1}, key=f"c-{i}")
    field.send({"shop": 1, "sku": 3, "n": 2}, key="c-3")
    field.send(None, key="c-4")
    assert field.producer.flush(60) == 0
    ids = "com.mongodb.kafka.connect.sink.processor.id.strategy."
    with mongodb.MongoDb(tmp_path / "mongo") as server:
        config = {
            "connector.class": "com.mongodb.kafka.connect.MongoSinkConnector",
            "tasks.max": "1",
            "topics": field.topic,
            "connection.uri": server.uri,
            "database": "shop",
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "false",
        }
        keyed = {**config, "collection": "keyed", "document.id.strategy": ids + "FullKeyStrategy", "delete.on.null.values": "true"}
        partial = {"document.id.strategy": ids + "PartialValueStrategy", "document.id.strategy.partial.value.projection.type": "AllowList"}
        partial["document.id.strategy.partial.value.projection.list"] = "shop,sku"
        files = [
            translated(field, "keyed", {"name": "keyed", "config": keyed}),
            translated(field, "stock", {"name": "stock", "config": {**config, **partial, "collection": "stock"}}),
            translated(field, "every", {"name": "every", "config": {**config, f"topic.override.{field.topic}.collection": "every"}}),
        ]
        run(field, *files)
        run(field, *files)
        shop = pymongo.MongoClient(server.uri)["shop"]

        def rows(name):
            return {json.dumps(d["_id"]): d["n"] for d in shop[name].find({"_deleted": {"$ne": True}})}

        assert rows("keyed") == {'"c-0"': 1, '"c-1"': 1, '"c-2"': 1, '"c-3"': 2}
        assert rows("stock") == {json.dumps({"shop": i % 2, "sku": i}): 2 if i == 3 else 1 for i in range(5)}
        assert shop["every"].count_documents({}) == 6


def test_sources_fill_topics(field):
    field.create(partitions=1)
    lines = [f'{{"n": {n}}}' for n in range(50)]
    field.millrace.write("in.txt", "\n".join(lines) + "\n")
    file = {"connector.class": "FileStreamSource", "file": "in.txt", "topic": field.topic, "value.converter": "org.apache.kafka.connect.storage.StringConverter"}
    made = {
        "connector.class": "io.confluent.kafka.connect.datagen.DatagenConnector",
        "kafka.topic": field.topic,
        "quickstart": "users",
        "max.interval": 1,
        "iterations": 30,
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
    }
    run(field, translated(field, "lines", {"name": "lines", "config": file}), translated(field, "people", {"name": "people", "config": made}))
    import confluent_kafka

    consumer = confluent_kafka.Consumer({"bootstrap.servers": field.grid.kafka.bootstrap, "group.id": field.topic, "auto.offset.reset": "earliest", "enable.partition.eof": True})
    consumer.subscribe([field.topic])
    values = []
    while True:
        message = consumer.poll(30)
        assert message is not None
        if message.error():
            break
        values.append(message.value().decode())
    consumer.close()
    assert sorted(v for v in values if v.startswith('{"n"')) == sorted(lines)
    assert sum("email" in v or "first_name" in v for v in values) == 30


def test_they_run_as_connectors(field):
    """The same configurations, posted as they are to a worker that runs: what it lands is what `run` lands of their translations."""
    field.create(partitions=1)
    rows = [{"id": i, "country": "DE"} for i in range(6)]
    field.produce(rows)
    server = 'server: {{ listen: "127.0.0.1:0" }}\n'
    field.millrace.write("worker.yaml", (BASE + server).format(brokers=field.grid.kafka.bootstrap, topic=field.topic))
    worker = field.start("worker.yaml")
    status = field.millrace.folder / "data/status.json"
    url = field.wait_until(lambda: status.exists() and json.loads(status.read_text()).get("server"))

    def ask(method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url + path, method=method, data=data, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def running(name):
        told = ask("GET", f"/connectors/{name}/status")
        assert all(task["state"] != "FAILED" for task in told["tasks"]), told
        return told["connector"]["state"] == "RUNNING" and [task["state"] for task in told["tasks"]] == ["RUNNING"]

    config = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in s3(field, **{"topics.dir": field.space + "/r"}).items()}
    checked = ask("PUT", "/connector-plugins/S3SinkConnector/config/validate", {"name": "archive", **config})
    assert checked["error_count"] == 0, [one["value"]["errors"] for one in checked["configs"] if one["value"]["errors"]]
    ask("POST", "/connectors", {"name": "archive", "config": config})
    field.wait_until(lambda: running("archive"))
    field.wait_until(lambda: len(objects(field, field.space + "/r")) == 2)
    assert [json.loads(line) for _, content in sorted(objects(field, field.space + "/r").items()) for line in content.splitlines()] == rows
    assert S3.secret_key not in json.dumps(ask("GET", "/connectors/archive/config"))
    ask("PUT", "/connectors/archive/pause")
    field.wait_until(lambda: ask("GET", "/connectors/archive/status")["connector"]["state"] == "PAUSED")
    field.produce([{"id": i} for i in range(6, 9)])
    ask("PUT", "/connectors/archive/resume")
    field.wait_until(lambda: len(objects(field, field.space + "/r")) == 3)
    field.stop(worker)


def test_what_is_not_honoured_is_an_error_with_what_to_do(millrace):
    config = {"connector.class": "io.confluent.connect.s3.S3SinkConnector", "topics": "a", "s3.bucket.name": "b", "flush.size": "ten", "store.kafka.keys": "true"}
    config |= {"storage.class": "io.confluent.connect.s3.storage.S3Storage", "format.class": "io.confluent.connect.s3.format.parquet.ParquetFormat", "parquet.codec": "lz4"}
    config |= {"aws.secret.access.key": "hunter2", "flush.sise": "3"}
    millrace.write("sink.json", json.dumps({"name": "sink", "config": config}))
    said = millrace.run("check", "--connector", "sink.json", expect=78).stderr
    assert "Invalid value ten for configuration flush.size: Not a number of type INT" in said
    assert "store.kafka.keys=true is not supported by Millrace: files hold values" in said
    assert "lz4 is not supported by Millrace: take none, snappy, gzip or zstd" in said
    assert "S3SinkConnector has no property 'flush.sise', did you mean 'flush.size'?" in said
    assert "hunter2" not in said
    millrace.write("other.properties", "name=x\nconnector.class=io.example.Sink\n")
    assert "io.example.Sink is not known" in millrace.run("check", "--connector", "other.properties", expect=78).stderr


def test_the_page_is_what_the_program_says(millrace, root):
    assert millrace.run("docs", "migrate").stdout == (root / "docs/migrate.md").read_text(), "millrace docs migrate > docs/migrate.md"

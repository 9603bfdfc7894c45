"""A standalone Kafka Connect worker with Iceberg's sink, as a command to run."""

from pathlib import Path

WORKER = """bootstrap.servers={bootstrap}
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
value.converter.schemas.enable=false
offset.storage.file.filename={folder}/connect.offsets
offset.flush.interval.ms=10000
plugin.discovery=service_load
plugin.path={folder}/plugins
listeners=http://127.0.0.1:0
consumer.auto.offset.reset=earliest
"""
SINK = """name=iceberg
connector.class=org.apache.iceberg.connect.IcebergSinkConnector
tasks.max=2
topics={topic}
iceberg.tables=db.events
iceberg.tables.auto-create-enabled=true
iceberg.tables.evolve-schema-enabled=true
iceberg.control.topic=control-iceberg
iceberg.control.commit.interval-ms=10000
iceberg.catalog.type=hadoop
iceberg.catalog.warehouse=file://{folder}/warehouse
"""
LOG = """status=error
appender.console.type=Console
appender.console.name=STDOUT
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=[%d] %p %m (%c{1})%n
rootLogger.level=WARN
rootLogger.appenderRef.stdout.ref=STDOUT
"""


def command(bootstrap, topic, folder: Path, jars: Path, heap="2G"):
    """Writes the worker's and the sink's properties into `folder`. The sink's control topic must exist."""
    (folder / "warehouse/db").mkdir(parents=True)
    (folder / "plugins").mkdir()
    (folder / "worker.properties").write_text(WORKER.format(bootstrap=bootstrap, folder=folder))
    (folder / "sink.properties").write_text(SINK.format(topic=topic, folder=folder))
    (folder / "log4j2.properties").write_text(LOG)
    return [
        "java",
        "-Xms256M",
        f"-Xmx{heap}",
        "-XX:+UseG1GC",
        "-XX:MaxGCPauseMillis=20",
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={folder}/log4j2.properties",
        "-cp",
        f"{jars}/*",
        "org.apache.kafka.connect.cli.ConnectStandalone",
        folder / "worker.properties",
        folder / "sink.properties",
    ]

"""Spark's word on Iceberg tables: runs SQL with the Iceberg runtime and prints the results as JSON.

spark_read.py --catalog SQLITE_FILE [--name millrace] [--warehouse URI] [SQL...]
    through JdbcCatalog on a catalogue file; a table is <name>.<namespace>.<table>
spark_read.py --rest URI [--name millrace] [SQL...]
    through a REST catalogue
spark_read.py --register METADATA [--register METADATA]... [SQL...]
    without a catalogue of ours: metadata files become judge.t.t0, judge.t.t1, ... in one of Spark's own, which SQL may also change;
    after the statements each table's metadata file of then is printed too

Without SQL the statements are read from stdin, as a JSON list. Prints, as the last line, {"results": [one list of rows a
statement], "metadata": [path a registered table]}. Values that JSON lacks are text. Takes some twenty seconds to start: give it all
its statements at once.
"""

import argparse
import json
import os
import pathlib
import sqlite3
import sys
import tempfile

import pyspark
from pyspark.sql import Row, SparkSession

JARS = pathlib.Path(__file__).resolve().parents[2] / ".deps" / "jars"


def session(name, catalog, scratch):
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_HOME"] = os.path.dirname(pyspark.__file__)
    builder = SparkSession.builder.master("local[1]").appName("judge")
    settings = {
        "spark.jars": ",".join(str(jar) for jar in JARS.glob("*.jar")),
        "spark.driver.memory": "1g",
        # The session lives for seconds: a compiler that takes long and collectors with threads cost more than they give.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.session.timeZone": "UTC",
        "spark.local.dir": scratch,
        "spark.sql.warehouse.dir": scratch,
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        f"spark.sql.catalog.{name}": "org.apache.iceberg.spark.SparkCatalog",
        f"spark.sql.catalog.{name}.cache-enabled": "false",
    }
    settings |= {f"spark.sql.catalog.{name}.{key}": value for key, value in catalog.items()}
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def plain(value):
    if isinstance(value, Row):
        return {key: plain(item) for key, item in value.asDict().items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value) if not isinstance(value, float) or value != value else value


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--catalog")
    parser.add_argument("--rest")
    parser.add_argument("--name", default="millrace")
    parser.add_argument("--warehouse")
    parser.add_argument("--register", action="append", default=[])
    parser.add_argument("sql", nargs="*")
    options = parser.parse_args()
    statements = options.sql or json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as scratch:
        database = options.catalog or os.path.join(scratch, "judge.db")
        name = options.name if options.catalog or options.rest else "judge"
        catalog = {"type": "rest", "uri": options.rest}
        if not options.rest:
            warehouse = options.warehouse or f"file://{scratch}/warehouse"
            catalog = {"catalog-impl": "org.apache.iceberg.jdbc.JdbcCatalog", "uri": f"jdbc:sqlite:{database}", "jdbc.schema-version": "V1", "warehouse": warehouse}
        spark = session(name, catalog, scratch)
        if options.register:
            spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {name}.t")
        for number, metadata in enumerate(options.register):
            spark.sql(f"CALL {name}.system.register_table('t.t{number}', '{metadata}')")
        results = [[plain(row) for row in spark.sql(statement).collect()] for statement in statements]
        located = []
        if options.register:
            db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
            for number in range(len(options.register)):
                located += [row[0] for row in db.execute("SELECT metadata_location FROM iceberg_tables WHERE table_name = ?", (f"t{number}",))]
        spark.stop()
    print(json.dumps({"results": results, "metadata": located}))


main()

"""ask_others.py CATALOG_URI S3_ENDPOINT: asks the tables of this example with pyiceberg and with Spark, through the REST catalogue, and says whether they agree."""

import os
import pathlib
import sys
import tempfile

uri, endpoint = sys.argv[1:3]
key, secret = os.environ["LAKE_KEY"], os.environ["LAKE_SECRET"]
DEPS = pathlib.Path(__file__).resolve().parents[2] / ".deps"
TABLES = ["silver.events", "silver.cards", "gold.events"]
TYPES = "SELECT type, count(*) AS events FROM lake.silver.events GROUP BY type ORDER BY events DESC, type LIMIT 3"


def by_pyiceberg():
    from pyiceberg.catalog.rest import RestCatalog

    properties = {"s3.endpoint": endpoint, "s3.access-key-id": key, "s3.secret-access-key": secret, "s3.region": "us-east-1"}
    catalog = RestCatalog("lake", uri=uri, **properties)
    rows = {name: catalog.load_table(name).scan().to_arrow() for name in TABLES}
    types = rows["silver.events"].group_by("type").aggregate([([], "count_all")]).to_pylist()
    top = sorted(((row["type"], row["count_all"]) for row in types), key=lambda row: (-row[1], row[0]))[:3]
    return {name: table.num_rows for name, table in rows.items()}, top


def by_spark():
    import pyspark
    from pyspark.sql import SparkSession

    # The bundle brings AWS's SDK; Iceberg itself is in Spark's runtime jar.
    jars = [*DEPS.glob("jars/iceberg-spark-runtime*.jar"), *DEPS.glob("awsbundle/*.jar")]
    settings = {
        "spark.jars": ",".join(map(str, jars)),
        "spark.driver.memory": "1g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
        "spark.sql.catalog.lake.type": "rest",
        "spark.sql.catalog.lake.uri": uri,
        "spark.sql.catalog.lake.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        "spark.sql.catalog.lake.s3.endpoint": endpoint,
        "spark.sql.catalog.lake.s3.path-style-access": "true",
        "spark.sql.catalog.lake.s3.access-key-id": key,
        "spark.sql.catalog.lake.s3.secret-access-key": secret,
        "spark.sql.catalog.lake.client.region": "us-east-1",
    }
    os.environ.update(SPARK_LOCAL_IP="127.0.0.1", PYSPARK_PYTHON=sys.executable, SPARK_HOME=os.path.dirname(pyspark.__file__))
    with tempfile.TemporaryDirectory() as scratch:
        builder = SparkSession.builder.master("local[1]").appName("demo").config("spark.local.dir", scratch)
        for name, value in settings.items():
            builder = builder.config(name, value)
        spark = builder.getOrCreate()
        spark.sparkContext.setLogLevel("ERROR")
        counts = {name: spark.sql(f"SELECT count(*) FROM lake.{name}").first()[0] for name in TABLES}
        top = [(row["type"], row["events"]) for row in spark.sql(TYPES).collect()]
        spark.stop()
    return counts, top


def main():
    answers = {"pyiceberg": by_pyiceberg(), "Spark": by_spark()}
    for reader, (counts, top) in answers.items():
        print(f"{reader:<10} " + ", ".join(f"{name} {rows:,} rows" for name, rows in counts.items()))
        print(f"{'':<10} most events: " + ", ".join(f"{kind} {events}" for kind, events in top))
    if answers["pyiceberg"] != answers["Spark"]:
        sys.exit("the two do not agree")
    print("Both see the same.")


main()

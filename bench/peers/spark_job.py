"""spark_job.py BOOTSTRAP TOPIC FOLDER JARS: Structured Streaming from a topic into an Iceberg table, until everything there is landed."""

import glob
import sys

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, from_json

bootstrap, topic, folder, jars = sys.argv[1:5]
SCHEMA = (
    "event_id string, type string, user_id bigint, session string, ts timestamp, sent_at timestamp, url string, country string, "
    "amount double, qty int, member boolean, device struct<os: string, version: int>, seq bigint"
)
spark = (
    SparkSession.builder.master("local[2]")
    .appName("landing")
    .config("spark.jars", ",".join(jar for folder in jars.split(":") for jar in glob.glob(f"{folder}/*.jar")))
    .config("spark.ui.enabled", "false")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.memory", "2g")
    .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
    .config("spark.sql.catalog.lake", "org.apache.iceberg.spark.SparkCatalog")
    .config("spark.sql.catalog.lake.type", "hadoop")
    .config("spark.sql.catalog.lake.warehouse", f"file://{folder}")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("WARN")
spark.sql("CREATE NAMESPACE IF NOT EXISTS lake.db")
spark.sql(f"CREATE TABLE IF NOT EXISTS lake.db.events ({SCHEMA}) USING iceberg TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd')")
events = (
    spark.readStream.format("kafka")
    .option("kafka.bootstrap.servers", bootstrap)
    .option("subscribe", topic)
    .option("startingOffsets", "earliest")
    .load()
    .select(from_json(col("value").cast("string"), SCHEMA).alias("v"))
    .select("v.*")
)
events.writeStream.trigger(availableNow=True).option("checkpointLocation", f"{folder}/checkpoint").format("iceberg").outputMode(
    "append"
).toTable("lake.db.events").awaitTermination()
spark.stop()

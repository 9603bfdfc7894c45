"""spark_job.py BOOTSTRAP TOPIC FOLDER JARS: Structured Streaming from a topic into an Iceberg table, until everything there is landed."""

import sys

from pyspark.sql.functions import col, from_json
from spark_session import session

bootstrap, topic, folder, jars = sys.argv[1:5]
SCHEMA = (
    "event_id string, type string, user_id bigint, session string, ts timestamp, sent_at timestamp, url string, country string, "
    "amount double, qty int, member boolean, device struct<os: string, version: int>, seq bigint"
)
spark = session("landing", jars, folder)
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

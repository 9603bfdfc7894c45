"""models_spark.py BRONZE_FOLDER OUT_FOLDER JARS: the models of bench/models.py in Spark, local[2], from Parquet files to Iceberg tables."""

import sys

from spark_session import session

bronze, out, jars = sys.argv[1:4]
spark = session("models", jars, f"{out}/spark")
spark.read.option("recursiveFileLookup", "true").parquet(bronze).createOrReplaceTempView("events")
PROPERTIES = "USING iceberg TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd')"
silver = open(f"{out}/silver.sql").read().replace("bronze.events", "events")
gold = open(f"{out}/gold.sql").read().replace("silver.sales", "lake.silver.sales")
spark.sql(f"CREATE TABLE lake.silver.sales {PROPERTIES} AS {silver}")
spark.sql(f"CREATE TABLE lake.gold.by_hour {PROPERTIES} AS {gold}")
spark.table("lake.gold.by_hour").coalesce(1).write.parquet(f"{out}/spark_gold")
spark.stop()

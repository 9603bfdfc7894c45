"""models_spark.py BRONZE_FOLDER OUT_FOLDER JARS: the models of bench/models.py in Spark, local[2], from Parquet files to Iceberg tables."""

import glob
import sys

from pyspark.sql import SparkSession

bronze, out, jars = sys.argv[1:4]
spark = (
    SparkSession.builder.master("local[2]")
    .appName("models")
    .config("spark.jars", ",".join(glob.glob(f"{jars}/*.jar")))
    .config("spark.ui.enabled", "false")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.memory", "2g")
    .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
    .config("spark.sql.catalog.lake", "org.apache.iceberg.spark.SparkCatalog")
    .config("spark.sql.catalog.lake.type", "hadoop")
    .config("spark.sql.catalog.lake.warehouse", f"file://{out}/spark")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
spark.read.option("recursiveFileLookup", "true").parquet(bronze).createOrReplaceTempView("events")
PROPERTIES = "USING iceberg TBLPROPERTIES ('write.parquet.compression-codec' = 'zstd')"
silver = open(f"{out}/silver.sql").read().replace("bronze.events", "events")
gold = open(f"{out}/gold.sql").read().replace("silver.sales", "lake.silver.sales")
spark.sql(f"CREATE TABLE lake.silver.sales {PROPERTIES} AS {silver}")
spark.sql(f"CREATE TABLE lake.gold.by_hour {PROPERTIES} AS {gold}")
spark.table("lake.gold.by_hour").coalesce(1).write.parquet(f"{out}/spark_gold")
spark.stop()

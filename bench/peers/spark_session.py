"""Spark as the benchmarks run it beside this program: local[2], one catalogue of Iceberg tables in a folder."""

import glob

from pyspark.sql import SparkSession


def session(name, jar_folders, warehouse):
    """`jar_folders` as a path list, "a:b"."""
    spark = (
        SparkSession.builder.master("local[2]")
        .appName(name)
        .config("spark.jars", ",".join(jar for folder in jar_folders.split(":") for jar in glob.glob(f"{folder}/*.jar")))
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.memory", "2g")
        .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
        .config("spark.sql.catalog.lake", "org.apache.iceberg.spark.SparkCatalog")
        .config("spark.sql.catalog.lake.type", "hadoop")
        .config("spark.sql.catalog.lake.warehouse", f"file://{warehouse}")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("WARN")
    return spark

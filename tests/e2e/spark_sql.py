"""Spark 4.1 with the Iceberg runtime over a lake's own SQLite catalogue. argv: data folder; stdin: JSON list of statements; stdout: JSON list of row lists."""

import json
import pathlib
import sys

from pyspark.sql import SparkSession

JARS = pathlib.Path(__file__).resolve().parents[2] / ".deps/jars"


def session(data_dir):
    catalog = "spark.sql.catalog.millrace"
    builder = (
        SparkSession.builder.master("local[2]")
        .config("spark.jars", ",".join(str(jar) for jar in sorted(JARS.glob("*.jar"))))
        .config("spark.driver.memory", "1g")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
        .config(catalog, "org.apache.iceberg.spark.SparkCatalog")
        # JdbcCatalog looks for rows of its own name; in the file the catalogue is called millrace.
        .config(f"{catalog}.catalog-impl", "org.apache.iceberg.jdbc.JdbcCatalog")
        .config(f"{catalog}.uri", f"jdbc:sqlite:{data_dir}/catalog.db")
        .config(f"{catalog}.jdbc.schema-version", "V1")
        .config(f"{catalog}.warehouse", f"file://{data_dir}/lake")
    )
    return builder.getOrCreate()


def main():
    spark = session(sys.argv[1])
    spark.sparkContext.setLogLevel("ERROR")
    results = []
    for statement in json.load(sys.stdin):
        results.append([json.loads(row) for row in spark.sql(statement).toJSON().collect()])
    print(json.dumps(results))


if __name__ == "__main__":
    main()

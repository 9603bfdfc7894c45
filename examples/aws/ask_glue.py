"""ask_glue.py ENDPOINT: asks the tables by what Glue lists alone, as Athena does, with DuckDB: files below the places of partitions, Iceberg tables by their metadata."""

import gzip
import json
import pathlib
import sys

import duckdb
import pyarrow

endpoint = sys.argv[1]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/services"))
import glue as service  # noqa: E402

glue, s3 = service.client(endpoint), service.client(endpoint, "s3")
iceberg = service.pyiceberg_catalog(endpoint)
database = duckdb.connect()


def hive_rows(schema, name):
    """The partition's values with each line, as a Hive table has them."""
    keys = [key["Name"] for key in glue.get_table(DatabaseName=schema, Name=name)["Table"]["PartitionKeys"]]
    for page in glue.get_paginator("get_partitions").paginate(DatabaseName=schema, TableName=name):
        for partition in page["Partitions"]:
            bucket, prefix = partition["StorageDescriptor"]["Location"].removeprefix("s3://").split("/", 1)
            for listed in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
                body = s3.get_object(Bucket=bucket, Key=listed["Key"])["Body"].read()
                for line in gzip.decompress(body).splitlines():
                    yield {**json.loads(line), **dict(zip(keys, partition["Values"]))}


for listed in glue.get_databases()["DatabaseList"]:
    schema = listed["Name"]
    for table in glue.get_tables(DatabaseName=schema)["TableList"]:
        name, of_iceberg = table["Name"], table["Parameters"].get("table_type") == "ICEBERG"
        if of_iceberg:
            rows = iceberg.load_table((schema, name)).scan().to_arrow()
        else:
            rows = pyarrow.Table.from_pylist(list(hive_rows(schema, name)))
        database.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        database.register("listed", rows)
        database.execute(f'CREATE TABLE "{schema}"."{name}" AS FROM listed')
        print(f"{schema + '.' + name:<26} {'Iceberg' if of_iceberg else 'Hive':<8} {len(rows):>6,} rows  {table['StorageDescriptor']['Location']}")

print()
database.sql("SELECT year, month, day, hour, count(*) AS events FROM bronze.events GROUP BY ALL ORDER BY ALL").show()
database.sql("SELECT type, day, events, actors FROM gold.by_type_and_day ORDER BY events DESC, type LIMIT 5").show()
landed, once, counted = database.sql(
    "SELECT (SELECT count(*) FROM bronze.events), (SELECT count(DISTINCT id) FROM bronze.events), (SELECT sum(events) FROM gold.by_type_and_day)"
).fetchone()
if once != counted:
    sys.exit(f"gold counts {counted} events and bronze has {once}")
print(f"{landed} events landed, as some were sent twice; there are {once}, and gold counts {counted}.")

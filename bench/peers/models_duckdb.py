"""models_duckdb.py BRONZE_FOLDER OUT_FOLDER: the models of bench/models.py as a person runs them by hand in DuckDB, from Parquet files to Parquet files."""

import sys

import duckdb

bronze, out = sys.argv[1:3]
db = duckdb.connect()
db.execute("SET memory_limit = '2GB'; SET TimeZone = 'UTC'")
db.execute(f"CREATE VIEW events AS SELECT * FROM read_parquet('{bronze}/**/*.parquet')")
silver = open(f"{out}/silver.sql").read().replace("bronze.events", "events")
gold = open(f"{out}/gold.sql").read().replace("silver.sales", f"read_parquet('{out}/silver.parquet')")
db.execute(f"COPY ({silver}) TO '{out}/silver.parquet' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)")
db.execute(f"COPY ({gold}) TO '{out}/gold.parquet' (FORMAT parquet, COMPRESSION zstd)")

"""The other readers that judge our tables: pyiceberg, DuckDB's Iceberg extension, Spark. Each returns rows as dicts."""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = next((ROOT / ".deps/venv/lib").glob("python3*/site-packages"))


def pyiceberg_catalog(data_dir, name="millrace"):
    from pyiceberg.catalog.sql import SqlCatalog

    return SqlCatalog(name, uri=f"sqlite:///{data_dir}/catalog.db", warehouse=f"file://{data_dir}/lake")


def pyiceberg_rows(data_dir, table):
    return pyiceberg_catalog(data_dir).load_table(table).scan().to_arrow().to_pylist()


def load_duckdb_extensions(database):
    """Those that scan Iceberg, from the pinned packages; the connection allows unsigned ones."""
    for extension in ("avro", "iceberg"):
        path = PACKAGES / f"duckdb_extension_{extension}/extensions/v1.5.5/{extension}.duckdb_extension"
        database.execute(f"LOAD '{path}'")


def duckdb_rows(metadata_location, select="*", where="true", snapshot=None):
    import duckdb

    database = duckdb.connect(config={"allow_unsigned_extensions": "true", "autoinstall_known_extensions": "false"})
    load_duckdb_extensions(database)
    at = f", snapshot_from_id={snapshot}" if snapshot else ""
    result = database.execute(f"SELECT {select} FROM iceberg_scan('{metadata_location}'{at}) WHERE {where}")
    names = [d[0] for d in result.description]
    return [dict(zip(names, row)) for row in result.fetchall()]


def spark_on(metadata_files, statements, timeout=600):
    """Runs SQL statements in one Spark over metadata files, which are judge.t.t0, judge.t.t1, ...; returns the rows of each."""
    registered = [argument for path in metadata_files for argument in ("--register", path)]
    return _spark(registered, statements, timeout)


def spark(data_dir, statements, timeout=300):
    """Runs SQL statements in one Spark over the same SQLite catalogue (JdbcCatalog); returns the rows of each.

    The catalogue is called `millrace` in the SQL. One process for all: Spark takes some ten seconds to start.
    """
    return _spark(["--catalog", f"{data_dir}/catalog.db", "--warehouse", f"file://{data_dir}/lake"], statements, timeout)


def spark_over_rest(uri, statements, timeout=300):
    """The same over a REST catalogue."""
    return _spark(["--rest", uri], statements, timeout)


def _spark(arguments, statements, timeout):
    script = pathlib.Path(__file__).with_name("spark_read.py")
    done = subprocess.run(
        [sys.executable, script, *arguments],
        input=json.dumps(statements),
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    told = "\n".join(line for line in done.stderr.splitlines() if not line.lstrip().startswith("at "))
    assert done.returncode == 0, told[-4000:]
    return json.loads(done.stdout.splitlines()[-1])["results"]

"""The models of bench/models.py through the Spark engine, on a master, a worker with two cores and Spark Connect, beside DuckDB in this process: one lake."""

import os
import sys

import measure
import models
import pipelines

EVENTS = int(os.environ.get("MILLRACE_BENCH_EVENTS", 1_000_000))


def spark_models(scratch, runs):
    sys.path.insert(0, str(pipelines.ROOT / "tests/services"))
    from rest_catalog import RestCatalog
    from spark_connect import SparkConnect

    folder = pipelines.fresh(scratch / "spark-models")
    with RestCatalog(folder / "rest", warehouse=f"file://{folder}/warehouse") as rest:
        with SparkConnect(folder / "cluster", rest.uri) as spark:
            lake = {
                "lake": {"warehouse": str(folder / "warehouse"), "catalog": {"rest": {"uri": rest.uri}}},
                "spark": {"remote": spark.remote},
                "memory": "1GiB",
            }
            for layer, name, over, sql in (("silver", "sales", "bronze.events", models.SILVER), ("gold", "by_hour", "silver.sales", models.GOLD)):
                (folder / "models" / layer).mkdir(parents=True)
                (folder / "models" / layer / f"{name}.sql").write_text(models.HEADER.format(over=over) + sql + "\n")
            tables = {"bronze.events": {"from": "events", "columns": {"ts": "timestamptz"}}}
            config = pipelines.config(folder, events=pipelines.generated(scratch, EVENTS), tables=tables, **lake)
            measure.run([pipelines.BINARY, "run", "--until-idle", "-c", config])
            config = pipelines.config(folder, events=pipelines.generated(scratch, EVENTS), tables=tables, models=folder / "models", **lake)
            total = "SELECT count(*), sum(events), round(sum(amount), 0) FROM gold.by_hour"
            costs, found = {"duckdb": [], "spark": []}, {}
            for _ in range(runs):
                for engine, of_engine in costs.items():
                    of_engine.append(measure.run([pipelines.BINARY, "refine", "--full-refresh", "--engine", engine, "-c", config]))
                    found[engine] = measure.run([pipelines.BINARY, "query", "--format", "csv", "-c", config, total]).stdout.splitlines()[-1]
            if [float(part) for part in found["spark"].split(",")] != [float(part) for part in found["duckdb"].split(",")]:
                raise SystemExit(f"Spark made {found['spark']} and DuckDB {found['duckdb']}")
    for engine, of_engine in costs.items():
        note = "; CPU and memory are this process's alone" if engine == "spark" else ""
        print(f"models by {engine}, {EVENTS:,} events in full: {measure.median(of_engine).line(EVENTS)}{note}", flush=True)

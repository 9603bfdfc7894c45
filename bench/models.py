"""Bronze -> silver -> gold by models, beside DuckDB run by hand and Spark on the same files: one run, full and incremental."""

import glob
import os
import shutil

import measure
import pipelines

PEERS = pipelines.ROOT / "bench/peers"
PYTHON = pipelines.ROOT / ".deps/venv/bin/python"
JARS = pipelines.ROOT / ".deps/jars"
EVENTS = int(os.environ.get("MILLRACE_BENCH_EVENTS", 5_000_000))
FRESH = EVENTS // 100

SILVER = """SELECT event_id, type, user_id, ts, country, url, CAST(price * qty AS DOUBLE) AS amount
FROM bronze.events WHERE NOT bot AND qty > 0"""
GOLD = """SELECT type, country, date_trunc('hour', ts) AS hour, count(*) AS events, sum(amount) AS amount, max(amount) AS greatest
FROM silver.sales GROUP BY type, country, date_trunc('hour', ts)"""
HEADER = "-- ---\n-- materialized: incremental\n-- over: {over}\n-- ---\n"


class Pipeline:
    """A lake with `EVENTS` events in bronze, and two models that are incremental."""

    def __init__(self, scratch):
        self.folder = pipelines.fresh(scratch / "models-lake")
        self.models = self.folder / "models"
        for layer, name, over, sql in (("silver", "sales", "bronze.events", SILVER), ("gold", "by_hour", "silver.sales", GOLD)):
            (self.models / layer).mkdir(parents=True)
            (self.models / layer / f"{name}.sql").write_text(HEADER.format(over=over) + sql + "\n")
        self.events = self.folder / "in"
        self.events.mkdir()
        self.add(pipelines.generated(scratch, EVENTS))

    def config(self, models):
        return pipelines.config(
            self.folder,
            events=self.events / "*.ndjson",
            tables={"bronze.events": {"from": "events", "columns": {"ts": "timestamptz"}}},
            memory="1GiB",
            models=self.models if models else None,
        )

    def add(self, events):
        os.link(events, self.events / events.name)
        measure.run([pipelines.BINARY, "run", "--until-idle", "-c", self.config(models=False)])

    def refine(self, *arguments):
        return measure.run([pipelines.BINARY, "refine", *arguments, "-c", self.config(models=True)])

    def bronze(self):
        (data,) = (path for path in glob.glob(f"{self.folder}/data/lake/**/bronze/events/data", recursive=True))
        return data


def total(path):
    """Rows, events and amount of a gold table, to compare what the programs made."""
    import duckdb

    return duckdb.sql(f"SELECT count(*), sum(events), round(sum(amount), 0) FROM read_parquet('{path}')").fetchone()


def peer(name, scratch, pipeline):
    out = pipelines.fresh(scratch / name)
    (out / "silver.sql").write_text(SILVER)
    (out / "gold.sql").write_text(GOLD)
    arguments = [JARS] if name == "models_spark" else []
    cost = measure.run_tree([PYTHON, PEERS / f"{name}.py", pipeline.bronze(), out, *arguments], scratch / f"{name}.log")
    found = total(f"{out}/gold.parquet" if name == "models_duckdb" else f"{out}/spark_gold/*.parquet")
    shutil.rmtree(out)
    return cost, found


def models(scratch, runs):
    pipeline = Pipeline(scratch)
    costs = {"millrace": [], "models_duckdb": [], "models_spark": []}
    for _ in range(runs):
        costs["millrace"].append(pipeline.refine("--full-refresh"))
        ours = measure.run(
            [pipelines.BINARY, "query", "--format", "csv", "-c", pipeline.config(models=True),
             "SELECT count(*), sum(events), round(sum(amount), 0) FROM gold.by_hour"]
        ).stdout.splitlines()[-1]
        for name in ("models_duckdb", "models_spark"):
            cost, found = peer(name, scratch, pipeline)
            costs[name].append(cost)
            if [float(part) for part in ours.split(",")] != [float(part) for part in found]:
                raise SystemExit(f"{name} made {found} and millrace {ours}")
    full = measure.median(costs["millrace"])
    print(f"models, millrace, {EVENTS:,} events in full: {full.line(EVENTS)}")
    for name in ("models_duckdb", "models_spark"):
        cost = measure.median(costs[name])
        print(f"models, {name}: {cost.line(EVENTS)}; millrace: 1/{cost.cpu / full.cpu:.2f} of its CPU, 1/{cost.wall / full.wall:.2f} of its wall time", flush=True)

    increments = []
    for number in range(runs):
        path = scratch / f"fresh-{number}.ndjson"
        measure.run([pipelines.BINARY, "generate", "events", "--rows", FRESH, "--seed", 1000 + number, "-o", path])
        pipeline.add(path)
        path.unlink()
        increments.append(pipeline.refine())
    fresh = measure.median(increments)
    print(f"models, millrace, {FRESH:,} events more: {fresh.line(FRESH)}: {fresh.cpu / full.cpu:.1%} of the CPU in full, {fresh.wall / full.wall:.1%} of the wall time")

"""Cards, as they are shipped and a large file of them: CSV into JSON lines, JSON lines into CSV and into Parquet, beside pandas, in one run."""

import csv
import os

import measure
import pipelines

PYTHON = pipelines.ROOT / ".deps/venv/bin/python"
PANDAS = pipelines.ROOT / ".deps/pandas"
CARDS = pipelines.ROOT / "examples/data/cards_data.csv"
ROWS = int(os.environ.get("MILLRACE_BENCH_CARDS", 1_000_000))

TO_LINES = "import sys; sys.path.insert(0, sys.argv[1]); import pandas; pandas.read_csv(sys.argv[2]).to_json(sys.argv[3], orient='records', lines=True)"
TO_CSV = "import sys; sys.path.insert(0, sys.argv[1]); import pandas; pandas.read_json(sys.argv[2], lines=True).to_csv(sys.argv[3], index=False)"
TO_PARQUET = "import sys; sys.path.insert(0, sys.argv[1]); import pandas; pandas.read_json(sys.argv[2], lines=True).to_parquet(sys.argv[3], compression='zstd')"


def cards(scratch):
    """The shipped rows again and again, each with a number of its own; kept for the next run."""
    path = scratch / f"cards-{ROWS}.csv"
    if not path.exists():
        with open(CARDS, newline="") as shipped:
            header, *rows = csv.reader(shipped)
        with open(path, "w", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(header)
            for number in range(ROWS):
                writer.writerow([number, *rows[number % len(rows)][1:]])
    return path


def same(ours, theirs, reader):
    """Rows, and the sum of a column, by a third program."""
    import duckdb

    def of(path):
        return duckdb.sql(f"SELECT count(*), sum(id), sum(credit_limit::BIGINT), count(DISTINCT card_brand) FROM {reader}('{path}')").fetchone()

    if of(ours) != of(theirs):
        raise SystemExit(f"millrace made {of(ours)} and pandas {of(theirs)}")


def compare(what, rows, ours, theirs):
    print(f"convert, millrace, {what}: {ours.line(rows)}")
    print(
        f"convert, pandas, {what}: {theirs.line(rows)}; millrace: {theirs.wall / ours.wall:.1f} x its rate, 1/{theirs.cpu / ours.cpu:.1f} of its CPU, "
        f"1/{theirs.peak_bytes / ours.peak_bytes:.1f} of its memory",
        flush=True,
    )


def table_of(scratch, lines):
    """The way into Parquet: a table from the file."""
    folder = pipelines.fresh(scratch / "cards-lake")
    path = pipelines.config(folder, events=lines, tables={"silver.cards": {"from": "events"}})
    cost = measure.run([pipelines.BINARY, "run", "--until-idle", "-c", path])
    return cost, f"{folder}/data/lake/**/silver/cards/data/*.parquet"


def shipped(scratch, runs):
    """A file so small that the start of a program is most of its time."""
    ours, theirs = scratch / "shipped.jsonl", scratch / "shipped-pandas.jsonl"
    costs, pandas_costs = [], []
    for _ in range(runs):
        costs.append(measure.run([pipelines.BINARY, "convert", "--overwrite", CARDS, ours]))
        pandas_costs.append(measure.run([PYTHON, "-c", TO_LINES, PANDAS, CARDS, theirs]))
    with open(ours) as lines:
        rows = sum(1 for _ in lines)
    compare(f"CSV to JSON lines, {rows:,} rows", rows, measure.median(costs), measure.median(pandas_costs))


def convert(scratch, runs):
    if not PANDAS.exists():
        raise SystemExit("run `scripts/setup --peers` first: it fetches pandas")
    import duckdb

    shipped(scratch, 4 * runs)
    source = cards(scratch)
    print(f"convert: {ROWS:,} cards, {source.stat().st_size / 1e6:.0f} MB of CSV, load average {os.getloadavg()[0]:.1f}")
    lines, theirs = scratch / "cards.jsonl", scratch / "cards-pandas.jsonl"
    rows, their_rows = scratch / "cards-again.csv", scratch / "cards-pandas.csv"
    to_lines, pandas_to_lines, to_csv, pandas_to_csv, to_parquet, pandas_to_parquet = [], [], [], [], [], []
    for _ in range(runs):
        to_lines.append(measure.run([pipelines.BINARY, "convert", "--overwrite", source, lines]))
        pandas_to_lines.append(measure.run([PYTHON, "-c", TO_LINES, PANDAS, source, theirs]))
        same(lines, theirs, "read_json_auto")
        to_csv.append(measure.run([pipelines.BINARY, "convert", "--overwrite", lines, rows]))
        pandas_to_csv.append(measure.run([PYTHON, "-c", TO_CSV, PANDAS, lines, their_rows]))
        same(rows, their_rows, "read_csv_auto")
        cost, files = table_of(scratch, lines)
        to_parquet.append(cost)
        made = scratch / "cards-pandas.parquet"
        pandas_to_parquet.append(measure.run([PYTHON, "-c", TO_PARQUET, PANDAS, lines, made]))
        totals = [duckdb.sql(f"SELECT count(*), sum(id), sum(credit_limit) FROM read_parquet('{path}')").fetchone() for path in (files, made)]
        if totals[0] != totals[1]:
            raise SystemExit(f"millrace made {totals[0]} and pandas {totals[1]}")
    compare("CSV to JSON lines", ROWS, measure.median(to_lines), measure.median(pandas_to_lines))
    compare("JSON lines to CSV", ROWS, measure.median(to_csv), measure.median(pandas_to_csv))
    compare("JSON lines to Parquet, zstd", ROWS, measure.median(to_parquet), measure.median(pandas_to_parquet))

"""What others need for JSON lines -> Parquet, zstd 1: land_peers.py duckdb|arrow EVENTS.ndjson OUT.parquet THREADS

Prints "<seconds> <CPU seconds> <bytes>".
"""

import os
import resource
import sys
import time

peer, source, out, threads = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])


def by_duckdb():
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"set threads to {threads}")
    connection.execute("set preserve_insertion_order = false")

    def run():
        connection.execute(
            f"copy (select * from read_json('{source}', format = 'newline_delimited')) "
            f"to '{out}' (format parquet, compression zstd, compression_level 1)"
        )

    return run


def by_arrow():
    import pyarrow
    import pyarrow.json
    import pyarrow.parquet

    pyarrow.set_cpu_count(threads)
    options = pyarrow.json.ReadOptions(use_threads=threads > 1, block_size=1 << 20)

    def run():
        with pyarrow.json.open_json(source, read_options=options) as reader:
            with pyarrow.parquet.ParquetWriter(out, reader.schema, compression="zstd", compression_level=1) as writer:
                for batch in reader:
                    writer.write_batch(batch)

    return run


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


run = {"duckdb": by_duckdb, "arrow": by_arrow}[peer]()
start, cpu_start = time.perf_counter(), cpu()
run()
print(time.perf_counter() - start, cpu() - cpu_start, os.path.getsize(out))

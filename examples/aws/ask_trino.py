"""ask_trino.py GLUE TRINO: asks the tables of Glue with Trino, at these two addresses: Hive's connector for plain files, Iceberg's for the others."""

import pathlib
import sys

glue, address = sys.argv[1:]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/services"))
import trino_server  # noqa: E402

trino = trino_server.Trino("", port=int(address.rsplit(":", 1)[1]))
trino.add_glue("iceberg", glue)
# Of an Iceberg table Hive's connector asks the other one.
trino.add_glue("hive", glue, connector="hive", **{"hive.iceberg-catalog-name": "iceberg"})


def show(sql):
    rows = trino.ask(sql)
    print(f"trino> {sql}")
    for row in rows:
        print("  " + "  ".join(f"{name}: {value}" for name, value in row.items()))
    print()
    return rows


for schema in trino.ask("SHOW SCHEMAS IN hive"):
    for table in trino.ask(f"SHOW TABLES IN hive.{schema['Schema']}") if schema["Schema"] != "information_schema" else []:
        name = f"{schema['Schema']}.{table['Table']}"
        (count,) = trino.ask(f"SELECT count(*) AS rows FROM hive.{name}")
        print(f"{name:<26} {count['rows']:>6,} rows")
print()
show("SELECT year, month, day, hour, count(*) AS events FROM hive.bronze.events GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4")
show("SELECT type, day, events, actors FROM hive.gold.by_type_and_day ORDER BY events DESC, type LIMIT 5")
((landed, once),) = (row.values() for row in trino.ask("SELECT count(*) AS landed, count(DISTINCT id) AS once FROM hive.bronze.events"))
counted = trino.ask("SELECT sum(events) AS counted FROM hive.gold.by_type_and_day")[0]["counted"]
if once != counted:
    sys.exit(f"gold counts {counted} events and bronze has {once}")
print(f"{landed} events landed, as some were sent twice; there are {once}, and gold counts {counted}.")

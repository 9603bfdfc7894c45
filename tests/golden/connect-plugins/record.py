#!/usr/bin/env python3
"""Asks a real Kafka Connect worker about connector classes and writes its answers beside this file.

    record.py [JAR...]      more jars for the class path: connect-file, mongo-kafka-connect (classifier all)

Needs the pieces `kafka` and `connect` of scripts/setup. The descriptions of properties are the connectors' own texts and are left out. Each
`<class>.<case>.json` is {"config": what was asked, "status": of the answer, "answer": it}: `defaults` names nothing but the class, other cases are below.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "tests/services"))
from kafka import Kafka, free_port  # noqa: E402

CASES = json.loads((HERE / "cases.json").read_text())


def ask(url, config):
    request = urllib.request.Request(url, json.dumps(config).encode(), {"Content-Type": "application/json"}, method="PUT")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def without_texts(answer):
    for config in answer.get("configs", []):
        config["definition"].pop("documentation", None)
    return answer


def main(jars):
    with tempfile.TemporaryDirectory() as folder, Kafka(pathlib.Path(folder) / "kafka") as kafka:
        folder = pathlib.Path(folder)
        port = free_port()
        worker = folder / "worker.properties"
        worker.write_text(
            f"""bootstrap.servers={kafka.bootstrap}
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
offset.storage.file.filename={folder}/offsets
plugin.path={folder}
plugin.discovery=only_scan
listeners=http://127.0.0.1:{port}
"""
        )
        path = ":".join([os.environ.get("CONNECT_JARS", f"{ROOT}/.deps/connect") + "/*", *map(os.path.abspath, jars)])
        log = open(os.environ.get("WORKER_LOG", os.devnull), "wb")
        process = subprocess.Popen(["java", "-Xmx512m", "-cp", path, "org.apache.kafka.connect.cli.ConnectStandalone", worker], stdout=log, stderr=log)
        try:
            base = f"http://127.0.0.1:{port}"
            for _ in range(120):
                try:
                    urllib.request.urlopen(base, timeout=5)
                    break
                except OSError:
                    time.sleep(1)
            for name, cases in CASES.items():
                short = name.rsplit(".", 1)[1]
                for case, config in {"defaults": {}, **cases}.items():
                    config = {"name": "asked", "connector.class": name, **config} if case != "defaults" else {"connector.class": name}
                    status, answer = ask(f"{base}/connector-plugins/{name}/config/validate", config)
                    written = {"config": config, "status": status, "answer": without_texts(answer)}
                    (HERE / f"{short}.{case}.json").write_text(json.dumps(written, indent=1) + "\n")
                    print(short, case, status, answer.get("error_count", answer.get("message")))
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main(sys.argv[1:])

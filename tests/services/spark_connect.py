"""A Spark cluster for tests and benchmarks: a standalone master, one worker and a Spark Connect server, all from pyspark's wheel.

As a module: `with SparkConnect(folder, catalog_uri) as spark: spark.remote, spark.jobs("running")`.
As a program: `spark_connect.py start|serve FOLDER CATALOG_URI`, `spark_connect.py stop FOLDER` (which ends the server; its cluster ends with it).
"""

import json
import pathlib
import sys
import urllib.request

from server_process import ServerProcess, accepts, free_port, run_verb

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOME = next((ROOT / ".deps/venv/lib").glob("python3*/site-packages/pyspark"), None)
ARE_HERE = HOME is not None and (ROOT / ".deps/rest").exists()
# They live for seconds: a compiler that takes long and collectors with threads cost more than they give.
JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
ENVIRONMENT = {"SPARK_HOME": str(HOME), "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}


class Master(ServerProcess):
    name = "spark-master"

    def __init__(self, folder):
        super().__init__(folder, environment={**ENVIRONMENT, "SPARK_DAEMON_JAVA_OPTS": JVM, "SPARK_DAEMON_MEMORY": "256m"})
        self.ui = free_port()

    def command(self):
        main = "org.apache.spark.deploy.master.Master"
        return [HOME / "bin/spark-class", main, "--host", "127.0.0.1", "--port", self.port, "--webui-port", self.ui]


class Worker(ServerProcess):
    name = "spark-worker"

    def __init__(self, folder, master):
        environment = {**ENVIRONMENT, "SPARK_DAEMON_JAVA_OPTS": JVM, "SPARK_DAEMON_MEMORY": "256m", "SPARK_WORKER_DIR": str(folder / "work")}
        super().__init__(folder, environment=environment)
        self.master = master

    def command(self):
        main = "org.apache.spark.deploy.worker.Worker"
        return [HOME / "bin/spark-class", main, "--host", "127.0.0.1", "--port", self.port, "--webui-port", free_port(),
                "-c", 2, "-m", "1g", f"spark://127.0.0.1:{self.master}"]  # fmt: skip


class SparkConnect(ServerProcess):
    name = "spark-connect"
    ready_seconds = 120

    def __init__(self, folder, catalog_uri, environment=None):
        super().__init__(folder, environment={**ENVIRONMENT, **(environment or {})})
        self.ui = free_port()
        self.catalog_uri = catalog_uri
        self.master = Master(self.folder)
        self.worker = Worker(self.folder, self.master.port)

    @property
    def remote(self):
        return f"sc://127.0.0.1:{self.port}"

    def command(self):
        settings = {
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": self.port,
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.extraJavaOptions": JVM,
            "spark.executor.memory": "768m",
            "spark.executor.extraJavaOptions": JVM,
            "spark.ui.port": self.ui,
            "spark.sql.shuffle.partitions": 2,
            "spark.local.dir": self.folder / "local",
            "spark.sql.warehouse.dir": self.folder / "spark-warehouse",
            "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
            "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
            "spark.sql.catalog.lake.type": "rest",
            "spark.sql.catalog.lake.uri": self.catalog_uri,
        }
        jars = ",".join(str(jar) for jar in (ROOT / ".deps/jars").glob("iceberg-spark-runtime-*.jar"))
        words = [HOME / "bin/spark-submit", "--master", f"spark://127.0.0.1:{self.master.port}", "--driver-memory", "768m", "--jars", jars]
        words += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
        for key, value in settings.items():
            words += ["--conf", f"{key}={value}"]
        return words + ["spark-internal"]

    def is_ready(self):
        return accepts(self.port)

    def start(self):
        # The driver waits for its master, which starts beside it.
        master, worker = self.master.start, self.worker.start
        master()
        worker()
        try:
            return super().start()
        except BaseException:
            self.stop()
            raise

    def stop(self):
        super().stop()
        self.worker.stop()
        self.master.stop()

    def jobs(self, status=None):
        """What Spark's own REST API says of its jobs."""
        base = f"http://127.0.0.1:{self.ui}/api/v1/applications"
        application = json.loads(urllib.request.urlopen(base, timeout=10).read())[0]["id"]
        wanted = f"?status={status}" if status else ""
        return json.loads(urllib.request.urlopen(f"{base}/{application}/jobs{wanted}", timeout=10).read())


if __name__ == "__main__":
    run_verb(lambda folder, rest: SparkConnect(folder, rest[0]))

"""kinesalite, a server of Kinesis's protocol in memory, on loopback (`scripts/setup --servers`), and boto3, which judges what we wrote.

As a module: `with Kinesis(folder) as kinesis: kinesis.endpoint`, `client(endpoint)`, `records(client, stream)`.
As a program: `kinesis.py start|serve|stop FOLDER`.
"""

import pathlib
import signal
import sys
import time

import dynamodb
from server_process import ServerProcess, run_verb

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SERVER = ROOT / ".deps/kinesalite"
KEYS = dynamodb.KEYS


def lacks():
    """A sentence when something is not installed."""
    if not SERVER.exists() or not (ROOT / ".deps/moto").exists():
        return "no server of Kinesis's protocol is here: run scripts/setup --servers"
    return ""


class Kinesis(ServerProcess):
    name = "kinesis"

    @property
    def endpoint(self):
        return self.address

    def command(self):
        return ["node", "--require", HERE / "outlive_clients.js", HERE / "kinesalite.js", SERVER, self.port]

    def pass_retention(self):
        """It is 25 hours later: what was there is gone, and iterators have expired."""
        self.tell(signal.SIGUSR2)

    def toggle_busy(self):
        """From now on, or no more, every third record that is put is refused."""
        self.tell(signal.SIGHUP)

    def tell(self, what):
        """Returns when it is so."""
        log = self.folder / f"{self.name}.log"
        before = log.stat().st_size
        self.process.send_signal(what)
        while log.stat().st_size == before:
            time.sleep(0.01)


def client(endpoint):
    return dynamodb.client(endpoint, "kinesis")


def shards(kinesis, stream):
    return kinesis.list_shards(StreamName=stream)["Shards"]


def records(kinesis, stream):
    """All of a stream by shard, in order: {shard id: [(key, data), ...]}."""
    read = {}
    for shard in shards(kinesis, stream):
        of_shard = read.setdefault(shard["ShardId"], [])
        iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        while iterator:
            answer = kinesis.get_records(ShardIterator=iterator)
            of_shard += [(record["PartitionKey"], record["Data"]) for record in answer["Records"]]
            iterator = answer.get("NextShardIterator") if answer["Records"] else None
    return read


if __name__ == "__main__":
    run_verb(lambda folder, _: Kinesis(folder))

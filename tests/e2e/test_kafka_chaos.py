"""Three brokers, a bucket, a REST catalogue and several workers through every kind of harm; an independent reader counts.

The long form (`./dev soak kafka [CYCLES] [SEED]`) draws 200 cycles of harm; the short one does each kind once.
"""

import os
import pathlib
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/services"))

pytest.importorskip("confluent_kafka")
pytest.importorskip("confluent_kafka.admin")
import chaos  # noqa: E402
from s3 import SERVERS  # noqa: E402

SERVERS_ARE_HERE = (ROOT / ".deps/kafka").exists() and (ROOT / ".deps/rest").exists() and SERVERS["versitygw"].exists()
pytestmark = pytest.mark.skipif(not SERVERS_ARE_HERE, reason="scripts/setup --servers fetches Kafka, the catalogue and the S3 server")


def test_every_kind_of_harm_once(tmp_path):
    with chaos.Chaos(tmp_path, workers=2, records=500) as run:
        run.produce()
        for harm in chaos.CYCLES:
            start = time.monotonic()
            run.cycle(harm)
            print(f"{harm}: {time.monotonic() - start:.1f} s", flush=True)
        assert run.did["stalled_puts"] and run.did["faults_on_the_wire"], run.did
        run.judge()


@pytest.mark.skipif("MILLRACE_CHAOS_CYCLES" not in os.environ, reason="the long form: ./dev soak kafka")
def test_many_cycles_of_harm(tmp_path):
    seed = int(os.environ.get("MILLRACE_CHAOS_SEED", 1))
    with chaos.Chaos(tmp_path, workers=3, seed=seed, records=2000) as run:
        for number in range(int(os.environ["MILLRACE_CHAOS_CYCLES"])):
            harm, start = run.random.choice(chaos.CYCLES), time.monotonic()
            run.cycle(harm)
            print(f"{number + 1}: {harm}: {time.monotonic() - start:.1f} s, {sum(run.sent.values())} records", flush=True)
        print(f"{run.judge()} rows, each once; {sum(run.poison.values())} in each quarantine; {dict(run.did)}", flush=True)

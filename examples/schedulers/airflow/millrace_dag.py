"""Every hour a pipeline of Millrace lands what is there; the hour is made again; at midnight the models of a day run.

For Airflow 3, with nothing beyond its core. Copy it into the folder of DAGs and edit the capitals below. Nothing happens
twice: a task that is tried again goes on where it stopped, and one with nothing to do writes nothing. A run that is
cleared makes its hour once more.
"""

import datetime
import os
import subprocess

from airflow.sdk import DAG, BaseOperator, CronDataIntervalTimetable, chain
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

MILLRACE = os.environ.get("MILLRACE", "/usr/bin/millrace")
CONFIG = os.environ.get("MILLRACE_CONFIG", "/etc/millrace/shop.yaml")
MADE_AGAIN = ["silver.orders"]  # incremental models with `event_time`: their rows of the hour are made again
DAILY = ["tag:daily"]  # `schedule: manual` in these models' headers leaves them to Airflow alone
START = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)  # hours since then that did not run are made up for

# The command line or the configuration: wrong until a person edits it. All else may pass: 69 is what was unreachable
# or in use, 1 a model that failed or what did not land in time, and a signal came from outside.
NO_RETRY = {64: "usage", 78: "configuration"}


class MillraceOperator(BaseOperator):
    """Runs one command of Millrace; what it says is the task's log, its last line the reason of a failure.

    `arguments` are templates. `once_a_day`: skipped but for the hour that ends at midnight, UTC.
    """

    template_fields = ("arguments",)

    def __init__(self, *, arguments, once_a_day=False, **kwargs):
        super().__init__(**kwargs)
        self.arguments = arguments
        self.once_a_day = once_a_day
        self.process = None

    def execute(self, context):
        if self.once_a_day and context["data_interval_end"].hour != 0:
            raise AirflowSkipException("it runs in the hour that ends at midnight")
        command = [MILLRACE, *self.arguments, "-c", CONFIG]
        self.log.info("%s", command)
        last = "it said nothing"
        try:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        except OSError as error:
            raise AirflowFailException(f"{MILLRACE} cannot be started: {error}") from error
        try:
            for line in self.process.stdout:
                last = line.rstrip()
                self.log.info("%s", last)
            code = self.process.wait()
        finally:  # a task that is over its time takes its process along
            self.on_kill()
        if code in NO_RETRY:
            raise AirflowFailException(f"exit {code} ({NO_RETRY[code]}): {last}")
        if code != 0:
            raise AirflowException(f"exit {code}: {last}")

    def on_kill(self):
        """It ends at a commit; what it had not committed is done by the next run."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


with DAG(
    "millrace_hourly",
    description=__doc__.splitlines()[0],
    # "@hourly" by itself gives Airflow 3 intervals without length, from which nothing could be made again.
    schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"),
    start_date=START,
    catchup=True,
    max_active_runs=1,  # one `run` at a time has a data directory
    default_args={
        "retries": 3,
        "retry_delay": datetime.timedelta(minutes=1),
        "retry_exponential_backoff": True,
        "execution_timeout": datetime.timedelta(minutes=55),
    },
    tags=["millrace"],
):
    land = MillraceOperator(task_id="land", arguments=["run", "--until-idle", "--timeout", "50m"])
    again = [
        MillraceOperator(
            task_id=f"again_{model}",
            # The name is the same for every try, which goes on with it, and another one when the run was cleared.
            arguments=["refine", model, "--from", "{{ data_interval_start }}", "--to", "{{ data_interval_end }}",
                       "--name", "airflow-{{ data_interval_start | ts_nodash }}-{{ dag_run.clear_number }}"],
        )
        for model in MADE_AGAIN
    ]
    daily = [MillraceOperator(task_id=f"daily_{group.replace(':', '_')}", arguments=["refine", group], once_a_day=True) for group in DAILY]
    chain(land, *again, *daily)

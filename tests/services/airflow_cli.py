"""Airflow's command line, many commands in one process, which imports Airflow once.

Run by the Python of .deps/airflow. Each line of the input is a command, a JSON list of words after `airflow`; each is
answered by a line of the output, its exit code. What commands say goes to stderr.
"""

import json
import os
import sys

from airflow.__main__ import main

answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
for line in sys.stdin:
    sys.argv = ["airflow", *json.loads(line)]
    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    sys.stdout.flush()
    print(code, file=answers)

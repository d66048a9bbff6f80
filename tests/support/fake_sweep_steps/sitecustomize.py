"""Put on PYTHONPATH, this makes build and bench of every process that starts take no time, or misbehave on order.

$FAKE_SWEEP_STEPS is JSON: the point's ram_budget -> what happens to it (see `_bench`). Each attempt adds a line
"<ram_budget> <pid>" to the file $FAKE_SWEEP_LOG. Python imports a module of this name at start.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any


def _build(**options: Any) -> None:
    with Path(os.environ["FAKE_SWEEP_LOG"]).open("a") as log:
        log.write(f"{options['ram_budget']} {os.getpid()}\n")


def _bench(*, out: Path, **_: Any) -> None:
    from ppg_deploy.errors import DeviceError
    from ppg_deploy.results.folder import point_to, write_result
    from tests.support.sweep_results import report_of_fake, samples_of_fake

    job = json.loads((out / "job.json").read_bytes())
    behaviour = json.loads(os.environ["FAKE_SWEEP_STEPS"]).get(str(job["ram_budget"]), "")
    word, _space, value = behaviour.partition(" ")
    if word == "sleep":
        time.sleep(float(value))
    elif word == "abort":
        os.write(1, b"last words\n")
        os.abort()
    elif word == "raise":
        raise DeviceError("the board is silent", hint="plug it in")
    elif word == "bug":
        raise ZeroDivisionError("a bug")
    elif word == "kill-parent":
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    report = report_of_fake(job, mismatched=1 if word == "wrong" else 0)
    result = write_result(out / "results", report, samples_of_fake(report))
    point_to(out / "report.json", result / "result.json")


if any("ppg_deploy.matrix.worker" in argument for argument in sys.orig_argv):
    import ppg_deploy.api

    ppg_deploy.api.build = _build  # type: ignore[assignment]
    ppg_deploy.api.bench = _bench  # type: ignore[assignment]

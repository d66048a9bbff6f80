"""What the tests of ppg_deploy.child_process run: does the task that the file `task` of the working directory names."""

import colorsys
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from ppg_deploy.child_process import die_with_parent, run_module

SECONDS = 60.0


def main() -> None:
    """Do the task."""
    if sys.argv[1:]:
        # The parent of a child that shall outlive it.
        folder = Path(sys.argv[1])
        log = folder / "log.txt"
        run_module("tests.support.child", folder, log, limit_s=SECONDS, is_cancelled=bool, root=Path.cwd())
        return
    die_with_parent()
    match Path("task").read_text():
        case "print":
            print("first\nlast\n")
            raise SystemExit(3)
        case "environment":
            print(colorsys.__file__)
            print(os.environ["OMP_NUM_THREADS"], os.environ["OPENBLAS_NUM_THREADS"])
        case "sleep":
            _start_a_child()
            time.sleep(SECONDS)
        case "tidy":
            child = _start_a_child()
            try:
                time.sleep(SECONDS)
            finally:
                child.kill()
                child.wait()
        case "crash":
            _start_a_child()
            os.kill(os.getpid(), signal.SIGKILL)


def _start_a_child() -> "subprocess.Popen[bytes]":
    child = subprocess.Popen(["sleep", str(SECONDS)])
    Path("new").write_text(f"{os.getpid()} {child.pid}")
    os.replace("new", "pids")
    print("ready", flush=True)
    return child


if __name__ == "__main__":
    main()

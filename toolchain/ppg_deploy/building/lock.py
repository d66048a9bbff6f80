"""One build at a time in one project folder."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ppg_deploy.errors import EnvironmentProblem

_POLL_SECONDS = 0.1


@contextmanager
def folder_lock(path: Path, *, limit_s: float) -> Iterator[None]:
    """Hold an exclusive lock on the file `path`, which is made when missing. The system drops it when we end.

    Raises:
        EnvironmentProblem: another process still holds it after `limit_s` seconds, or the file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("w", encoding="utf-8")
    except OSError as error:
        raise EnvironmentProblem(
            f"cannot write {path}: {error.strerror}", hint="choose another folder with --out"
        ) from error
    with stream:
        end = time.monotonic() + limit_s
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= end:
                    raise EnvironmentProblem(
                        f"another build in {path.parent.parent} has not ended within {limit_s:g} s",
                        hint="wait for it, or choose another folder with --out",
                    ) from error
                time.sleep(_POLL_SECONDS)
        yield

"""A board at a serial port: the built firmware's application and model as a host process behind a pseudo-terminal.

Which program runs can change while the port stays, as it does when a real board is flashed.
"""

import contextlib
import os
import select
import shutil
import subprocess
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ppg_deploy.project import POWER_FLAG, load_manifest

_CHECKOUT = Path(__file__).resolve().parents[2]
_FAKES = _CHECKOUT / "tests" / "host_c" / "app"
_POLL_S = 0.02


def compile_project(project: Path, target: Path, *, build_id: str | None = None) -> Path:
    """The rendered project's application, protocol, model and kernels with the fake board, for this machine.

    Args:
        project: OUT/firmware.
        target: the program.
        build_id: what it reports instead of its own build id.
    """
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("gcc is not installed")
    sources = project / "src"
    parts = [sources / part for part in ("app", "protocol", "model", "runtime")]
    headers = {path.parent for part in parts for path in part.rglob("*.h")}
    config = target.parent / f"{target.name}-include"
    config.mkdir()
    for path in (project / "include").iterdir():
        text = path.read_text()
        if build_id is not None and "PPG_BUILD_ID" in text:
            own = text.split('PPG_BUILD_ID "')[1].split('"')[0]
            text = text.replace(own, build_id)
        (config / path.name).write_text(text)
    # The fake board's folder comes last: it also holds a fake model.
    folders = [config, *sorted(headers), sources / "bsp", _FAKES]
    files = [str(path) for part in parts for path in sorted(part.rglob("*.c"))]
    defines = [flag for flag in load_manifest(project).flags if flag == POWER_FLAG]
    fakes = [_FAKES / "fake_bsp.c", _FAKES / "fake_power.c"]
    command = [compiler, "-std=gnu11", "-O1", *(f"-I{folder}" for folder in folders), *files]
    finished = subprocess.run(
        [*command, *defines, *map(str, fakes), "-o", str(target)], capture_output=True, text=True, timeout=120
    )
    assert finished.returncode == 0, finished.stderr
    return target


class PtyBoard:
    """Runs `first`, and `second` from when the file `flashed` exists; None is a board that keeps silent.

    `weather` is what the cable makes of bytes, in both directions; `replies` what becomes of those from the board.
    """

    def __init__(
        self,
        first: Path | None,
        second: Path | None,
        flashed: Path,
        weather: Callable[[bytes], bytes] = lambda data: data,
        replies: Callable[[bytes], bytes] = lambda data: data,
    ) -> None:
        self._weather = weather
        self._replies = replies
        self._programs = (first, second)
        self._flashed = flashed
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        self.port = os.ttyname(self._theirs)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Unplug it."""
        self._stop.set()
        self._thread.join(10)
        os.close(self._ours)
        os.close(self._theirs)

    def _run(self) -> None:
        for number, program in enumerate(self._programs):
            with _process(program) as process:
                while not self._stop.is_set() and (number == 1 or not self._flashed.exists()):
                    self._transfer(process)

    def _transfer(self, process: "subprocess.Popen[bytes] | None") -> None:
        pipes = [] if process is None or process.stdout is None else [process.stdout.fileno()]
        for readable in select.select([self._ours, *pipes], [], [], _POLL_S)[0]:
            data = self._weather(os.read(readable, 4096))
            if readable != self._ours:
                os.write(self._ours, self._replies(data))
            elif process is not None and process.stdin is not None:
                process.stdin.write(data)
                process.stdin.flush()


@contextmanager
def _process(program: Path | None) -> "Iterator[subprocess.Popen[bytes] | None]":
    if program is None:
        yield None
        return
    with subprocess.Popen([str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def pty_board(
    first: Path | None,
    second: Path | None,
    flashed: Path,
    weather: Callable[[bytes], bytes] = lambda data: data,
    replies: Callable[[bytes], bytes] = lambda data: data,
) -> Iterator[PtyBoard]:
    """A plugged-in board; see PtyBoard."""
    board = PtyBoard(first, second, flashed, weather, replies)
    try:
        yield board
    finally:
        with contextlib.suppress(OSError):
            board.close()

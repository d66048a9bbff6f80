"""The firmware's application, compiled for this machine and loaded into this process: thousands of windows a minute."""

import ctypes
import shutil
import subprocess
from pathlib import Path

from ppg_deploy.errors import EnvironmentProblem, InternalError

_CHECKOUT = Path(__file__).resolve().parents[2]
_FAKES = _CHECKOUT / "tests" / "host_c" / "app"
_FIRMWARE = _CHECKOUT / "firmware"
_COMPILE_LIMIT_S = 120
_MOST_SENT_BYTES = 65536

RESTART_CAUSES = {"power": 1, "pin": 2, "software": 3, "watchdog": 4}


class SoakDevice:
    """A board with a fake model that sums its input; `feed` bytes to it and `take` what it sends.

    Args:
        folder: for the compiled library.
        input_bytes: of the model.
        output_bytes: of the model.

    Raises:
        EnvironmentProblem: there is no C compiler.
        InternalError: the application does not compile.
    """

    def __init__(self, folder: Path, *, input_bytes: int, output_bytes: int) -> None:
        self._library = ctypes.CDLL(str(_compiled(folder, input_bytes, output_bytes)))
        self._sent = ctypes.create_string_buffer(_MOST_SENT_BYTES)
        self._library.soak_start()

    def feed(self, data: bytes) -> bytes:
        """What the board sends because of `data`."""
        self._library.soak_feed(data, len(data))
        return self.take()

    def restart(self, cause: str) -> bytes:
        """What the board sends when it restarts: its boot message."""
        self._library.soak_restart(RESTART_CAUSES[cause])
        return self.take()

    def crash(self, run: int) -> bytes:
        """What the board sends when it crashes: the report, then the boot message."""
        self._library.soak_crash(run)
        return self.take()

    def take(self) -> bytes:
        """What it has sent by itself."""
        taken = self._library.soak_take(self._sent)
        return ctypes.string_at(self._sent, taken)


def _compiled(folder: Path, input_bytes: int, output_bytes: int) -> Path:
    compiler = shutil.which("gcc")
    if compiler is None:
        raise EnvironmentProblem("gcc is not installed", hint="sudo apt-get install gcc libc6-dev")
    sources = [
        *sorted((_FIRMWARE / "app").glob("ppg_*.c")),
        *sorted((_FIRMWARE / "protocol").glob("*.c")),
        _FAKES / "fake_model.c",
        Path(__file__).parent / "soak_board.c",
    ]
    headers = [_FAKES, _FIRMWARE / "protocol", _FIRMWARE / "app", _FIRMWARE / "bsp"]
    library = folder / "soak.so"
    command = [
        *(compiler, "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"),
        *(f"-I{header}" for header in headers),
        *(f"-DFAKE_INPUT_BYTES={input_bytes}", f"-DFAKE_OUTPUT_BYTES={output_bytes}", "-DFAKE_OPERATORS=3"),
        *map(str, sources),
        *("-o", str(library)),
    ]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=_COMPILE_LIMIT_S)
    if finished.returncode:
        raise InternalError(
            f"the application does not compile: {finished.stderr[-2000:]}", hint="report this as a bug"
        )
    return library

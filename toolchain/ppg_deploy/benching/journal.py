"""The answers of an unfinished bench, window by window, so that an interruption loses none of them.

One line of JSON a window, appended when its answer is there and handed to the operating system at once: a killed
bench loses nothing. Once a second the lines are forced to the disk, too, so a power failure loses that much at most.
Each line carries a checksum; a last line that was cut off is dropped when the journal is read.
"""

import dataclasses
import json
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from ppg_deploy.errors import EnvironmentProblem, InputError
from ppg_deploy.timing import InferenceProfile

_SYNC_INTERVAL_S = 1.0


class JournalIdentity(BaseModel):
    """What must be the same for the answers of two runs to be of one bench."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    board: str
    model_sha256: str
    build_id: str
    data_sha256: str
    windows: int
    emulator: str | None
    count: int
    timing_model: str | None


@dataclass(frozen=True)
class WindowAnswer:
    """What the device answered to one window.

    Attributes:
        row: of the windows file.
        output: as received.
        ticks: of the device's counter.
        timer_ticks: of its second counter.
        profile: exact counts, where this window was counted.
    """

    row: int
    output: bytes
    ticks: int
    timer_ticks: int
    profile: InferenceProfile | None = None


_NAMES = {
    "board": "board",
    "model_sha256": "model",
    "build_id": "build",
    "data_sha256": "windows file",
    "windows": "number of windows",
    "emulator": "emulator",
    "count": "--count",
    "timing_model": "timing model",
}
_PROFILE = TypeAdapter(InferenceProfile)


@dataclass
class Journal:
    """An open journal. `answered` are the windows that need not be streamed again."""

    path: Path
    answered: dict[int, WindowAnswer]
    _stream: BinaryIO
    _synced_s: float = field(default_factory=time.monotonic)

    def add(self, answer: WindowAnswer) -> None:
        """Keep the answer to one window.

        Raises:
            EnvironmentProblem: the disk is full or gone.
        """
        record = {
            "row": answer.row,
            "output": answer.output.hex(),
            "ticks": answer.ticks,
            "timer_ticks": answer.timer_ticks,
            "profile": None if answer.profile is None else dataclasses.asdict(answer.profile),
        }
        try:
            self._stream.write(_line(json.dumps(record)))
            self._stream.flush()
            if time.monotonic() - self._synced_s >= _SYNC_INTERVAL_S:
                os.fsync(self._stream.fileno())
                self._synced_s = time.monotonic()
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self.answered[answer.row] = answer


@contextmanager
def open_journal(path: Path, identity: JournalIdentity, *, resume: bool) -> Iterator[Journal]:
    """Begin a journal, or take up an interrupted one; removed when the body ends without an error.

    Args:
        path: the journal's file. Without `resume` an older one is replaced.
        identity: of the bench that begins.
        resume: continue with the windows that have no answer in `path` yet. When all of them have one, the last one is
            asked for again: the memory and operator figures need a device that has run an inference.

    Raises:
        InputError: `resume`, and there is no journal, or one of another bench.
        EnvironmentProblem: the file cannot be written.
    """
    answered: dict[int, WindowAnswer] = {}
    if resume:
        answered, whole_bytes = _read(path, identity)
        if len(answered) == identity.windows:
            del answered[identity.windows - 1]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("r+b" if resume else "w+b")
        if resume:
            stream.seek(whole_bytes)
            stream.truncate()
        else:
            stream.write(_line(identity.model_dump_json()))
            stream.flush()
    except OSError as error:
        raise _unwritable(path, error) from error
    with stream:
        yield Journal(path, answered, stream)
    with suppress(OSError):
        path.unlink()


def finished_windows(path: Path) -> int:
    """How many answers an interrupted bench has left in `path`; 0 when there is no journal."""
    try:
        return max(0, len(list(_whole_lines(path.read_bytes()))) - 1)
    except OSError:
        return 0


def _unwritable(path: Path, error: OSError) -> EnvironmentProblem:
    return EnvironmentProblem(
        f"cannot write {path}: {error.strerror}", hint="choose another folder with --out"
    )


def _line(text: str) -> bytes:
    data = text.encode()
    return f"{zlib.crc32(data):08x} ".encode() + data + b"\n"


def _whole_lines(data: bytes) -> Iterator[tuple[bytes, int]]:
    """The texts up to the first damaged line, each with the number of bytes up to its end."""
    end = 0
    for line in data.splitlines(keepends=True):
        checksum, _, text = line.rstrip(b"\n").partition(b" ")
        if not line.endswith(b"\n") or checksum != f"{zlib.crc32(text):08x}".encode():
            return
        end += len(line)
        yield text, end


def _read(path: Path, identity: JournalIdentity) -> tuple[dict[int, WindowAnswer], int]:
    anew = "bench without --resume to begin anew"
    try:
        lines = list(_whole_lines(path.read_bytes()))
    except OSError as error:
        raise InputError(f"there is no interrupted bench to resume: {path} is missing", hint=anew) from error
    if not lines:
        raise InputError(f"{path} is damaged from its first line on", hint=anew)
    try:
        earlier = JournalIdentity.model_validate_json(lines[0][0])
        answers = [_answer(text) for text, _ in lines[1:]]
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no journal of this version of ppg-deploy: {error}", hint=anew) from error
    for name, what in _NAMES.items():
        before, now = getattr(earlier, name), getattr(identity, name)
        if before != now:
            raise InputError(
                f"the interrupted bench was of another {what}: {_short(before)} in {path}, now {_short(now)}",
                hint=f"bench with what it was begun with, or {anew}",
            )
    return {answer.row: answer for answer in answers}, lines[-1][1]


def _short(value: object) -> str:
    return str(value)[:16]


def _answer(text: bytes) -> WindowAnswer:
    record = json.loads(text)
    profile = record["profile"]
    return WindowAnswer(
        row=record["row"],
        output=bytes.fromhex(record["output"]),
        ticks=record["ticks"],
        timer_ticks=record["timer_ticks"],
        profile=None if profile is None else _PROFILE.validate_python(profile),
    )

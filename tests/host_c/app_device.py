"""The bench application as a host process under sanitizers, and a serial line that can be made unreliable."""

import os
import random
import select
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_CHECKOUT = Path(__file__).resolve().parents[2]
_FAKES = Path(__file__).parent / "app"
_PROTOCOL = _CHECKOUT / "firmware" / "protocol"
_APP = _CHECKOUT / "firmware" / "app"
_WARNINGS = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion"]
_SANITIZERS = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
_INCLUDES = [f"-I{folder}" for folder in (_FAKES, _PROTOCOL, _APP, _CHECKOUT / "firmware" / "bsp")]


@dataclass(frozen=True)
class FakeModel:
    """Sizes that a test program is compiled with."""

    input_bytes: int
    output_bytes: int
    operators: int
    hop: int = 0

    @property
    def defines(self) -> list[str]:
        """The same sizes as options of the compiler."""
        return [
            f"-DFAKE_INPUT_BYTES={self.input_bytes}",
            f"-DFAKE_OUTPUT_BYTES={self.output_bytes}",
            f"-DFAKE_OPERATORS={self.operators}",
            *([f"-DFAKE_HOP={self.hop}"] if self.hop else []),
        ]

    def output(self, window: bytes) -> bytes:
        """What fake_model.c computes, written down a second time."""
        codes = [code - 256 if code > 127 else code for code in window]
        return bytes(
            sum(code * (i + j + 1) for j, code in enumerate(codes)) % 256 for i in range(self.output_bytes)
        )


def compile_program(target: Path, sources: list[Path], *options: str) -> Path:
    """A program for the host, with the warnings that the firmware must not cause and both sanitizers."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("gcc is not installed")
    command = [compiler, *_WARNINGS, *_SANITIZERS, *_INCLUDES, *options, *map(str, sources)]
    finished = subprocess.run([*command, "-o", str(target)], capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stderr
    return target


def compile_device(folder: Path, model: FakeModel) -> Path:
    """The bench application with the fake board and a fake model of the given sizes."""
    return compile_program(
        folder / "device",
        [
            *sorted(_APP.glob("*.c")),
            *sorted(_PROTOCOL.glob("*.c")),
            _FAKES / "fake_bsp.c",
            _FAKES / "fake_model.c",
        ],
        *model.defines,
    )


def compile_for_target(compiler: str, folder: Path, model: FakeModel) -> None:
    """The firmware's own files as objects for a Cortex-M4, with the same warnings."""
    compile_sources_for_target(
        folder, [*_APP.glob("*.c"), *_PROTOCOL.glob("*.c")], *model.defines, compiler=compiler
    )


def compile_sources_for_target(
    folder: Path, sources: list[Path], *options: str, compiler: str = "arm-none-eabi-gcc"
) -> None:
    """Files as objects for a Cortex-M4, with the same warnings."""
    command = [
        compiler,
        "-mcpu=cortex-m4",
        "-mthumb",
        "-O2",
        *_WARNINGS,
        *_INCLUDES,
        *options,
        "-c",
        *map(str, sources),
    ]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stderr


def compile_filter(folder: Path) -> Path:
    """The C codec behind a pipe; see app/protocol_filter.c."""
    return compile_program(folder / "filter", [*sorted(_PROTOCOL.glob("*.c")), _FAKES / "protocol_filter.c"])


class PipeStream:
    """A process's stdin and stdout with the manners of a serial port."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.timeout: float | None = None
        self._stdin = process.stdin
        self._stdout = process.stdout.fileno()
        self._received = bytearray()

    def read(self, size: int = 1, /) -> bytes:
        deadline = None if self.timeout is None else time.monotonic() + self.timeout
        while len(self._received) < size:
            wait_s = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([self._stdout], [], [], wait_s)[0]:
                break
            data = os.read(self._stdout, 4096)
            if not data:
                raise OSError("the device process has ended")
            self._received += data
        data = bytes(self._received[:size])
        del self._received[:size]
        return data

    def write(self, data: bytes, /) -> int | None:
        self._stdin.write(data)
        self._stdin.flush()
        return len(data)

    def close(self) -> None:
        self._stdin.close()


@contextmanager
def running(program: Path, environment: Mapping[str, str] | None = None) -> Iterator[PipeStream]:
    """A running device. At the end it must leave without a complaint of the sanitizers."""
    process = subprocess.Popen(
        [str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(environment or {})},
    )
    stream = PipeStream(process)
    try:
        yield stream
        stream.close()
        process.stdin = None
        _, complaints = process.communicate(timeout=10)
        assert (process.returncode, complaints.decode()) == (0, "")
    finally:
        process.kill()
        process.wait(timeout=10)


class FaultyStream:
    """Damages a share of the frames in both directions: the same seed makes the same faults.

    A frame may have bits flipped, bytes dropped or duplicated, its tail cut off, be lost, be sent twice, be followed
    by garbage, or be followed by an older frame of the same direction.
    """

    def __init__(self, inner: PipeStream, *, seed: int, share: float) -> None:
        self._inner = inner
        self._random = random.Random(seed)
        self._share = share
        self._outgoing_past: list[bytes] = []
        self._incoming_past: list[bytes] = []
        self._frame = bytearray()
        self._ready = bytearray()
        self.faults = 0

    @property
    def timeout(self) -> float | None:
        return self._inner.timeout

    @timeout.setter
    def timeout(self, value: float | None) -> None:
        self._inner.timeout = value

    def write(self, data: bytes, /) -> int | None:
        return self._inner.write(self._damaged(data, self._outgoing_past))

    def read(self, size: int = 1, /) -> bytes:
        while len(self._ready) < size:
            byte = self._inner.read(1)
            if not byte:
                break
            self._frame += byte
            if byte == b"\0" and len(self._frame) > 1:
                self._ready += self._damaged(bytes(self._frame), self._incoming_past)
                self._frame.clear()
        data = bytes(self._ready[:size])
        del self._ready[:size]
        return data

    def close(self) -> None:
        self._inner.close()

    def _damaged(self, frame: bytes, past: list[bytes]) -> bytes:
        past.append(frame)
        if self._random.random() >= self._share:
            return frame
        self.faults += 1
        position = self._random.randrange(len(frame))
        count = self._random.randint(1, 8)
        match self._random.randrange(8):
            case 0:
                flipped = bytearray(frame)
                for _ in range(count):
                    flipped[self._random.randrange(len(frame))] ^= 1 << self._random.randrange(8)
                return bytes(flipped)
            case 1:
                return frame[:position] + frame[position + count :]
            case 2:
                return frame[:position] + frame[position : position + count] * 2 + frame[position + count :]
            case 3:
                return frame[:position]
            case 4:
                return b""
            case 5:
                return frame + frame
            case 6:
                return frame + self._random.randbytes(count * 20)
            case _:
                return frame + self._random.choice(past[-40:])

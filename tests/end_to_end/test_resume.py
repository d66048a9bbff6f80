"""bench --resume after the bench was killed in its middle."""

import json
import os
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppg_deploy.wire.framing import FrameDecoder
from tests.support.commands import DEMO, REPOSITORY, copy_demo, ppg_deploy, requires_compiler, succeeded
from tests.support.pty_board import PtyBoard, compile_project, pty_board

pytestmark = requires_compiler

WINDOWS = 8
JOURNAL = Path("build", "results", "unfinished-firmware.journal")
RUN_REPLY = 0x83  # docs/wire-protocol.md; its input_crc are bytes 4 to 7


@dataclass(frozen=True)
class Demo:
    """A built demo student, and its firmware's application as a program for the host."""

    folder: Path
    program: Path

    @property
    def journal(self) -> Path:
        return self.folder / JOURNAL

    @property
    def report(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "build" / "report.json").read_text()))

    @property
    def samples(self) -> dict[str, Any]:
        with np.load(self.folder / "build" / "outputs.npz") as archive:
            return {name: archive[name] for name in archive.files}

    def rows(self) -> list[int]:
        """Windows that the journal has answers to."""
        return [json.loads(line[9:])["row"] for line in self.journal.read_bytes().splitlines()[1:]]

    def begin(self, *options: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [str(Path(sys.executable).parent / "ppg-deploy"), "bench", *options],
            cwd=self.folder,
            env=os.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = copy_demo(tmp_path_factory.mktemp("resume"))
    data = np.load(DEMO / "test.npz")
    np.savez(folder / "few.npz", **{name: data[name][:WINDOWS] for name in data.files})
    np.savez(folder / "many.npz", **{name: data[name][:24] for name in data.files})
    succeeded(ppg_deploy("quantize", "student.onnx", folder=folder))
    succeeded(ppg_deploy("build", "--board", "nucleo-l4", folder=folder))
    return Demo(folder, compile_project(folder / "build" / "firmware", folder / "program"))


class Ear:
    """Listens to the board's replies: which inputs it ran, by their CRC-32. It can cut the line to the host.

    Attributes:
        ran: CRC-32 of the input of every inference, in their order.
        cut: set when the line was cut: behind `cut_after` inferences, when the next reply is that of an inference, or
            any other after all the windows.
    """

    def __init__(self) -> None:
        self.ran: list[int] = []
        self.cut_after: int | None = None
        self.cut = threading.Event()
        self._decoder = FrameDecoder()

    def restore(self) -> None:
        """Mend the line, and forget what was heard."""
        self.ran, self.cut_after = [], None
        self.cut.clear()

    def __call__(self, data: bytes) -> bytes:
        for packet in self._decoder.feed(data):
            is_run = packet.type == RUN_REPLY
            if self.cut_after == len(self.ran) and (is_run or self.cut_after == WINDOWS):
                self.cut.set()
            if is_run:
                self.ran.append(int.from_bytes(packet.data[4:8], "little"))
        return b"" if self.cut.is_set() else data


@contextmanager
def listening(demo: Demo, folder: Path) -> Iterator[tuple[PtyBoard, Ear]]:
    ear = Ear()
    with pty_board(demo.program, None, folder / "flashed", replies=ear) as board:
        yield board, ear


def kill_after(demo: Demo, board: PtyBoard, ear: Ear, answers: int, *options: str) -> list[int]:
    """A bench that is killed when that many windows have been answered to it; what the board ran for it."""
    ear.cut_after = answers
    process = demo.begin("--port", board.port, "--no-flash", "--data", "few.npz", *options)
    try:
        assert ear.cut.wait(60)
    finally:
        process.kill()
        process.wait(10)
    ran = ear.ran
    ear.restore()
    return ran


def bench(demo: Demo, board: PtyBoard, *options: str) -> "subprocess.CompletedProcess[str]":
    return ppg_deploy(
        *("bench", "--port", board.port, "--no-flash", "--data", "few.npz", *options),
        folder=demo.folder,
        timeout_s=60,
    )


@pytest.fixture(scope="module")
def inputs(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> list[int]:
    """What the board runs for a bench that nothing interrupts."""
    with listening(demo, tmp_path_factory.mktemp("whole")) as (board, ear):
        succeeded(bench(demo, board))
    assert len(set(ear.ran)) == len(ear.ran) == WINDOWS
    assert demo.report["resumed_windows"] == 0
    assert not demo.journal.exists()
    return ear.ran


# The window whose answer was on its way when the bench was killed runs again. Where all had been answered, the last one
# does: the figures after it need a device that has run an inference.
@pytest.mark.parametrize(("answers", "ran", "kept"), [(0, 1, 0), (3, 4, 3), (8, 8, 7)])
def test_finished_windows_are_not_asked_again(
    demo: Demo, inputs: list[int], tmp_path: Path, answers: int, ran: int, kept: int
) -> None:
    with listening(demo, tmp_path) as (board, ear):
        assert kill_after(demo, board, ear, answers) == inputs[:ran]
        assert demo.rows() == list(range(answers))
        succeeded(bench(demo, board, "--resume"))
    assert ear.ran == inputs[kept:]
    report, samples = demo.report, demo.samples
    assert report["resumed_windows"] == kept
    assert (report["outputs"]["compared"], report["outputs"]["mismatched"]) == (WINDOWS, 0)
    assert report["missing"] == []
    assert np.array_equal(samples["y_int8"], samples["expected"])
    assert len(samples["y_int8"]) == WINDOWS
    assert not demo.journal.exists()


def test_a_bench_that_is_interrupted_twice(demo: Demo, inputs: list[int], tmp_path: Path) -> None:
    with listening(demo, tmp_path) as (board, ear):
        kill_after(demo, board, ear, 2)
        assert kill_after(demo, board, ear, 3, "--resume") == inputs[2:6]
        assert demo.rows() == [0, 1, 2, 3, 4]
        succeeded(bench(demo, board, "--resume"))
    assert ear.ran == inputs[5:]
    assert demo.report["resumed_windows"] == 5
    assert demo.report["outputs"]["mismatched"] == 0


def test_answers_of_another_bench_are_refused_and_kept(demo: Demo, inputs: list[int], tmp_path: Path) -> None:
    with listening(demo, tmp_path) as (board, ear):
        kill_after(demo, board, ear, 3)
        before = demo.journal.read_bytes()
        result = bench(demo, board, "--resume", "--count", "5")
        assert result.returncode == 2
        assert "another --count: 16 in" in result.stderr
        assert ear.ran == []
        assert demo.journal.read_bytes() == before
        # Without --resume the bench begins anew, and says what that costs.
        result = succeeded(bench(demo, board))
        assert "dropping 3 answers of an interrupted bench" in result.stderr
    assert ear.ran == inputs
    assert demo.report["resumed_windows"] == 0


def test_nothing_to_resume(demo: Demo, tmp_path: Path) -> None:
    with listening(demo, tmp_path) as (board, ear):
        result = bench(demo, board, "--resume")
    assert result.returncode == 2
    assert "no interrupted bench to resume" in result.stderr
    assert ear.ran == []


def test_unicorn(demo: Demo) -> None:
    options = ("--emulator", "unicorn", "--data", "many.npz", "--count", "24")
    succeeded(ppg_deploy("bench", *options, folder=demo.folder))
    whole, samples = demo.report, demo.samples
    assert samples["counted"].tolist() == list(range(24))

    process = demo.begin(*options)
    try:
        deadline_s = time.monotonic() + 60
        while _answers_in(demo.journal) < 3 and process.poll() is None and time.monotonic() < deadline_s:
            time.sleep(0.002)
    finally:
        process.kill()
        process.wait(10)
    journal, rows = demo.journal.read_bytes(), demo.rows()
    assert 3 <= len(rows) < 24

    # An answer that is changed in the journal is in the result: its window was not asked again.
    demo.journal.write_bytes(_with_another_answer(journal, 1))
    result = ppg_deploy("bench", *options, "--resume", folder=demo.folder)
    assert result.returncode == 6
    assert (demo.report["outputs"]["mismatched"], demo.report["outputs"]["first_mismatch"]["window"]) == (
        1,
        1,
    )

    demo.journal.write_bytes(journal)
    succeeded(ppg_deploy("bench", *options, "--resume", folder=demo.folder))
    report = demo.report
    assert report["resumed_windows"] == len(rows)
    for part in ("outputs", "accuracy", "cost", "memory", "energy_estimated"):
        assert report[part] == whole[part], part
    resumed = demo.samples
    assert set(resumed) == set(samples)
    assert all(np.array_equal(resumed[name], samples[name]) for name in samples)


@pytest.mark.usefixtures("inputs")
def test_the_result_fits_the_published_schema(demo: Demo) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed ([dev] extra)")
    schema = json.loads((REPOSITORY / "docs" / "schema" / "result-v1.json").read_text())
    results = sorted((demo.folder / "build" / "results").glob("*/result.json"))
    assert results
    for path in results:
        jsonschema.validate(json.loads(path.read_text()), schema)


def _answers_in(journal: Path) -> int:
    return journal.read_bytes().count(b"\n") - 1 if journal.exists() else 0


def _with_another_answer(journal: bytes, row: int) -> bytes:
    lines = journal.splitlines()
    record = json.loads(lines[1 + row][9:])
    assert record["row"] == row
    output = bytearray.fromhex(record["output"])
    output[0] ^= 1
    text = json.dumps({**record, "output": output.hex()}).encode()
    lines[1 + row] = b"%08x %s" % (zlib.crc32(text), text)
    return b"\n".join(lines) + b"\n"

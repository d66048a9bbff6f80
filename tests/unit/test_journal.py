"""The journal of an unfinished bench, read by a parser of the test's own."""

import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ppg_deploy.benching import journal as journal_module
from ppg_deploy.benching.journal import (
    Journal,
    JournalIdentity,
    WindowAnswer,
    finished_windows,
    open_journal,
)
from ppg_deploy.errors import EnvironmentProblem, InputError
from ppg_deploy.timing.profile import FunctionCost, InferenceProfile, OperatorCost

IDENTITY = JournalIdentity(
    board="nucleo-l476rg",
    model_sha256="a" * 64,
    build_id="b" * 64,
    data_sha256="c" * 64,
    windows=5,
    emulator="unicorn",
    count=16,
    timing_model=None,
)
PROFILE = InferenceProfile(
    instructions=1000,
    cycles_estimated=1200,
    timing_model="model-v1",
    flash_lines=None,
    by_function=(FunctionCost("ppg_copy", 900, 1100), FunctionCost("start", 100, 100)),
    by_operator=(OperatorCost(0, "CONV_2D", 950, 1150), OperatorCost(None, "run", 50, 50)),
)
FIRST = WindowAnswer(0, b"\x80\x00\x7f", 2**32 - 1, 12, PROFILE)
SECOND = WindowAnswer(1, b"\n \r", 8, 4)
THIRD = WindowAnswer(3, b"", 0, 0)
ANSWERS = (FIRST, SECOND, THIRD)


class Killed(BaseException):
    """What ends a bench in its middle."""


@contextmanager
def killed() -> Iterator[None]:
    with pytest.raises(Killed):
        yield


def fill(path: Path, *answers: WindowAnswer, identity: JournalIdentity = IDENTITY) -> Path:
    """A journal of a bench that was interrupted after `answers`."""
    with killed(), open_journal(path, identity, resume=False) as journal:
        add(journal, *answers)
        raise Killed
    return path


def add(journal: Journal, *answers: WindowAnswer) -> None:
    for answer in answers:
        journal.add(answer)


def parsed(path: Path) -> list[dict[str, Any]]:
    """Every line: eight hexadecimal digits of the CRC-32 of the JSON behind the space."""
    records = []
    *lines, rest = path.read_bytes().split(b"\n")
    assert rest == b""
    for line in lines:
        assert line[8:9] == b" "
        assert int(line[:8], 16) == zlib.crc32(line[9:])
        records.append(json.loads(line[9:]))
    return records


def answered(path: Path, identity: JournalIdentity = IDENTITY) -> dict[int, WindowAnswer]:
    """What a resumed bench finds; it is interrupted again."""
    found = {}
    with killed(), open_journal(path, identity, resume=True) as journal:
        found.update(journal.answered)
        raise Killed
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return fill(tmp_path / "results" / "unfinished.journal", *ANSWERS)


def test_the_file_holds_what_was_answered(path: Path) -> None:
    identity, *records = parsed(path)
    assert identity == {
        "board": "nucleo-l476rg",
        "model_sha256": "a" * 64,
        "build_id": "b" * 64,
        "data_sha256": "c" * 64,
        "windows": 5,
        "emulator": "unicorn",
        "count": 16,
        "timing_model": None,
    }
    assert [
        (record["row"], record["output"], record["ticks"], record["timer_ticks"]) for record in records
    ] == [
        (0, "80007f", 4294967295, 12),
        (1, "0a200d", 8, 4),
        (3, "", 0, 0),
    ]
    profile = records[0]["profile"]
    assert (profile["instructions"], profile["cycles_estimated"]) == (1000, 1200)
    assert profile["by_operator"][1] == {
        "index": None,
        "name": "run",
        "instructions": 50,
        "cycles_estimated": 50,
    }
    assert records[1]["profile"] is None


def test_an_answer_is_in_the_file_before_the_next_window(tmp_path: Path) -> None:
    path = tmp_path / "unfinished.journal"
    with open_journal(path, IDENTITY, resume=False) as journal:
        for number, answer in enumerate(ANSWERS, start=1):
            journal.add(answer)
            assert len(parsed(path)) == 1 + number


def test_answers_survive(path: Path) -> None:
    assert answered(path) == {0: FIRST, 1: SECOND, 3: THIRD}
    assert finished_windows(path) == 3


def test_a_resumed_bench_adds_to_them(path: Path) -> None:
    third = WindowAnswer(2, b"\x01", 3, 3)
    with killed(), open_journal(path, IDENTITY, resume=True) as journal:
        journal.add(third)
        raise Killed
    assert [record["row"] for record in parsed(path)[1:]] == [0, 1, 3, 2]
    assert answered(path) == {0: FIRST, 1: SECOND, 2: third, 3: THIRD}


@pytest.mark.parametrize("cut", [1, 2, 20, 60])
def test_a_last_line_that_was_cut_off_is_dropped(path: Path, cut: int) -> None:
    data = path.read_bytes()
    assert len(data.split(b"\n")[-2]) > 60
    path.write_bytes(data[:-cut])
    assert finished_windows(path) == 2
    assert answered(path) == {0: FIRST, 1: SECOND}
    # It is gone from the file, too: what is added next stands on a line of its own.
    with killed(), open_journal(path, IDENTITY, resume=True) as journal:
        journal.add(THIRD)
        raise Killed
    assert path.read_bytes() == data


def test_nothing_behind_a_damaged_line_is_believed(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    assert b"0a200d" in lines[2]
    path.write_bytes(b"".join([*lines[:2], lines[2].replace(b"0a200d", b"0b200d"), lines[3]]))
    assert finished_windows(path) == 1
    assert answered(path) == {0: FIRST}
    assert [record["row"] for record in parsed(path)[1:]] == [0]


def test_zeros_as_a_power_failure_leaves_them(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(bytes(4096))
    assert answered(path) == {0: FIRST, 1: SECOND, 3: THIRD}


@pytest.mark.parametrize("data", [b"", b"\n", b"00000000 {}\n", b"x" * 300])
def test_a_journal_without_a_first_line(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    assert finished_windows(path) == 0
    with pytest.raises(InputError, match="damaged from its first line on"):
        answered(path)
    assert path.read_bytes() == data


@pytest.mark.parametrize(
    "record",
    [
        {"row": 1},
        {"row": 1, "output": "0g", "ticks": 0, "timer_ticks": 0, "profile": None},
        {"row": 1, "output": "00", "ticks": 0, "timer_ticks": 0, "profile": {"mood": "good"}},
        [],
    ],
)
def test_a_line_of_another_version(path: Path, record: Any) -> None:
    text = json.dumps(record).encode()
    with path.open("ab") as stream:
        stream.write(b"%08x %s\n" % (zlib.crc32(text), text))
    before = path.read_bytes()
    with pytest.raises(InputError, match="no journal of this version"):
        answered(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("board", "disco-f407", "board"),
        ("model_sha256", "d" * 64, "model"),
        ("build_id", "d" * 64, "build"),
        ("data_sha256", "d" * 64, "windows file"),
        ("windows", 6, "number of windows"),
        ("emulator", None, "emulator"),
        ("count", 3, "--count"),
        ("timing_model", "model-v1", "timing model"),
    ],
)
def test_answers_of_another_bench_are_refused(path: Path, field: str, value: Any, named: str) -> None:
    before = path.read_bytes()
    with pytest.raises(InputError) as raised:
        answered(path, IDENTITY.model_copy(update={field: value}))
    old = str(getattr(IDENTITY, field))[:16]
    assert raised.value.message == (
        f"the interrupted bench was of another {named}: {old} in {path}, now {str(value)[:16]}"
    )
    assert "without --resume" in str(raised.value.hint)
    # The right bench can still take it up.
    assert path.read_bytes() == before


def test_every_field_of_the_identity_is_compared() -> None:
    assert set(journal_module._NAMES) == set(JournalIdentity.model_fields)


def test_resume_without_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "unfinished.journal"
    with pytest.raises(InputError, match="no interrupted bench to resume"):
        answered(path)
    assert list(tmp_path.iterdir()) == []
    assert finished_windows(path) == 0


def test_without_resume_an_older_journal_is_replaced(path: Path) -> None:
    with killed(), open_journal(path, IDENTITY, resume=False) as journal:
        assert journal.answered == {}
        raise Killed
    assert len(parsed(path)) == 1


def test_it_is_gone_when_the_bench_has_ended(path: Path) -> None:
    with open_journal(path, IDENTITY, resume=True) as journal:
        journal.add(WindowAnswer(2, b"", 0, 0))
        assert path.exists()
    assert not path.exists()


def test_it_stays_after_any_error(path: Path) -> None:
    with pytest.raises(ValueError, match="in between"), open_journal(path, IDENTITY, resume=True):
        raise ValueError("in between")
    assert len(parsed(path)) == 4


def test_of_a_complete_one_the_last_window_is_asked_again(tmp_path: Path) -> None:
    answers = [WindowAnswer(row, bytes([row]), row, 0) for row in range(5)]
    path = fill(tmp_path / "unfinished.journal", *answers)
    assert sorted(answered(path)) == [0, 1, 2, 3]
    # Interrupted once more, behind that window: its newer answer counts.
    again = WindowAnswer(4, b"\x05", 5, 0)
    with killed(), open_journal(path, IDENTITY, resume=True) as journal:
        journal.add(again)
        assert journal.answered[4] == again
        raise Killed
    assert sorted(answered(path)) == [0, 1, 2, 3]


def test_a_full_disk_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal_module, "_SYNC_INTERVAL_S", 0.0)
    monkeypatch.setattr(journal_module.os, "fsync", refuse)
    with (
        pytest.raises(EnvironmentProblem, match=r"unfinished\.journal: No space left"),
        open_journal(path, IDENTITY, resume=True) as journal,
    ):
        journal.add(WindowAnswer(2, b"", 0, 0))


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    with (
        pytest.raises(EnvironmentProblem, match="cannot write"),
        open_journal(tmp_path / "results" / "unfinished.journal", IDENTITY, resume=False),
    ):
        pass


def test_lines_are_forced_to_the_disk_once_a_second(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    synced: list[float] = []
    monkeypatch.setattr(journal_module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(journal_module.os, "fsync", lambda _: synced.append(now[0]))
    with open_journal(path, IDENTITY, resume=False) as journal:
        journal._synced_s = now[0]
        for _ in range(7):
            now[0] += 0.5
            journal.add(SECOND)
    assert synced == [1001.0, 1002.0, 1003.0]

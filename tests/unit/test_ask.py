"""Running programs of others: whatever they do, an answer comes within the time limit."""

import sys
import time
from pathlib import Path

import pytest

from ppg_deploy.ask import ask, find_program
from tests.support.fake_tools import put_tool


def test_output_and_exit_code(tmp_path: Path) -> None:
    answer = ask([str(put_tool(tmp_path, "tool", "echo one; echo two >&2; exit 3"))])
    assert (answer.exit_code, sorted(answer.output.splitlines())) == (3, ["one", "two"])
    assert answer.problem is None
    assert not answer.succeeded


def test_a_program_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "alive"
    tool = put_tool(tmp_path, "tool", f'(sleep 1; touch "{mark}") &\nsleep 60')
    started = time.monotonic()
    answer = ask([str(tool)], limit_s=0.3)
    assert time.monotonic() - started < 0.9
    assert answer.exit_code is None
    assert answer.problem == "did not end within 0.3 s"
    time.sleep(1.2)
    assert not mark.exists()


def test_a_program_that_prints_for_ever_is_ended(tmp_path: Path) -> None:
    answer = ask(
        [str(put_tool(tmp_path, "tool", "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done"))]
    )
    assert answer.exit_code is None
    assert answer.problem is not None
    assert len(answer.output) <= 256 * 1024


def test_a_program_that_closes_its_output_and_hangs_is_ended(tmp_path: Path) -> None:
    answer = ask([str(put_tool(tmp_path, "tool", "exec >&- 2>&-\nsleep 60"))], limit_s=0.3)
    assert answer.problem == "did not end within 0.3 s"


def test_a_child_left_behind_does_not_hold_up_the_answer(tmp_path: Path) -> None:
    started = time.monotonic()
    answer = ask([str(put_tool(tmp_path, "tool", "sleep 60 &\necho done"))])
    assert time.monotonic() - started < 2
    assert (answer.exit_code, answer.output) == (0, "done")


def test_garbage_becomes_printable() -> None:
    script = r"import sys; sys.stdout.buffer.write(b'\x1b[31m\xff\xfe\x00 version \x07 1\n')"
    answer = ask([sys.executable, "-c", script])
    assert answer.succeeded
    assert answer.output.isprintable()
    assert "version" in answer.output


@pytest.mark.parametrize("content", [None, "not a program", ""])
def test_what_cannot_start_is_an_answer_too(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "tool"
    if content is not None:
        path.write_text(content)
    answer = ask([str(path)])
    assert answer.exit_code is None
    assert answer.problem is not None
    assert answer.problem.startswith("does not start")


def test_lines_come_one_by_one(tmp_path: Path) -> None:
    seen: list[str] = []
    ask([str(put_tool(tmp_path, "tool", "echo a; printf 'b\\nc'"))], on_line=seen.append)
    assert seen == ["a", "b"]


def test_programs_are_found_by_variable_then_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = put_tool(tmp_path / "here", "flasher", "")
    there = put_tool(tmp_path / "there", "other", "")
    monkeypatch.setenv("PATH", str(here.parent))
    assert find_program("flasher", variable="PPG_FLASHER") == str(here)
    monkeypatch.setenv("PPG_FLASHER", str(there))
    assert find_program("flasher", variable="PPG_FLASHER") == str(there)
    assert find_program("no-such-program") is None

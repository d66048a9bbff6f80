"""The Robot Framework suites of emulation/renode, run for real against a program that behaves like Renode."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import REPOSITORY
from tests.support.fake_renode import log_of, put_fake_renode
from tests.support.scripted_firmware import put_firmware

pytest.importorskip("robot", reason="the package robotframework is not installed (extra [dev])")

SUITES = REPOSITORY / "emulation" / "renode"
BOARDS = ("nucleo-l476rg", "b-l475e-iot01a", "nrf52840-dk", "netduinoplus2")


def robot(folder: Path, suite: str, **variables: object) -> subprocess.CompletedProcess[str]:
    options = [word for name, value in variables.items() for word in ("--variable", f"{name}:{value}")]
    return subprocess.run(
        [sys.executable, "-m", "robot", "--outputdir", str(folder / "out"), *options, str(SUITES / suite)],
        capture_output=True,
        text=True,
        timeout=120,
    )


def firmware(folder: Path, board: str, misbehaviour: str = "") -> subprocess.CompletedProcess[str]:
    renode = put_fake_renode(folder / "bin", put_firmware(folder / "device", board, misbehaviour))
    elf = folder / "firmware.elf"
    elf.write_bytes(b"\x7fELF")
    return robot(folder, "firmware.robot", BOARD=board, ELF=elf, RENODE=renode, IDLE_S=0.2)


def test_suites_are_well_formed(tmp_path: Path) -> None:
    """Every keyword exists and takes the arguments that it is given."""
    finished = subprocess.run(
        [sys.executable, "-m", "robot", "--dryrun", "--output", "NONE", str(SUITES)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.mark.parametrize("board", ["nucleo-l476rg", "netduinoplus2"])
def test_firmware_suite_passes_on_a_board_without_problems(tmp_path: Path, board: str) -> None:
    finished = firmware(tmp_path, board)
    assert finished.returncode == 0, finished.stdout
    assert "11 tests, 11 passed" in finished.stdout


# By test cases that fail, of those that do not follow from them.
@pytest.mark.parametrize(
    ("misbehaviour", "message"),
    [
        ("fallback", "start-up problems"),
        ("forgets", "ECHO"),
        ("changes", "the same window gives another answer"),
        ("stuck", "the cycle counter stands still"),
        ("stuck", "restarted by watchdog, not software"),
    ],
)
def test_firmware_suite_fails_on_a_board_that_misbehaves(
    tmp_path: Path, misbehaviour: str, message: str
) -> None:
    finished = firmware(tmp_path, "nucleo-l476rg", misbehaviour)
    assert finished.returncode > 0
    assert message in " ".join(finished.stdout.split())


def test_platform_suite_reads_what_the_stubs_answer(tmp_path: Path) -> None:
    renode = put_fake_renode(tmp_path / "bin")
    finished = robot(tmp_path, "platforms.robot", RENODE=renode)
    assert finished.returncode == 0, finished.stdout
    assert "4 tests, 4 passed" in finished.stdout
    starts = [event for event in log_of(renode) if "process" in event]
    assert len(starts) == len(BOARDS)

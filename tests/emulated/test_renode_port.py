"""The Renode driver, every step and every error, against a program that behaves like Renode (fake_renode.py)."""

import os
import shlex
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ppg_deploy.boards import load_board
from ppg_deploy.errors import DeviceError, EnvironmentProblem, InputError
from ppg_deploy.ports import Connection, EmulatedBoard, emulated_board, open_emulator
from ppg_deploy.ports.renode_port import RenodeStream, open_renode
from ppg_deploy.ports.renode_process import Limits
from tests.support.fake_renode import INSTRUCTIONS_PER_CALL, log_of, put_fake_renode

NUCLEO = emulated_board(load_board("nucleo-l476rg"))
BOOT = b"BOOT\0"
QUICK = Limits(start_s=8.0, command_s=1.5, stop_s=2.0)


@pytest.fixture
def elf(tmp_path: Path) -> Path:
    """In a folder with a space, which Renode's monitor takes for the end of a path."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    path = folder / "firmware.elf"
    path.write_bytes(b"\x7fELF and so on")
    return path


@pytest.fixture
def renode(tmp_path: Path) -> Path:
    """Says BOOT, then sends every byte back."""
    device = tmp_path / "device"
    device.write_text("#!/bin/sh\nprintf 'BOOT\\0'\nexec cat\n")
    device.chmod(device.stat().st_mode | stat.S_IXUSR)
    return put_fake_renode(tmp_path / "bin", device)


Open = Callable[..., Connection]


@pytest.fixture
def start(elf: Path, renode: Path) -> Iterator[Open]:
    opened: list[Connection] = []

    def start(board: EmulatedBoard = NUCLEO, limits: Limits = QUICK) -> Connection:
        opened.append(open_renode(elf, board, program=str(renode), limits=limits))
        return opened[-1]

    yield start
    for connection in opened:
        connection.close()


def test_connection_says_what_it_is(start: Open) -> None:
    connection = start()
    assert connection.source == "renode 1.16.1.20260101 nucleo-l476rg"
    assert connection.emulator == "renode"
    assert connection.ticks_valid
    # PerformanceInMips is the clock in MHz: one tick is one instruction (emulation.md, 6.5).
    assert connection.instructions_per_tick == 1.0


def test_transfers_every_byte_value_and_loses_no_boot_message(start: Open) -> None:
    stream = start().stream
    stream.timeout = 5.0
    assert stream.read(len(BOOT)) == BOOT
    everything = bytes(range(256))
    assert stream.write(everything) == 256
    assert stream.read(256) == everything


def test_read_ends_after_the_timeout(start: Open) -> None:
    stream = start().stream
    stream.timeout = 5.0
    stream.read(len(BOOT))
    stream.timeout = 0.3
    began = time.monotonic()
    assert stream.read(1) == b""
    assert 0.3 <= time.monotonic() - began < 1.5


def test_commands_in_the_order_that_was_tried_by_hand(start: Open, renode: Path) -> None:
    """emulation.md, 6.2 and 6.3: the terminal exists and is connected before the start."""
    start()
    events = log_of(renode)
    lines = [event["arguments"][0] for event in events if event.get("keyword") == "ExecuteCommand"]
    folder = events[0]["folder"]
    assert lines == [
        f"logFile @{folder}/renode.log",
        "logLevel 3",
        'mach create "dut"',
        f"machine LoadPlatformDescription @{folder}/renode.repl",
        "emulation SetGlobalAdvanceImmediately true",
        f'emulation CreateUartPtyTerminal "tty" "{folder}/tty" true',
        "connector Connect sysbus.usart2 tty",
        f"sysbus LoadELF @{folder}/firmware.elf",
        "start",
    ]
    assert " " not in folder


def test_options_and_private_folders(start: Open, renode: Path) -> None:
    start()
    event = log_of(renode)[0]
    folder = event["folder"]
    assert event["arguments"][:-1] == shlex.split(
        f"--config {folder}/config --disable-xwt --plain --hide-log --robot-server-port"
    )
    # Renode deletes folders called renode-* in its folder for temporary files.
    assert event["temporary"] == f"{folder}/tmp"
    assert event["temporary"] != os.environ.get("TMPDIR")
    assert os.getpgid(event["process"]) == event["process"] != os.getpgid(0)


def test_counts_executed_instructions(start: Open) -> None:
    stream = start().stream
    assert isinstance(stream, RenodeStream)
    assert stream.executed_instructions() == INSTRUCTIONS_PER_CALL
    assert stream.executed_instructions() == 2 * INSTRUCTIONS_PER_CALL


def test_close_ends_the_process_and_removes_its_folder(start: Open, renode: Path) -> None:
    connection = start()
    event = log_of(renode)[0]
    connection.close()
    with pytest.raises(ProcessLookupError):
        os.kill(event["process"], 0)
    assert not Path(event["folder"]).exists()
    assert log_of(renode)[-1]["keyword"] == "StopRemoteServer"
    with pytest.raises(DeviceError, match="was closed"):
        connection.stream.read(1)
    connection.close()


def test_close_uses_force_when_asking_is_in_vain(
    start: Open, renode: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_RENODE", "no-stop")
    connection = start()
    began = time.monotonic()
    connection.close()
    assert 1.5 < time.monotonic() - began < 6
    with pytest.raises(ProcessLookupError):
        os.kill(log_of(renode)[0]["process"], 0)


def test_death_while_running_is_reported(start: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_RENODE", "die-later")
    stream = start().stream
    stream.timeout = 5.0
    assert stream.read(len(BOOT)) == BOOT
    with pytest.raises(DeviceError, match=r"exit status 9.*an error of the fake"):
        stream.read(1)


def problem(start: Open, monkeypatch: pytest.MonkeyPatch, failure: str) -> tuple[Exception, float]:
    monkeypatch.setenv("FAKE_RENODE", failure)
    began = time.monotonic()
    with pytest.raises((EnvironmentProblem, DeviceError)) as caught:
        start()
    return caught.value, time.monotonic() - began


def test_death_at_start_shows_what_it_said(start: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    error, _ = problem(start, monkeypatch, "die")
    assert isinstance(error, EnvironmentProblem)
    assert "ended at its start (exit status 3): Fatal error: the fake dies" in str(error)


def test_start_has_a_time_limit(elf: Path, renode: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_RENODE", "hang")
    with pytest.raises(EnvironmentProblem, match="is not ready after 1 s"):
        open_renode(elf, NUCLEO, program=str(renode), limits=Limits(start_s=1.0, stop_s=1.0))
    with pytest.raises(ProcessLookupError):
        os.kill(log_of(renode)[0]["process"], 0)


def test_port_that_another_program_takes(start: Open, renode: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error, _ = problem(start, monkeypatch, "taken")
    assert "found its port in use, 3 times in a row" in str(error)
    ports = [event["arguments"][-1] for event in log_of(renode)]
    assert len(set(ports)) == len(ports) == 3


def test_foreign_server_gets_no_command(start: Open, renode: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error, _ = problem(start, monkeypatch, "foreign")
    assert "port in use" in str(error)
    assert not [event for event in log_of(renode) if "keyword" in event]


@pytest.mark.parametrize("command", ["LoadPlatformDescription", "CreateUartPtyTerminal", "LoadELF", "^start"])
def test_commands_have_a_time_limit(start: Open, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    error, seconds = problem(start, monkeypatch, f"hang:{command}")
    assert "within 1.5 s" in str(error)
    assert command.strip("^") in str(error)
    assert seconds < 10


@pytest.mark.parametrize("command", ["LoadPlatformDescription", "Connect", "LoadELF", "^start"])
def test_refused_commands_are_reported_in_renodes_words(
    start: Open, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    error, _ = problem(start, monkeypatch, f"fail:{command}")
    assert isinstance(error, DeviceError)
    assert "KeywordException: the fake fails at" in str(error)


def test_version_that_cannot_log_to_a_file_is_used_without(
    start: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_RENODE", "fail:logFile")
    stream = start().stream
    stream.timeout = 5.0
    assert stream.read(len(BOOT)) == BOOT


def test_console_that_the_platform_file_does_not_have(start: Open) -> None:
    with pytest.raises(DeviceError, match=r"No such emulation element: sysbus\.usart9"):
        start(replace(NUCLEO, renode_uart="usart9"))


def test_file_that_is_no_firmware(start: Open, elf: Path) -> None:
    elf.write_bytes(b"hello")
    with pytest.raises(DeviceError, match="not an ELF file"):
        start()


def test_relative_path_to_renode(elf: Path, renode: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is started in another folder than the one that the path is relative to."""
    monkeypatch.chdir(renode.parent)
    open_renode(elf, NUCLEO, program="./renode", limits=QUICK).close()


def test_missing_renode(elf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("RENODE", raising=False)
    with pytest.raises(EnvironmentProblem, match="Renode is not installed") as caught:
        open_emulator("renode", elf=elf, board=NUCLEO)
    assert "renode.io" in caught.value.hint
    with pytest.raises(EnvironmentProblem, match="nothere is no program"):
        open_emulator("renode", elf=elf, board=NUCLEO, renode="nothere")


def test_renode_is_found_by_option_variable_and_path(
    elf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(name: str) -> Path:
        return put_fake_renode(tmp_path / name, version=f"Renode v1.14.{len(name)}.0")

    monkeypatch.setenv("PATH", f"{put('path').parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("RENODE", raising=False)
    with pytest.raises(EnvironmentProblem, match=r"version 1\.14\.4\.0; 1\.15 or newer is needed"):
        open_emulator("renode", elf=elf, board=NUCLEO)
    monkeypatch.setenv("RENODE", str(put("variable")))
    with pytest.raises(EnvironmentProblem, match=r"version 1\.14\.8\.0"):
        open_emulator("renode", elf=elf, board=NUCLEO)
    with pytest.raises(EnvironmentProblem, match=r"version 1\.14\.6\.0"):
        open_emulator("renode", elf=elf, board=NUCLEO, renode=str(put("option")))


def test_asking_for_the_version_spares_the_shared_folder(
    elf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "renode"
    script.write_text(f'#!/bin/sh\necho "$TMPDIR" > "{tmp_path}/said"\necho Renode v1.14.0\n')
    script.chmod(0o755)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with pytest.raises(EnvironmentProblem):
        open_emulator("renode", elf=elf, board=NUCLEO, renode=str(script))
    assert (tmp_path / "said").read_text().strip() not in ("", str(tmp_path))


def test_temporary_folder_with_a_space(elf: Path, renode: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(elf.parent))
    with pytest.raises(EnvironmentProblem, match="space in it"):
        open_renode(elf, NUCLEO, program=str(renode))
    assert [path.name for path in elf.parent.iterdir()] == ["firmware.elf"]


def test_board_without_a_model(elf: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="no model of board nucleo-f446re"):
        open_emulator("renode", elf=elf, board=emulated_board(load_board("nucleo-f446re")))
    with pytest.raises(EnvironmentProblem, match=r"there is no renode\.repl beside its board\.toml"):
        open_emulator("renode", elf=elf, board=replace(NUCLEO, renode_platform=None))


def test_missing_firmware(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no firmware .*nothing\.elf"):
        open_emulator("renode", elf=tmp_path / "nothing.elf", board=NUCLEO)

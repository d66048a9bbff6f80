"""The doctor on machines that lack things, or whose tools hang or print garbage."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from ppg_deploy.boards import list_boards, load_board
from ppg_deploy.doctor import Diagnosis, Finding, Level, diagnose
from ppg_deploy.doctor import connected as connected_checks
from ppg_deploy.doctor.compiler import check_gcc, check_newlib
from ppg_deploy.doctor.connected import check_ports, check_probes
from ppg_deploy.doctor.emulators import check_qemu, check_renode
from ppg_deploy.doctor.flashers import check_flashers
from ppg_deploy.ports.usb import PortInfo, UsbDevice, usb_devices
from tests.support.commands import ppg_deploy
from tests.support.fake_tools import HANG, path_with, put_tool

KNOWN = list_boards()
NUCLEO = load_board("nucleo-l476rg")
GARBAGE = "printf '\\033[31m\\377\\376 nonsense \\001\\n'"
GCC_12 = (
    'case "$1" in -dumpfullversion) echo 12.2.1;; -print-file-name=*) echo "$0";; '
    '*) echo "arm-none-eabi-gcc 12.2.1";; esac'
)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """PATH with one folder of stand-ins and what a shell script needs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sleep", "printf"):
        program = shutil.which(name)
        assert program is not None
        (folder / name).symlink_to(program)
    monkeypatch.setenv("PATH", str(folder))
    for variable in ("PPG_ARM_GCC_PREFIX", "PPG_OPENOCD", "RENODE"):
        monkeypatch.delenv(variable, raising=False)
    return folder


def one(findings: tuple[Finding, ...], check: str) -> Finding:
    return next(finding for finding in findings if finding.check == check)


def test_a_good_compiler(tools: Path) -> None:
    put_tool(tools, "arm-none-eabi-gcc", GCC_12)
    assert (check_gcc().level, check_newlib().level) == (Level.OK, Level.OK)
    assert "12.2.1" in check_gcc().found


def test_a_compiler_of_another_version_is_a_warning(tools: Path) -> None:
    put_tool(tools, "arm-none-eabi-gcc", "echo 9.3.1")
    assert check_gcc().level is Level.WARNING
    assert "9.3.1" in check_gcc().found


def test_no_compiler_is_an_error_with_the_package(tools: Path) -> None:
    assert not (tools / "arm-none-eabi-gcc").exists()
    finding = check_gcc()
    assert finding.level is Level.ERROR
    assert "gcc-arm-none-eabi" in (finding.hint or "")
    assert check_newlib().level is Level.ERROR


def test_a_compiler_without_newlib(tools: Path) -> None:
    # gcc prints the bare name of a file that it does not find
    put_tool(tools, "arm-none-eabi-gcc", "echo nano.specs")
    assert check_newlib().level is Level.ERROR


@pytest.mark.parametrize("script", [GARBAGE, "exit 1", "kill -9 $$"])
def test_a_compiler_that_talks_nonsense(tools: Path, script: str) -> None:
    put_tool(tools, "arm-none-eabi-gcc", script)
    finding = check_gcc()
    assert finding.level is Level.ERROR
    assert finding.found.isprintable()


def test_flashers_of_a_board(tools: Path) -> None:
    findings = check_flashers(NUCLEO, KNOWN)
    default = one(findings, "stlink (default)")
    assert default.level is Level.ERROR
    assert "apt-get install openocd" in (default.hint or "")
    assert "--method mbed" in (default.hint or "")
    assert one(findings, "cmsis-dap").level is Level.WARNING
    assert one(findings, "mbed").level is Level.OK
    put_tool(tools, "openocd", 'echo "Open On-Chip Debugger 0.12.0" >&2')
    findings = check_flashers(NUCLEO, KNOWN)
    assert one(findings, "stlink (default)").level is Level.OK
    assert "0.12.0" in one(findings, "stlink (default)").found


def test_flashers_without_a_board_are_no_errors(tools: Path) -> None:
    assert tools.is_dir()
    findings = check_flashers(None, KNOWN)
    assert {"stlink", "jlink", "nrfjprog", "bossac", "pyocd"} <= {finding.check for finding in findings}
    assert Level.ERROR not in {finding.level for finding in findings}


def test_qemu_with_and_without_a_boards_machine(tools: Path) -> None:
    put_tool(
        tools,
        "qemu-system-arm",
        'case "$1" in --version) echo "QEMU emulator version 7.2.22 (Debian)";; '
        '*) echo "Supported machines are:"; echo "netduinoplus2        Netduino Plus 2 Machine (Cortex-M4)";; esac',
    )
    ok = check_qemu(load_board("netduinoplus2"), KNOWN)
    assert ok.level is Level.OK
    assert "7.2.22" in ok.found
    lacking = check_qemu(load_board("b-l475e-iot01a"), KNOWN)
    assert lacking.level is Level.WARNING
    assert "b-l475e-iot01a" in lacking.found


@pytest.mark.parametrize(
    ("version", "level"), [("Renode v1.16.1.1", Level.OK), ("Renode, version 1.14.0", Level.WARNING)]
)
def test_renode_by_path_variable_and_option(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, level: Level
) -> None:
    assert check_renode(None).level is Level.OK
    assert "not installed" in check_renode(None).found
    put_tool(tools, "renode", f'echo "{version}"')
    assert check_renode(None).level is level
    elsewhere = put_tool(tmp_path / "opt", "renode", "echo Renode 1.15.3")
    assert "1.15.3" in check_renode(str(elsewhere)).found
    monkeypatch.setenv("RENODE", str(tmp_path / "missing"))
    assert check_renode(None).level is Level.WARNING


def test_tools_that_hang_cost_5_s_each_at_most(tools: Path) -> None:
    put_tool(tools, "renode", HANG)
    started = time.monotonic()
    finding = check_renode(None)
    assert 4 < time.monotonic() - started < 7
    assert finding.level is Level.WARNING
    assert "did not end within 5 s" in finding.found


def usb_folder(root: Path, name: str, **facts: str) -> None:
    (root / name).mkdir(parents=True)
    for fact, text in facts.items():
        (root / name / fact).write_text(text + "\n")


def test_usb_devices_as_linux_lists_them(tmp_path: Path) -> None:
    usb_folder(
        tmp_path,
        "1-2",
        idVendor="0483",
        idProduct="374b",
        busnum="1",
        devnum="7",
        serial="0669FF01",
        product="STM32 STLink",
    )
    usb_folder(tmp_path, "1-2:1.0", bInterfaceClass="08")
    usb_folder(tmp_path, "1-3", idVendor="zzzz", idProduct="374b", busnum="1", devnum="8")
    devices = usb_devices(tmp_path, Path("/dev/bus/usb"))
    assert devices == (UsbDevice(0x0483, 0x374B, "0669FF01", "STM32 STLink", Path("/dev/bus/usb/001/007")),)
    assert usb_devices(tmp_path / "missing") is None


def test_probes_and_the_right_to_use_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = tmp_path / "node"
    node.touch()
    stlink = UsbDevice(0x0483, 0x374B, "0669FF01", "STM32 STLink", node)
    gadget = UsbDevice(0x0483, 0x5740, "1", "a serial gadget by ST's id, no probe", node)
    monkeypatch.setattr(connected_checks, "usb_devices", lambda: (stlink, gadget))
    (finding,) = check_probes(NUCLEO, KNOWN)
    assert finding.level is Level.OK
    assert "0669FF01" in finding.found
    assert "nucleo-l476rg" in finding.found
    assert "nrf52840-dk" not in finding.found
    monkeypatch.setattr(os, "access", lambda *_: False)
    (finding,) = check_probes(NUCLEO, KNOWN)
    assert finding.level is Level.ERROR
    assert "udev" in (finding.hint or "")
    (finding,) = check_probes(load_board("nrf52840-dk"), KNOWN)
    assert finding.level is Level.WARNING


def test_ports_and_the_right_to_open_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = tmp_path / "ttyACM0"
    device.touch()
    port = PortInfo(str(device), "STM32 STLink", 0x0483, 0x374B, "0669FF01")
    plain = PortInfo("/dev/ttyS0", "ttyS0", None, None, None)
    monkeypatch.setattr(connected_checks, "serial_ports", lambda: (plain, port))
    (finding,) = check_ports(NUCLEO, KNOWN)
    assert finding.level is Level.OK
    assert "nucleo-l476rg" in finding.found
    monkeypatch.setattr(os, "access", lambda *_: False)
    (finding,) = check_ports(NUCLEO, KNOWN)
    assert finding.level is Level.ERROR
    assert "usermod -aG" in (finding.hint or "") or "you are in group" in (finding.hint or "")
    monkeypatch.setattr(connected_checks, "serial_ports", lambda: (plain,))
    (finding,) = check_ports(NUCLEO, KNOWN)
    assert (finding.level, "plug it in" in (finding.hint or "")) == (Level.WARNING, True)
    (finding,) = check_ports(load_board("netduinoplus2"), KNOWN)
    assert "PA9" in finding.found


def test_a_diagnosis_is_unhealthy_by_its_errors_only() -> None:
    def diagnosis(level: Level) -> Diagnosis:
        return Diagnosis(board=None, findings=(Finding(group="g", check="c", level=level, found="f"),))

    assert [diagnosis(level).healthy for level in Level] == [True, True, False]


def test_everything_hangs_or_talks_nonsense_and_the_doctor_still_answers(tools: Path) -> None:
    for name in ("openocd", "qemu-system-arm", "pyocd", "renode", "arm-none-eabi-gcc", "arm-none-eabi-g++"):
        put_tool(tools, name, GARBAGE)
    findings = diagnose(NUCLEO, KNOWN).findings
    assert one(findings, "gcc").level is Level.ERROR
    assert one(findings, "PlatformIO").level is Level.OK
    assert one(findings, "QEMU").level is Level.WARNING
    assert all(finding.found.isprintable() for finding in findings)


def test_exit_codes_and_json(tmp_path: Path) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    tools = tmp_path / "bin"
    put_tool(tools, "openocd", 'echo "Open On-Chip Debugger 0.12.0"')
    environment = {"PATH": path_with(tools)}
    healthy = ppg_deploy("doctor", "--board", "nucleo-l4", "--json", folder=tmp_path, environment=environment)
    assert healthy.returncode == 0, healthy.stderr
    report = json.loads(healthy.stdout)
    assert report["board"] == "nucleo-l476rg"
    assert {finding["level"] for finding in report["findings"]} <= {"ok", "warning"}
    unhealthy = ppg_deploy(
        "doctor",
        "--board",
        "nucleo-l4",
        folder=tmp_path,
        environment={**environment, "PPG_ARM_GCC_PREFIX": "no-"},
    )
    assert unhealthy.returncode == 1
    assert "no-gcc was not found" in unhealthy.stderr
    assert "hint: sudo apt-get install gcc-arm-none-eabi" in unhealthy.stderr

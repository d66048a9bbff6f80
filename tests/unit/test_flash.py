"""Flashing with stand-ins for the flashers: what they are called with, and every way in which they fail."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_model import fake_model

from ppg_deploy.boards import Board, load_board
from ppg_deploy.building import BuildResult, build_firmware
from ppg_deploy.errors import DeviceError, EnvironmentProblem, InputError
from ppg_deploy.flash import flash_firmware
from ppg_deploy.flash.methods import METHODS
from ppg_deploy.flash.probe import check_unambiguous
from ppg_deploy.ports import find
from ppg_deploy.ports.usb import PortInfo, UsbDevice
from ppg_deploy.project import render_project
from tests.support.commands import ppg_deploy, succeeded
from tests.support.fake_tools import (
    HANG,
    NO_PROBE,
    OPENOCD_PROBE_IS_THERE,
    OPENOCD_VERIFIED,
    OPENOCD_VERIFY_FAILED,
    calls,
    path_with,
    put_tool,
)

pytestmark = [
    pytest.mark.arm,
    pytest.mark.skipif(
        shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"
    ),
]

NUCLEO = load_board("nucleo-l476rg")
IMAGE = ".pio/flash/firmware"


def every_method(board: Board) -> Board:
    """The board with every method there is."""
    return board.model_copy(
        update={"flashing": board.flashing.model_copy(update={"methods": tuple(METHODS)})}
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuildResult:
    folder = tmp_path_factory.mktemp("a folder with spaces") / "firmware"
    return build_firmware(render_project(board=NUCLEO, model=fake_model(), folder=folder))


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in front of PATH, where stand-ins go."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", path_with(folder))
    monkeypatch.delenv("PPG_OPENOCD", raising=False)
    return folder


def test_openocd_writes_the_checked_image_and_verifies(built: BuildResult, tools: Path) -> None:
    put_tool(tools, "openocd", OPENOCD_PROBE_IS_THERE + OPENOCD_VERIFIED)
    said: list[str] = []
    result = flash_firmware(built.elf.parent, NUCLEO, probe_serial="0669FF01", say=said.append)
    assert (result.method, result.verified) == ("stlink", "Verified OK")
    assert (result.build_id, result.elf_sha256) == (built.build_id, built.elf_sha256)
    probe, write = calls(tools, "openocd")
    for call in (probe, write):
        assert "-f interface/stlink.cfg -c transport select hla_swd" in call
        assert "-c adapter serial 0669FF01" in call
        assert "-f target/stm32l4x.cfg" in call
    assert probe.endswith("-c init; shutdown")
    assert write.endswith(f"-c program {{{IMAGE}.elf}} verify reset; shutdown;")
    assert (built.elf.parent / f"{IMAGE}.elf").read_bytes() == built.elf.read_bytes()
    assert "** Programming Started **" in said
    assert not any("AVAILABLE" in line for line in said)


def test_the_build_stays_as_it_is(built: BuildResult, tools: Path) -> None:
    put_tool(tools, "openocd", OPENOCD_PROBE_IS_THERE + OPENOCD_VERIFIED)
    objects = built.elf.parent / ".pio" / "build" / "nucleo_l476rg" / "src"
    before = {path: path.stat().st_mtime_ns for path in objects.rglob("*.o")}
    assert before
    flash_firmware(built.elf.parent, NUCLEO)
    assert {path: path.stat().st_mtime_ns for path in objects.rglob("*.o")} == before


# What the tools print: st-flash 1.7.0 and pyOCD 0.46.0 from their own code, the others from documentation.
STAND_INS = {
    "pyocd": {
        "pyocd": 'case "$1" in json) echo \'{"boards": [{"unique_id": "0669FF01"}]}\';; '
        'commander) echo "All 4096 bytes match.";; esac'
    },
    "nrfjprog": {"nrfjprog": 'case "$1" in --ids) echo 683123456;; *) echo "Verified OK.";; esac'},
    "jlink": {
        "JLinkExe": 'case "$*" in *-device*) echo "Verify successful.";; '
        '*) echo "J-Link[0]: Connection: USB, Serial number: 683123456, ProductName: J-Link OB";; esac'
    },
    "st-flash": {
        "st-info": 'echo "Found 1 stlink programmers"; echo "  serial:     0669FF01"',
        "st-flash": 'echo "INFO common.c: Flash written and verified! jolly good!"',
    },
    "cmsis-dap": {"openocd": OPENOCD_PROBE_IS_THERE + OPENOCD_VERIFIED},
    "jlink-openocd": {"openocd": OPENOCD_PROBE_IS_THERE + OPENOCD_VERIFIED},
}
WRITTEN = {
    "pyocd": (
        f"flash --no-wait -t stm32l476rgtx -u 0669FF01 {IMAGE}.hex",
        f'commander --no-wait -t stm32l476rgtx -u 0669FF01 -c compare 0x08000000 "{IMAGE}.bin" -c reset',
    ),
    "nrfjprog": (f"-f NRF52 --program {IMAGE}.hex --sectorerase --verify --reset --snr 000683123456",),
    "jlink": (
        "-device STM32L476RG -if SWD -speed 4000 -autoconnect 1 -ExitOnError 1 -NoGui 1 -USB 000683123456 "
        "-CommandFile",
    ),
    "st-flash": (f"--serial 0669FF01 --reset write {IMAGE}.bin 0x08000000",),
    "cmsis-dap": ("-d1 -f interface/cmsis-dap.cfg -c transport select swd -c adapter serial 0669FF01",),
    "jlink-openocd": ("-d1 -f interface/jlink.cfg -c transport select swd -c adapter serial 000683123456",),
}


@pytest.mark.parametrize("method", STAND_INS)
def test_what_each_tool_is_called_with(built: BuildResult, tools: Path, method: str) -> None:
    for name, script in STAND_INS[method].items():
        put_tool(tools, name, script)
    serial = "000683123456" if method in ("nrfjprog", "jlink", "jlink-openocd") else "0669FF01"
    result = flash_firmware(built.elf.parent, every_method(NUCLEO), method=method, probe_serial=serial)
    assert result.method == method
    assert result.verified
    made = calls(tools, METHODS[method].programs[0])
    for expected in WRITTEN[method]:
        assert any(call.startswith(expected) for call in made), made


def test_bin_and_hex_are_made_from_the_checked_elf(built: BuildResult, tools: Path) -> None:
    """A firmware.bin that somebody changed is never written."""
    for name, script in STAND_INS["st-flash"].items():
        put_tool(tools, name, script)
    folder = built.elf.parent
    image = folder / "firmware.bin"
    right = image.read_bytes()
    image.write_bytes(b"changed")
    (folder / f"{IMAGE}.bin").write_bytes(b"old")
    try:
        flash_firmware(folder, every_method(NUCLEO), method="st-flash")
    finally:
        image.write_bytes(right)
    assert (folder / f"{IMAGE}.bin").read_bytes() == right


def test_copying_to_the_disk_of_a_probe(built: BuildResult, tmp_path: Path) -> None:
    disk = tmp_path / "NODE_L476RG"
    disk.mkdir()
    result = flash_firmware(built.elf.parent, NUCLEO, method="mbed", port=str(disk))
    assert result.verified is None
    assert (disk / "firmware.bin").read_bytes() == (built.elf.parent / "firmware.bin").read_bytes()


def test_bossac_writes_through_the_bootloaders_port(
    built: BuildResult, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = PortInfo("/dev/ttyACM7", "Arduino Nano 33 BLE", 0x2341, 0x005A, "9F2A")
    monkeypatch.setattr(find, "serial_ports", lambda: (port,))
    put_tool(tools, "bossac", "echo 'Done in 0.1 seconds'")
    board = every_method(NUCLEO).model_copy(update={"bootloader": load_board("nano33ble").bootloader})
    result = flash_firmware(built.elf.parent, board, method="bossac")
    assert (result.port, result.verified) == ("/dev/ttyACM7", None)
    assert calls(tools, "bossac") == [f"--port=/dev/ttyACM7 -U -i -e -w {IMAGE}.bin -R"]


def test_a_missing_probe_is_reported_within_10_s(built: BuildResult, tools: Path) -> None:
    put_tool(tools, "openocd", NO_PROBE)
    started = time.monotonic()
    with pytest.raises(DeviceError, match=r"no probe .* by stlink .*open failed") as caught:
        flash_firmware(built.elf.parent, NUCLEO)
    assert time.monotonic() - started < 10
    for alternative in ("--method cmsis-dap", "--method mbed", "--method pyocd"):
        assert alternative in caught.value.hint
    assert len(calls(tools, "openocd")) == 1


def test_a_tool_that_hangs_for_its_probe_is_reported_within_10_s(built: BuildResult, tools: Path) -> None:
    put_tool(tools, "openocd", HANG)
    started = time.monotonic()
    with pytest.raises(DeviceError, match=r"by stlink: openocd did not end within") as caught:
        flash_firmware(built.elf.parent, NUCLEO)
    assert time.monotonic() - started < 10
    assert "--method mbed" in caught.value.hint


def test_a_probe_with_another_serial_number(built: BuildResult, tools: Path) -> None:
    for name, script in STAND_INS["st-flash"].items():
        put_tool(tools, name, script)
    with pytest.raises(DeviceError, match=r"serial number 0669FF02 .*lists 0669FF01"):
        flash_firmware(built.elf.parent, every_method(NUCLEO), method="st-flash", probe_serial="0669FF02")
    assert calls(tools, "st-flash") == []


def test_a_tool_that_hangs_while_writing_is_ended(built: BuildResult, tools: Path) -> None:
    put_tool(tools, "openocd", OPENOCD_PROBE_IS_THERE + HANG)
    started = time.monotonic()
    with pytest.raises(DeviceError, match=r"was given up: openocd did not end within 4 s"):
        flash_firmware(built.elf.parent, NUCLEO, limit_s=4.0)
    assert time.monotonic() - started < 8


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        (OPENOCD_VERIFY_FAILED, DeviceError, "does not hold what stlink wrote: Error: checksum mismatch"),
        ("exit 0", DeviceError, "ended without an error, but did not verify"),
        (
            'echo "Error: init mode failed (unable to connect to the target)"; exit 1',
            DeviceError,
            "the probe answers, but not the chip",
        ),
        (
            'echo "Error: libusb_open() failed with LIBUSB_ERROR_ACCESS"; echo "Error: open failed"; exit 1',
            EnvironmentProblem,
            "no permission to use the probe",
        ),
        (
            'echo "target/stm32l4x.cfg:1: Error: Can\'t find target/stm32l4x.cfg"; exit 1',
            EnvironmentProblem,
            "OpenOCD does not know board nucleo-l476rg",
        ),
        ('echo "Segmentation fault"; exit 139', DeviceError, "by stlink failed"),
    ],
)
def test_failures_while_writing(
    built: BuildResult, tools: Path, script: str, error: type[Exception], message: str
) -> None:
    put_tool(tools, "openocd", OPENOCD_PROBE_IS_THERE + script)
    with pytest.raises(error, match=message):
        flash_firmware(built.elf.parent, NUCLEO)


def test_a_missing_program_is_named_with_its_package(
    built: BuildResult, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gcc = shutil.which("arm-none-eabi-gcc")
    assert gcc is not None
    (tools / "arm-none-eabi-gcc").symlink_to(gcc)
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(EnvironmentProblem, match="by stlink needs openocd") as caught:
        flash_firmware(built.elf.parent, NUCLEO)
    assert "apt-get install openocd" in caught.value.hint
    assert "--method mbed" in caught.value.hint


def test_another_image_than_the_recorded_one_is_never_flashed(built: BuildResult, tools: Path) -> None:
    put_tool(tools, "openocd", OPENOCD_PROBE_IS_THERE + OPENOCD_VERIFIED)
    right = built.elf.read_bytes()
    built.elf.write_bytes(right[:-1] + bytes([right[-1] ^ 1]))
    try:
        with pytest.raises(InputError, match="does not belong to the sources"):
            flash_firmware(built.elf.parent, NUCLEO)
    finally:
        built.elf.write_bytes(right)
    assert calls(tools, "openocd") == []


def test_the_image_of_another_board_is_never_flashed(built: BuildResult, tools: Path) -> None:
    put_tool(tools, "openocd", OPENOCD_PROBE_IS_THERE + OPENOCD_VERIFIED)
    with pytest.raises(InputError, match="was built for board nucleo-l476rg, not netduinoplus2"):
        flash_firmware(built.elf.parent, load_board("netduinoplus2"))
    assert calls(tools, "openocd") == []


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("nrfjprog", "is not flashed by 'nrfjprog'"),
        ("custom", "a flasher of your own"),
    ],
)
def test_methods_that_the_board_does_not_have(built: BuildResult, method: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        flash_firmware(built.elf.parent, NUCLEO, method=method)


def test_a_serial_number_cannot_carry_commands(built: BuildResult) -> None:
    with pytest.raises(InputError, match="is not a serial number"):
        flash_firmware(built.elf.parent, NUCLEO, probe_serial='0; shutdown"; rm -rf x')


def test_a_tool_is_not_left_to_choose_among_probes() -> None:
    one, two = (
        UsbDevice(0x0483, 0x374B, f"0669FF0{number}", "STM32 STLink", Path(f"/dev/bus/usb/001/00{number}"))
        for number in (1, 2)
    )
    keyboard = UsbDevice(0x046D, 0xC31C, None, "Keyboard", Path("/dev/bus/usb/001/009"))
    check_unambiguous(METHODS["stlink"], None, [one, keyboard])
    check_unambiguous(METHODS["stlink"], "0669FF02", [one, two])
    check_unambiguous(METHODS["jlink"], None, [one, two])
    with pytest.raises(InputError, match=r"0669FF01.*0669FF02"):
        check_unambiguous(METHODS["stlink"], None, [one, two, keyboard])


def test_on_the_command_line(built: BuildResult, tools: Path) -> None:
    put_tool(tools, "openocd", OPENOCD_PROBE_IS_THERE + OPENOCD_VERIFIED)
    folder = built.elf.parent.parent
    result = succeeded(ppg_deploy("flash", "--out", ".", "--json", folder=folder))
    report = json.loads(result.stdout)
    assert (report["method"], report["verified"], report["build_id"]) == (
        "stlink",
        "Verified OK",
        built.build_id,
    )
    put_tool(tools, "openocd", NO_PROBE)
    started = time.monotonic()
    failed = ppg_deploy("flash", "--out", ".", folder=folder)
    assert time.monotonic() - started < 10
    assert failed.returncode == 5
    assert "no probe" in failed.stderr
    assert "hint:" in failed.stderr
    assert ppg_deploy("flash", "--out", ".", "--method", "nrfjprog", folder=folder).returncode == 2

"""Flashing nRF52 boards with stand-ins for tools and ports: what the tools are called with, and the bootloader."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fake_model import fake_model

from ppg_deploy.boards import load_board
from ppg_deploy.building import build_firmware
from ppg_deploy.building.platformio import clean_environment, core_folder
from ppg_deploy.errors import DeviceError
from ppg_deploy.flash import flash_firmware
from ppg_deploy.project import render_project
from tests.support.fake_ports import FakePorts, port
from tests.support.fake_tools import (
    OPENOCD_PROBE_IS_THERE,
    OPENOCD_VERIFIED,
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

NANO = load_board("arduino-nano33ble")
IMAGE = ".pio/flash/firmware"
BOOTLOADER = port("/dev/ttyNONE0", 0x2341, 0x005A)
SKETCH = port("/dev/ttyNONE1", 0x2341, 0x805A)
SOMEBODY_ELSE = port("/dev/ttyNONE2", 0x0483, 0x374B)
BOSSAC = f"--port=/dev/ttyNONE0 -U -i -e -w {IMAGE}.bin -R"


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nano") / "firmware"
    return build_firmware(render_project(board=NANO, model=fake_model(), folder=folder)).elf.parent


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    put_tool(folder, "bossac", "echo Done")
    monkeypatch.setenv("PATH", path_with(folder))
    monkeypatch.delenv("PPG_OPENOCD", raising=False)
    return folder


@pytest.fixture
def ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePorts:
    fake = FakePorts(tmp_path / "ports")
    fake.plug_in(SOMEBODY_ELSE)
    monkeypatch.setenv("PYTHONPATH", f"{fake.folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setattr("serial.tools.list_ports.comports", fake.load()["comports"])
    return fake


def test_a_running_bootloader_is_written_at_once(firmware: Path, tools: Path, ports: FakePorts) -> None:
    ports.plug_in(SOMEBODY_ELSE, BOOTLOADER)
    result = flash_firmware(firmware, NANO)
    assert (result.method, result.port, result.verified) == ("bossac", "/dev/ttyNONE0", None)
    assert calls(tools, "bossac") == [BOSSAC]
    assert ports.opened() == []


def test_a_sketch_is_asked_at_1200_baud(firmware: Path, tools: Path, ports: FakePorts) -> None:
    ports.plug_in(SOMEBODY_ELSE, SKETCH)
    ports.after_opening(SOMEBODY_ELSE, BOOTLOADER)
    flash_firmware(firmware, NANO)
    assert ports.opened() == ["/dev/ttyNONE1 1200"]
    assert calls(tools, "bossac") == [BOSSAC]


def test_without_a_bootloader_the_user_is_told_about_the_button(
    firmware: Path, tools: Path, ports: FakePorts
) -> None:
    with pytest.raises(DeviceError, match="no serial port looks like the bootloader") as caught:
        flash_firmware(firmware, NANO)
    assert "RESET button twice" in caught.value.hint
    assert calls(tools, "bossac") == []
    assert ports.opened() == []


def pio_upload(firmware: Path) -> subprocess.CompletedProcess[str]:
    """`pio run -t upload` as somebody with plain PlatformIO would."""
    command = [sys.executable, "-m", "platformio", "run", "-d", str(firmware), "-t", "upload"]
    environment = clean_environment(core_folder(firmware), os.environ)
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_plain_platformio_finds_the_bootloader(firmware: Path, tools: Path, ports: FakePorts) -> None:
    ports.plug_in(SOMEBODY_ELSE, BOOTLOADER)
    result = pio_upload(firmware)
    assert result.returncode == 0, result.stdout + result.stderr
    (call,) = calls(tools, "bossac")
    assert call.startswith("--port=/dev/ttyNONE0 -U -i -e -w ")
    assert "--offset" not in call  # the bootloader would add the image's address twice


def test_plain_platformio_never_writes_to_another_port(firmware: Path, tools: Path, ports: FakePorts) -> None:
    result = pio_upload(firmware)
    assert result.returncode != 0
    assert "No device found on USB as 2341:005a: tap RESET twice" in result.stderr
    assert calls(tools, "bossac") == []
    assert ports.opened() == []


STAND_INS = {
    "jlink": (
        "JLinkExe",
        'case "$*" in *-device*) echo "Verify successful."; cat "$(echo "$*" | sed "s/.*-CommandFile //")" '
        '>> "$0.script";; *) echo "J-Link[0]: Connection: USB, Serial number: 683123456";; esac',
        "-device nRF52840_xxAA -if SWD -speed 4000 -autoconnect 1 -ExitOnError 1 -NoGui 1 -CommandFile",
    ),
    "nrfjprog": (
        "nrfjprog",
        'case "$1" in --ids) echo 683123456;; *) echo "Verified OK.";; esac',
        f"-f NRF52 --program {IMAGE}.hex --sectorerase --verify --reset",
    ),
    "pyocd": (
        "pyocd",
        'case "$1" in json) echo \'{"boards": [{"unique_id": "0669FF01"}]}\';; '
        'commander) echo "All 4096 bytes match.";; esac',
        f"flash --no-wait -t nrf52840 -O auto_unlock=false {IMAGE}.hex",
    ),
    "cmsis-dap": (
        "openocd",
        OPENOCD_PROBE_IS_THERE + OPENOCD_VERIFIED,
        "-d1 -f interface/cmsis-dap.cfg -c transport select swd -f target/nrf52.cfg -c program "
        f"{{{IMAGE}.elf}} verify reset; shutdown;",
    ),
}


@pytest.mark.parametrize("method", STAND_INS)
def test_probes_leave_the_bootloader_alone(firmware: Path, tools: Path, method: str) -> None:
    """No tool is told to erase the whole chip, and the image's own address is used."""
    name, script, expected = STAND_INS[method]
    put_tool(tools, name, script)
    result = flash_firmware(firmware, NANO, method=method)
    assert result.verified
    written = [call for call in calls(tools, name) if call.startswith(expected)]
    assert len(written) == 1, calls(tools, name)
    assert not any(
        word in call for call in calls(tools, name) for word in ("eraseall", "chiperase", "recover")
    )
    if method == "jlink":
        commands = (tools / "JLinkExe.script").read_text()
        assert f'loadfile "{firmware}/{IMAGE}.hex"' in commands
        assert f'verifybin "{firmware}/{IMAGE}.bin", 0x00010000' in commands
    if method == "pyocd":
        assert any("compare 0x00010000" in call for call in calls(tools, name))


@pytest.mark.parametrize(
    ("method", "name", "script"),
    [
        pytest.param(
            "cmsis-dap",
            "openocd",
            'echo "Warn: nRF52 device has AP lock engaged (see UICR APPROTECT register)."; exit 1',
            id="openocd",
        ),
        pytest.param(
            "pyocd",
            "pyocd",
            'case "$1" in json) echo \'{"boards": [{"unique_id": "0669FF01"}]}\';; '
            '*) echo "NRF52840 APPROTECT enabled: not automatically unlocking"; exit 1;; esac',
            id="pyocd",
        ),
    ],
)
def test_a_protected_chip_is_named_and_not_erased(
    firmware: Path, tools: Path, method: str, name: str, script: str
) -> None:
    put_tool(tools, name, script)
    with pytest.raises(DeviceError, match="is protected against debugging") as caught:
        flash_firmware(firmware, NANO, method=method)
    assert "erases the whole chip" in caught.value.hint


def test_the_image_begins_behind_the_bootloader(firmware: Path) -> None:
    """Intel HEX: an extended segment address of 0x1000 paragraphs of 16 bytes, then data at its beginning."""
    first, second = (firmware / "firmware.hex").read_text().splitlines()[:2]
    assert (first, second[:9]) == (":020000021000EC", ":10000000")
    image = (firmware / "firmware.bin").read_bytes()
    stack, reset = (int.from_bytes(image[at : at + 4], "little") for at in (0, 4))
    assert 0x2000_0000 < stack <= 0x2004_0000
    assert 0x1_0000 < reset < 0x1_0000 + len(image)

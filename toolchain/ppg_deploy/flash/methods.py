"""The ways an image gets onto a chip, by the names that board.toml uses.

What the tools print was looked up in OpenOCD 0.12.0, stlink-tools 1.7.0, bossac 1.9.1 and pyOCD 0.46.0 (their
binaries, run without a probe); nrfjprog and J-Link Commander are from their vendors' documentation and untried.
"""

import re
from dataclasses import dataclass

from ppg_deploy.ask import find_program
from ppg_deploy.boards import Board
from ppg_deploy.errors import EnvironmentProblem, InputError
from ppg_deploy.ports.usb import UsbDevice

ST, SEGGER, ARM, ARDUINO = 0x0483, 0x1366, 0x0D28, 0x2341
"""USB vendor ids of ST-LINK, J-Link, DAPLink and Arduino."""

PROBE_MAKERS = {ST: "ST-LINK", SEGGER: "J-Link", ARM: "DAPLink", ARDUINO: "Arduino bootloader"}

# ST gives its vendor id to every chip with USB. OpenOCD 0.12's interface/stlink.cfg lists 0x3744 to 0x3757.
_STLINK_PRODUCTS = range(0x3744, 0x3758)

OPENOCD_INTERFACES = {"stlink": "stlink", "cmsis-dap": "cmsis-dap", "jlink-openocd": "jlink"}
"""Method -> OpenOCD's file interface/<name>.cfg."""

CUSTOM = "custom"


@dataclass(frozen=True)
class Method:
    """One way to flash.

    Attributes:
        name: as in board.toml.
        title: for people.
        programs: looked for on PATH; the first one writes, the others are asked about probes.
        install: how to get them.
        vendor_ids: USB vendors whose devices can be this method's probe; empty where any can.
        verified: what the tool prints when it has read the flash back and found it right. None: it does not read
            back, and only the build id in the device's answer tells that the image arrived.
    """

    name: str
    title: str
    programs: tuple[str, ...]
    install: str
    vendor_ids: tuple[int, ...]
    verified: re.Pattern[str] | None

    @property
    def variable(self) -> str | None:
        """Environment variable that overrides the program."""
        return "PPG_OPENOCD" if self.name in OPENOCD_INTERFACES else None

    def missing_programs(self) -> tuple[str, ...]:
        """Programs that are not installed."""
        return tuple(name for name in self.programs if find_program(name, variable=self.variable) is None)

    def require_program(self, name: str) -> str:
        """Path of one of `programs`.

        Raises:
            EnvironmentProblem: it is not installed.
        """
        path = find_program(name, variable=self.variable)
        if path is None:
            raise EnvironmentProblem(
                f"flashing by {self.name} needs {name}, which was not found on PATH", hint=self.install
            )
        return path


_OPENOCD = "sudo apt-get install openocd"
_OPENOCD_VERIFIED = re.compile(r"\*\* Verified OK \*\*")

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("stlink", "OpenOCD through an ST-LINK", ("openocd",), _OPENOCD, (ST,), _OPENOCD_VERIFIED),
        Method(
            "cmsis-dap", "OpenOCD through a CMSIS-DAP probe", ("openocd",), _OPENOCD, (), _OPENOCD_VERIFIED
        ),
        Method(
            "jlink-openocd", "OpenOCD through a J-Link", ("openocd",), _OPENOCD, (SEGGER,), _OPENOCD_VERIFIED
        ),
        Method(
            "pyocd",
            "pyOCD through any probe that it knows",
            ("pyocd",),
            "pip install pyocd (chips that it does not have built in need a CMSIS pack: pyocd pack install CHIP)",
            (),
            re.compile(r"All \d+ bytes match"),
        ),
        Method(
            "nrfjprog",
            "nrfjprog through a J-Link",
            ("nrfjprog",),
            "install Nordic's nRF Command Line Tools",
            (SEGGER,),
            re.compile(r"Verified OK|Verify(?:ing)? (?:file|programming).*(?:Done|OK)", re.IGNORECASE),
        ),
        Method(
            "jlink",
            "J-Link Commander",
            ("JLinkExe",),
            "install SEGGER's J-Link software",
            (SEGGER,),
            re.compile(r"Verify successful"),
        ),
        Method(
            "st-flash",
            "st-flash through an ST-LINK",
            ("st-flash", "st-info"),
            "sudo apt-get install stlink-tools",
            (ST,),
            re.compile(r"Flash written and verified"),
        ),
        Method(
            "bossac",
            "bossac through the board's bootloader",
            ("bossac",),
            "sudo apt-get install bossa-cli (for Arduino boards, Arduino's own bossac 1.9.1-arduino2)",
            (ARDUINO,),
            None,
        ),
        Method("mbed", "copying to the probe's disk", (), "", (), None),
        Method(CUSTOM, "a flasher of your own", (), "", (), None),
    )
}


def is_probe(device: UsbDevice, method: Method | None = None) -> bool:
    """Whether a USB device is a debug probe that is known, and one that `method` may use."""
    if method is not None and method.vendor_ids and device.vendor_id not in method.vendor_ids:
        return False
    if device.vendor_id == ST:
        return device.product_id in _STLINK_PRODUCTS
    return device.vendor_id in PROBE_MAKERS


def choose_method(board: Board, name: str | None) -> Method:
    """The method `name`, or the board's default.

    Raises:
        InputError: the board does not offer it, this package does not know it, or it is "custom".
    """
    wanted = name or board.flashing.default_method
    offered = [method for method in board.flashing.methods if method in METHODS and method != CUSTOM]
    if wanted not in board.flashing.methods:
        raise InputError(
            f"board {board.id} is not flashed by {wanted!r}", hint=f"choose one of: {', '.join(offered)}"
        )
    if wanted == CUSTOM:
        raise InputError(
            f"the method custom of board {board.id} means a flasher of your own, which ppg-deploy cannot run",
            hint="write OUT/firmware/firmware.elf with it, then: ppg-deploy bench --no-flash --port PORT",
        )
    if wanted not in METHODS:
        raise InputError(
            f"board {board.id}: flashing.methods: {wanted!r} is no method of ppg-deploy",
            hint=f"use one of: {', '.join(METHODS)}",
        )
    return METHODS[wanted]


def alternatives(board: Board, method: Method) -> str:
    """Other methods of the board, those whose programs are installed first, as words for a hint."""
    others = [
        METHODS[name]
        for name in board.flashing.methods
        if name in METHODS and name not in (method.name, CUSTOM)
    ]
    ready = [f"--method {other.name}" for other in others if not other.missing_programs()]
    absent = [
        f"--method {other.name} (needs {', '.join(other.missing_programs())})"
        for other in others
        if other.missing_programs()
    ]
    listed = ", ".join([*ready, *absent])
    return f"other methods: {listed}" if listed else "the board has no other method"

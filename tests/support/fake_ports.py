"""Serial ports that are not there, for this process and for those that it starts.

A started Python imports the `sitecustomize` module written here. Opening a port is recorded, and changes which ports
there are: so boards enter their bootloader.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SITE = """
import json
from pathlib import Path
from types import SimpleNamespace

import serial
import serial.tools.list_ports

FOLDER = Path({folder!r})


def comports(include_links=False):
    listed = json.loads((FOLDER / "ports.json").read_text())
    return [SimpleNamespace(**port) for port in listed]


class Serial:
    def __init__(self, port=None, baudrate=9600, **options):
        with (FOLDER / "opened.log").open("a") as log:
            log.write("%s %d\\n" % (port, baudrate))
        after = FOLDER / "after-opening.json"
        if after.is_file():
            (FOLDER / "ports.json").write_text(after.read_text())

    def setDTR(self, value):
        pass

    def close(self):
        pass


serial.tools.list_ports.comports = comports
serial.Serial = Serial
"""


def port(device: str, vendor_id: int, product_id: int) -> dict[str, Any]:
    """A USB serial port as pyserial describes it."""
    return {
        "device": device,
        "description": "fake",
        "hwid": f"USB VID:PID={vendor_id:04X}:{product_id:04X}",
        "vid": vendor_id,
        "pid": product_id,
        "serial_number": "1234",
    }


@dataclass(frozen=True)
class FakePorts:
    """What is plugged in. `folder` goes onto PYTHONPATH."""

    folder: Path

    def plug_in(self, *ports: dict[str, Any]) -> None:
        """These ports are there, and no others."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "sitecustomize.py").write_text(_SITE.format(folder=str(self.folder)))
        (self.folder / "ports.json").write_text(json.dumps(ports))

    def after_opening(self, *ports: dict[str, Any]) -> None:
        """These ports are there once one has been opened."""
        (self.folder / "after-opening.json").write_text(json.dumps(ports))

    def opened(self) -> list[str]:
        """Name and baud rate of each port that was opened."""
        log = self.folder / "opened.log"
        return log.read_text().splitlines() if log.exists() else []

    def load(self) -> dict[str, Any]:
        """The stand-ins `comports` and `Serial`, for this process."""
        names: dict[str, Any] = {}
        source = (
            (self.folder / "sitecustomize.py").read_text().partition("serial.tools.list_ports.comports")[0]
        )
        exec(source, names)  # our own text, from above
        return names

"""A host that drives an EEMBC firmware as the public Python runner of MLPerf Tiny does, from its description.

The rules, from benchmark/runner of mlcommons/tiny and the README of eembc/energyrunner: commands end with '%' and no
line end; one command is open at a time; a reply ends with the first line that contains "m-ready"; lines end with a line
feed, carriage returns and zero bytes are dropped. A device is asked for name and profile, and the test is chosen by the
model's id. For each file: `db load` with its size, `db` with at most 31 bytes (26 through an interface board), then
`infer` with both numbers. Nothing else is sent: not timestamp, not results.
"""

import re
import time
from dataclasses import dataclass

from ppg_deploy.stream import SerialStream

DIRECT_BYTES = 31
INTERFACE_BOARD_BYTES = 26
BOOT_LINES = {
    "performance": [r"m-timestamp-mode-performance", r"m-lap-us-\d+", r"m-init-done", r"m-ready"],
    "energy": [r"m-timestamp-mode-energy", r"m-init-done", r"m-ready"],
}


@dataclass(frozen=True)
class Inference:
    """What one `infer` answered: texts of the results, and the two times in microseconds, if they were sent."""

    results: tuple[str, ...]
    laps_us: tuple[int, ...]
    lines: tuple[str, ...]


class EembcHost:
    """Sends commands and takes replies line by line; a line that does not come within `limit_s` is an error."""

    def __init__(self, stream: SerialStream, *, limit_s: float = 30.0) -> None:
        self._stream = stream
        self._limit_s = limit_s
        self.lines: list[str] = []
        """Every line received so far."""

    def line(self) -> str:
        """The next line."""
        text = bytearray()
        end = time.monotonic() + self._limit_s
        while time.monotonic() < end:
            self._stream.timeout = 0.2
            byte = self._stream.read(1)
            if byte == b"\n":
                self.lines.append(text.decode("ascii"))
                return self.lines[-1]
            if byte not in (b"\r", b"\0"):
                text += byte
        raise AssertionError(
            f"no line within {self._limit_s} s; so far {bytes(text)!r} after {self.lines[-5:]}"
        )

    def reply(self) -> list[str]:
        """Lines up to m-ready."""
        lines = [self.line()]
        while "m-ready" not in lines[-1]:
            lines.append(self.line())
        return lines

    def send(self, command: str | bytes) -> list[str]:
        """One command and its reply, without the last line."""
        self._stream.write((command.encode() if isinstance(command, str) else command) + b"%")
        *lines, last = self.reply()
        assert last == "m-ready"
        return lines

    def boot(self, mode: str) -> None:
        """The lines that a device sends after its start."""
        lines = self.reply()
        assert len(lines) == len(BOOT_LINES[mode]), lines
        for line, pattern in zip(lines, BOOT_LINES[mode], strict=True):
            assert re.fullmatch(pattern, line), lines

    def name(self) -> str:
        """Vendor of the device."""
        return self._found(r"^m-name-dut-\[([^]]+)]$", self.send("name"))

    def profile(self) -> tuple[str, str]:
        """Version of the command set, and the model's id."""
        lines = self.send("profile")
        return self._found(r"^m-profile-\[([^]]+)]$", lines), self._found(r"^m-model-\[([^]]+)]$", lines)

    def download(self, data: bytes, *, chunk_bytes: int = DIRECT_BYTES) -> None:
        """The runner's download step."""
        lines = self.send(f"db load {len(data)}")
        for start in range(0, len(data), chunk_bytes):
            assert not any(line.startswith("e-") for line in lines), lines
            lines = self.send(f"db {data[start : start + chunk_bytes].hex()}")
        assert lines == ["m-load-done"]

    def infer(self, runs: int, warm_ups: int) -> Inference:
        """The runner's infer step. The order of the lines is that of the command's description."""
        lines = self.send(f"infer {runs} {warm_ups}")
        kept = [line for line in lines if not line.startswith("m-lap-us-")]
        assert kept[:4] == [
            f"m-warmup-start-{warm_ups}",
            "m-warmup-done",
            f"m-infer-start-{runs}",
            "m-infer-done",
        ], lines
        results = self._found(r"^m-results-\[([^]]+)\]$", kept[4:])
        laps = [int(match[1]) for line in lines if (match := re.match(r"^m-lap-us-([0-9]+)$", line))]
        if laps:
            assert [line.split("-us-")[0] for line in lines[3:6]] == ["m-lap", "m-lap", "m-infer-done"]
        return Inference(tuple(results.split(",")), tuple(laps), tuple(lines))

    @staticmethod
    def _found(pattern: str, lines: list[str]) -> str:
        found = [match[1] for line in lines if (match := re.match(pattern, line))]
        assert len(found) == 1, (pattern, lines)
        return found[0]

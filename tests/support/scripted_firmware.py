"""A device that speaks the wire protocol on its standard input and output, as a well-behaved board would, in Python.

For tests that need a board without problems, which the fake board in tests/host_c is not. The model is a sum; every
inference takes TICKS. A word as its last argument makes it misbehave: fallback, forgets, changes, stuck.
"""

import os
import stat
import sys
import zlib
from pathlib import Path
from typing import Any

from ppg_deploy.boards import load_board
from ppg_deploy.wire import table
from ppg_deploy.wire.framing import FrameDecoder, Packet, encode_packet
from ppg_deploy.wire.messages import pack, unpack

TICKS = 50_000
INPUT_BYTES, OUTPUT_BYTES = 600, 4
_REPOSITORY = Path(__file__).resolve().parents[2]
_CAUSES = {cause.name: cause.value for cause in table.RESTART_CAUSES}


def put_firmware(path: Path, board: str, misbehaviour: str = "") -> Path:
    """An executable that is a board of the catalogue."""
    path.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path[:0] = {[str(_REPOSITORY), str(_REPOSITORY / 'toolchain')]!r}\n"
        f"from tests.support.scripted_firmware import Device\nDevice({board!r}, {misbehaviour!r}).run()\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


class Device:
    """One board."""

    def __init__(self, board: str, misbehaviour: str) -> None:
        self._board = load_board(board)
        self._misbehaviour = misbehaviour
        self._decoder = FrameDecoder()
        self._session = 0
        self._input = bytearray(INPUT_BYTES)
        self._runs = 0

    def run(self) -> None:
        self._boot("POWER")
        while data := os.read(0, 4096):
            for packet in self._decoder.feed(data):
                self._handle(packet)

    def _send(self, kind: int, sequence: int, data: bytes) -> None:
        os.write(1, encode_packet(Packet(kind, sequence, data)))

    def _boot(self, cause: str) -> None:
        self._session = 0
        self._decoder = FrameDecoder()
        self._info = {
            "session": 0,
            "clock_hz": self._board.clock_hz,
            "bsp_status": 1 if self._misbehaviour == "fallback" else 0,
            "input_bytes": INPUT_BYTES,
            "output_bytes": OUTPUT_BYTES,
            "arena_bytes": 1024,
            "operator_count": 1,
            "model_status": 0,
            "cpuid": 0x410FC241,
            "counter_source": 1,
            "runtime": "aot",
            "firmware_version": "0.0.0",
            "board_id": self._board.id,
            "model_sha256": "ab" * 32,
            "build_id": "cd" * 32,
            "hop": 0,
            "push_bytes": 0,
            "restart_cause": _CAUSES[cause],
            "run_limit_ms": 0,
        }
        self._send(table.BOOT.type, 0, pack(table.BOOT, **self._info))

    def _handle(self, request: Packet) -> None:
        command = next(one for one in table.COMMANDS if one.request.type == request.type)
        if command is not table.HELLO and not self._session:
            refusal = pack(table.ERROR, status=6, request_type=request.type, detail=0)
            self._send(table.ERROR.type, request.sequence, refusal)
            return
        asked = unpack(command.request, request.data)
        answer: dict[str, Any] = getattr(self, f"_{command.request.name.lower()}")(**asked)
        self._send(command.reply.type, request.sequence, pack(command.reply, **answer))
        if command is table.RESET:
            self._boot("WATCHDOG" if self._misbehaviour == "stuck" else "SOFTWARE")

    def _hello(self, session: int) -> dict[str, Any]:
        self._session = session
        return self._info | {"session": session}

    def _load_input(self, offset: int, chunk: bytes) -> dict[str, Any]:
        self._input[offset : offset + len(chunk)] = chunk
        return {"end": offset + len(chunk)}

    def _run(self) -> dict[str, Any]:
        self._runs += 1
        changed = self._runs if self._misbehaviour == "changes" else 0
        output = (sum(self._input) + changed).to_bytes(OUTPUT_BYTES, "little")
        return {
            "model_status": 0,
            "input_crc": zlib.crc32(self._input),
            "ticks": 0 if self._misbehaviour == "stuck" else TICKS,
            "timer_ticks": TICKS,
            "output_crc": zlib.crc32(output),
            "output": output,
        }

    def _echo(self, payload: bytes) -> dict[str, Any]:
        return {"payload": payload[:-1] if self._misbehaviour == "forgets" else payload}

    def _reset(self) -> dict[str, Any]:
        return {}

    def _statistics(self) -> dict[str, Any]:
        broken = self._decoder
        return {
            "frames": 1,
            "crc_errors": broken.crc_errors,
            "cobs_errors": broken.cobs_errors,
            "malformed": broken.malformed,
            "oversize": 0,
            "uart_overruns": 0,
            "duplicates": 0,
            "stale": 0,
        }

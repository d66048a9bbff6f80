"""A board at a pseudo-terminal in a few lines of Python: it answers like the firmware, until it fails on purpose."""

import os
import select
import struct
import threading
import time
import tty
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ppg_deploy.project import Manifest
from ppg_deploy.wire import table
from ppg_deploy.wire.framing import FrameDecoder, Packet, encode_packet
from ppg_deploy.wire.messages import pack

RUN = table.RUN.request.type
_NO_SESSION = 6
_POLL_S = 0.02


@dataclass
class ScriptedFirmware:
    """Answers every window with zeros; run number `fails_at`, counted from 0, goes to `fail` instead.

    `fail` returns what the board sends then. `restart` closes the session, as a real restart does.
    """

    manifest: Manifest
    input_bytes: int
    output_bytes: int
    fails_at: int | None = None
    fail: "Callable[[ScriptedFirmware], bytes]" = lambda _: b""
    restart_cause: int = 1
    run_limit_ms: int = 2000
    fault: bytes = bytes(33)
    runs: int = 0
    session: int = 0

    def __post_init__(self) -> None:
        self._input = bytearray(self.input_bytes)

    def restart(self, cause: int) -> bytes:
        """Forget the session; the boot message."""
        self.session, self.restart_cause = 0, cause
        return encode_packet(Packet(table.BOOT.type, 0, self.info(0)))

    def fault_frame(self) -> bytes:
        """FAULT, with the report that LAST_FAULT gives, too."""
        return encode_packet(Packet(table.FAULT.type, 0, self.fault))

    def info(self, session: int) -> bytes:
        return pack(
            table.HELLO.reply,
            session=session,
            clock_hz=80_000_000,
            bsp_status=0,
            input_bytes=self.input_bytes,
            output_bytes=self.output_bytes,
            arena_bytes=100,
            operator_count=1,
            model_status=0,
            cpuid=0,
            counter_source=1,
            runtime="aot",
            firmware_version="1",
            board_id=self.manifest.board,
            model_sha256=self.manifest.model_sha256,
            build_id=self.manifest.build_id,
            hop=0,
            push_bytes=0,
            restart_cause=self.restart_cause,
            run_limit_ms=self.run_limit_ms,
        )

    def answer(self, request: Packet) -> bytes:
        """Everything that the board sends because of `request`."""
        if request.type == table.HELLO.request.type:
            (self.session,) = struct.unpack("<I", request.data)
            return self._reply(request, self.info(self.session))
        if self.session == 0:
            error = struct.pack("<BBi", _NO_SESSION, request.type, 0)
            return encode_packet(Packet(table.ERROR.type, request.sequence, error))
        if request.type == table.LOAD_INPUT.request.type:
            (offset,) = struct.unpack_from("<I", request.data)
            end = offset + len(request.data) - 4
            self._input[offset:end] = request.data[4:]
            return self._reply(request, struct.pack("<I", end))
        if request.type == RUN:
            self.runs += 1
            if self.fails_at is not None and self.runs > self.fails_at:
                return self.fail(self)
            output = bytes(self.output_bytes)
            head = struct.pack("<iIIII", 0, zlib.crc32(self._input), 1000, 1000, zlib.crc32(output))
            return self._reply(request, head + output)
        if request.type == table.RUN_MANY.request.type:
            first, count = struct.unpack("<II", request.data)
            ticks = struct.pack(f"<{count}I", *[1000] * count)
            head = struct.pack("<iIII", 0, zlib.crc32(self._input), first, 1000 * count)
            return self._reply(request, head + ticks)
        if request.type == table.PROFILE.request.type:
            return self._reply(request, struct.pack("<iIII", 0, zlib.crc32(self._input), 0, 900))
        if request.type == table.LAST_FAULT.request.type:
            return self._reply(request, self.fault)
        # STATISTICS and the like: as many zeros as the reply has bytes.
        reply = next(command.reply for command in table.COMMANDS if command.request.type == request.type)
        return self._reply(request, bytes(reply.min_bytes))

    @staticmethod
    def _reply(request: Packet, data: bytes) -> bytes:
        return encode_packet(Packet(request.type | table.REPLY_BIT, request.sequence, data))


class ScriptedBoard:
    """`firmware` at the port `port`. Bytes that come back from `fail` as None mean: unplug the cable."""

    def __init__(self, firmware: ScriptedFirmware) -> None:
        self.firmware = firmware
        self._ours, theirs = os.openpty()
        tty.setraw(theirs)
        self.port = os.ttyname(theirs)
        # Kept open, so that the port survives between two openings; a bench unplugged mid-run closes both.
        self._theirs: int | None = theirs
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def unplug(self) -> None:
        """Close both ends of the pseudo-terminal; the bench's own end stays, with nothing behind it."""
        self._stop.set()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        decoder = FrameDecoder()
        try:
            while not self._stop.is_set():
                if not select.select([self._ours], [], [], _POLL_S)[0]:
                    continue
                for request in decoder.feed(os.read(self._ours, 4096)):
                    answer = self.firmware.answer(request)
                    if not self._stop.is_set():
                        os.write(self._ours, answer)
        finally:
            os.close(self._ours)
            if self._theirs is not None:
                os.close(self._theirs)


@contextmanager
def scripted_board(firmware: ScriptedFirmware) -> Iterator[ScriptedBoard]:
    """A plugged-in board."""
    board = ScriptedBoard(firmware)
    try:
        yield board
    finally:
        board.close()


def after(seconds: float, data: bytes) -> bytes:
    """`data`, after a while in which the board does nothing."""
    time.sleep(seconds)
    return data

"""Program: write the programs (firmware/program.h) that fuzzing of the firmware starts from, tests/fuzz/corpus/*.

    python -m tests.fuzz.make_protocol_corpus

Requests are packed by ppg_deploy.wire from its table; what the host would never send is written by hand.
"""

import itertools
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

from ppg_deploy.wire import table
from ppg_deploy.wire.framing import cobs_encode
from ppg_deploy.wire.messages import Value, pack
from ppg_deploy.wire.table import Command

CORPUS = Path(__file__).parent / "corpus"
MODEL_FAILS = b"\x01"
CLOSED = b"\x00"
OPEN = b"\x02"
SESSION = 0x12345678
# Sizes of the models that the harness is compiled with, see firmware_build.py, and what lies around them.
_SIZES = (0, 1, 7, 8, 9, 15, 16, 17, 63, 64, 65, 491, 492, 508, 529, 530, 531, 0xFFFFFFFF)
_COUNTS = (0, 1, 2, 31, 32, 33, 0xFFFFFFFF)
_OPERATORS = (0, 1, 4, 5, 119, 120, 121, 129, 130, 131, 0xFFFFFFFF)


def step(kind: int, payload: bytes) -> bytes:
    """One step."""
    return struct.pack("<BH", kind, len(payload)) + payload


def request(command: Command, **values: Value) -> bytes:
    """A correct request with the next sequence number."""
    return step(0, bytes([command.request.type]) + pack(command.request, **values))


def short_request(kind: int, data: bytes) -> bytes:
    """A request of any type with any data."""
    return step(0, bytes([kind]) + data)


def packet(kind: int, sequence: int, data: bytes, *, version: int = 3, length: int | None = None) -> bytes:
    """A packet that gets a right CRC, whatever its header says."""
    header = struct.pack("<BBHH", version, kind, sequence, len(data) if length is None else length)
    return step(1, header + data)


def raw(line: bytes) -> bytes:
    """Bytes for the line."""
    return step(3, line)


REPEAT = step(4, b"")
HELLO = request(table.HELLO, session=SESSION)
RUN = request(table.RUN)


def load(offset: int, chunk: bytes) -> bytes:
    """A LOAD_INPUT."""
    return request(table.LOAD_INPUT, offset=offset, chunk=chunk)


def power(bursts: int, runs: int, awake_ms: int = 0, sleep_ms: int = 0) -> bytes:
    """A POWER_RUN."""
    return request(table.POWER_RUN, bursts=bursts, runs=runs, awake_ms=awake_ms, sleep_ms=sleep_ms)


def _each_command() -> dict[str, bytes]:
    valid: dict[Command, dict[str, Value]] = {
        table.HELLO: {"session": SESSION},
        table.LOAD_INPUT: {"offset": 0, "chunk": bytes(range(8))},
        table.READ_OUTPUT: {"offset": 0, "size": 8},
        table.RUN_MANY: {"first_index": 0, "count": 3},
        table.PROFILE: {"first_operator": 0},
        table.ECHO: {"payload": b"ppg"},
        table.PUSH: {"restart": 1},
        table.POWER_RUN: {"bursts": 2, "runs": 3, "awake_ms": 1, "sleep_ms": 2},
    }
    programs = {}
    for command in table.COMMANDS:
        name = command.request.name.lower()
        one = request(command, **valid.get(command, {}))
        programs[f"command-{name}"] = OPEN + one
        programs[f"closed-{name}"] = CLOSED + one + HELLO + one
        programs[f"failed-{name}"] = MODEL_FAILS + HELLO + one
        programs[f"twice-{name}"] = OPEN + one + REPEAT + RUN + REPEAT
        data = pack(command.request, **valid.get(command, {}))
        wrong = [data[:-1], data + b"\0", b"", bytes(table.MAX_DATA)]
        programs[f"length-{name}"] = OPEN + b"".join(
            short_request(command.request.type, each) for each in wrong
        )
    return programs


def _boundaries() -> dict[str, bytes]:
    window = bytes(range(1, 65))
    echoes = b"".join(
        request(table.ECHO, payload=byte * size)
        for byte, size in itertools.product((b"\0", b"\xff"), (0, 1, 243, 244, 245, 498, 499, 512))
    )
    return {
        "load-offsets": OPEN + b"".join(load(offset, b"ab") for offset in _SIZES),
        "load-sizes": OPEN + b"".join(load(0, bytes(min(size, 508))) for size in _SIZES),
        "load-run": OPEN + load(0, window) + RUN + request(table.READ_OUTPUT, offset=0, size=16),
        "load-pieces": OPEN + b"".join(load(8 * i, window[8 * i : 8 * i + 8]) for i in range(8)) + RUN,
        "run-fails": OPEN + load(0, b"\x7f") + RUN + request(table.RUN_MANY, first_index=9, count=4)
        + request(table.PROFILE, first_operator=0) + request(table.PUSH, restart=1),
        "crash": OPEN + load(0, b"\x7e") + (RUN + request(table.LAST_FAULT) + HELLO) * 2 + request(table.LAST_FAULT)
        + REPEAT + request(table.RUN_MANY, first_index=9, count=4) + HELLO + request(table.PROFILE, first_operator=0)
        + HELLO + request(table.PROFILE, first_operator=1) + request(table.PUSH, restart=0) * 9 + HELLO,
        "power": OPEN + power(0, 0) + power(2, 3) + REPEAT + power(0, 9) + power(10_000, 1) + power(1, 10_000)
        + power(10_001, 1) + power(1, 10_001) + power(1, 0) + power(1, 1, 10_000, 10_000) + power(1, 1, 10_001)
        + power(1, 1, 0, 10_001) + load(0, b"\x7f") + power(3, 3) + power(0, 1) + load(0, b"\x7e") + power(2, 2)
        + HELLO + request(table.LAST_FAULT),
        "output-offsets": OPEN + RUN + b"".join(
            request(table.READ_OUTPUT, offset=offset, size=1) for offset in _SIZES
        ),
        "output-sizes": OPEN + RUN + b"".join(
            request(table.READ_OUTPUT, offset=0, size=size) for size in _SIZES
        ),
        "run-many": OPEN + b"".join(request(table.RUN_MANY, first_index=5, count=count) for count in _COUNTS),
        "profile": OPEN + b"".join(request(table.PROFILE, first_operator=first) for first in _OPERATORS),
        "push": OPEN + request(table.PUSH, restart=1) + request(table.PUSH, restart=0) * 10
        + request(table.PUSH, restart=2),
        "echo-lengths": OPEN + echoes,
        "statistics": OPEN + raw(b"\x05\x01\0\x01\0\x03\x01\x01\0") + request(table.STATISTICS),
        "reset": OPEN + RUN + request(table.RESET) + RUN + HELLO + RUN,
        "unknown": OPEN + b"".join(short_request(kind, b"\0\0\0\0") for kind in (0, 13, 14, 127, 129, 192, 255)),
    }  # fmt: skip


def _line() -> dict[str, bytes]:
    echo = struct.pack("<BBHH", table.PROTOCOL_VERSION, table.ECHO.request.type, 2, 3) + b"ppg"
    good = echo + struct.pack("<I", zlib.crc32(echo))
    frame = cobs_encode(good)
    return {
        "frame-good": OPEN + step(2, good) + raw(b"\0" + frame + b"\0"),
        "frame-crc": OPEN + step(2, good[:-1] + bytes([good[-1] ^ 1])),
        "frame-cut": OPEN + raw(frame[:-4] + b"\0") + raw(frame[2:] + b"\0"),
        "frame-joined": OPEN + raw(b"\0" + frame + frame + b"\0"),
        "frame-split": OPEN + raw(frame[:6]) + raw(frame[6:] + b"\0"),
        "frame-zero-inside": OPEN + raw(frame[:5] + b"\0" + frame[5:] + b"\0"),
        "no-delimiter": OPEN + raw(frame),
        "too-short": OPEN + b"".join(step(2, good[:size]) for size in range(1, 11)),
        "code-beyond": OPEN + raw(b"\xff\x01\x02\0\x02\0\xff" + b"\x01" * 253 + b"\0"),
        "full-blocks": OPEN + raw((b"\xff" + b"\x01" * 254) * 2 + b"\x0f" + b"\x01" * 14 + b"\0"),
        **{
            f"oversize-{size}": OPEN
            + step(5, struct.pack("<HB", size, byte))
            + raw(b"\0")
            + request(table.ECHO, payload=b"x")
            for size, byte in ((524, 0x55), (525, 1), (526, 0xFF), (2047, 0xFF))
        },
        "zeros": OPEN + step(5, struct.pack("<HB", 700, 0)) + RUN,
    }


def _headers() -> dict[str, bytes]:
    programs: dict[str, Callable[[], bytes]] = {
        "version": lambda: b"".join(packet(3, 2, b"", version=version) for version in (0, 1, 2, 4, 255)),
        "lying": lambda: b"".join(
            packet(8, 2, b"abcd", length=length) for length in (0, 3, 5, 512, 513, 0xFFFF)
        ),
        "too-much": lambda: packet(8, 2, bytes(513)) + packet(8, 2, bytes(514)),
        "stale": lambda: b"".join(packet(3, at, b"") for at in (2, 1, 0, 0xFFFF, 0x8001, 3)),
        "window-edge": lambda: b"".join(packet(3, at, b"") for at in (0x8000, 0xFFFF, 0x7FFE, 0x7FFF)),
        "same-number": lambda: packet(3, 2, b"") + packet(7, 2, b"") + packet(3, 2, b""),
        "other-data": lambda: packet(8, 2, b"one") + packet(8, 2, b"two"),
        "sessions": lambda: HELLO + REPEAT + request(table.HELLO, session=1) + HELLO + RUN,
        "session-again": lambda: HELLO + RUN + HELLO + request(table.HELLO, session=0) * 2,
        "old-session": lambda: packet(1, 9, struct.pack("<I", 7)) + packet(3, 10, b"") + packet(1, 5, b"\7\0\0\0"),
        "empty-packet": lambda: step(1, b"") + step(2, b"") + step(0, b"") + step(3, b""),
    }  # fmt: skip
    return {f"header-{name}": OPEN + make() for name, make in programs.items()}


def _text_commands() -> dict[str, bytes]:
    """For the EEMBC dialect. The harness's model takes 64 B."""
    digits = bytes(range(1, 65)).hex().encode()
    whole = b"db load 64%" + b"".join(b"db " + digits[at : at + 64] + b"%" for at in (0, 64))
    lines = {
        "empty": b"%%  %",
        "name": b"name%profile%timestamp%help%",
        "results-early": b"results%infer%infer 1%",
        "infer": whole + b"infer 2 1%results%infer 1%",
        "infer-counts": whole + b"infer 0%infer x%infer 1 x%infer 4294967296%infer 1 4294967296%infer "
        + b"9" * 20 + b"%",
        "infer-long": whole + b"infer 4294967295 0%infer 1 4294967295%",
        "infer-fails": b"db load 64%db 7f" + b"00" * 31 + b"%db " + b"00" * 32 + b"%infer 1 0%results%",
        "infer-crashes": b"db load 64%db 7e" + b"00" * 31 + b"%db " + b"00" * 32 + b"%infer 1 0%results%" + whole,
        "load-sizes": b"db load%db load 0%db load 63%db load 65%db load 4294967295%db load -1%db load 64x%",
        "load-odd": b"db load 64%db 0%db 0g%db zz%db 001%" + b"db 00%" * 65,
        "load-odd-first": b"db load 64%db " + b"1" * 77 + b"%" + b"db 1%" * 64 + b"infer 1 0%" + whole + b"infer 1 0%",
        "load-beyond": b"db load 64%" + (b"db " + b"ff" * 38 + b"%") * 3,
        "load-twice": whole + whole + b"infer 1 0%db load 64%infer 1 0%",
        "not-loading": b"db 00%db%db print%",
        "print": whole + b"db print%",
        "long-80": b"x" * 80 + b"%" + b"x" * 81 + b"%name%",
        "long": b"db " + b"0" * 500 + b"%name%",
        "spaces": b"  name  %  db   load   64  %infer  1  0 %",
        "line-ends": b"na\r\nme\r\n%\nprofile%",
        "binary": bytes(range(256)) + b"%\0name%name\0%",
    }  # fmt: skip
    programs = {
        name: CLOSED + b"".join(raw(command + b"%") for command in text.split(b"%")[:-1])
        for name, text in lines.items()
    }
    return {**programs, "failed": MODEL_FAILS + programs["infer"][1:]}


def corpora() -> dict[str, dict[str, bytes]]:
    """The programs of each folder by the name of the file."""
    return {
        "protocol": {**_each_command(), **_boundaries(), **_line(), **_headers()},
        "eembc": _text_commands(),
    }


def main() -> int:
    """Write the files."""
    for folder, programs in corpora().items():
        (CORPUS / folder).mkdir(parents=True, exist_ok=True)
        for old in (CORPUS / folder).glob("*.bin"):
            old.unlink()
        for name, content in programs.items():
            (CORPUS / folder / f"{name}.bin").write_bytes(content)
        sys.stdout.write(f"{folder}: {len(programs)} programs, {sum(map(len, programs.values()))} B\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

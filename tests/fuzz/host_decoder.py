"""The host's decoder and client under the same treatment as the firmware's.

Each function raises AssertionError, or lets through what the code under test should not have raised.
"""

import random
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ppg_deploy.errors import DeviceError
from ppg_deploy.wire import table
from ppg_deploy.wire.client import Client
from ppg_deploy.wire.framing import CobsError, FrameDecoder, Packet, cobs_decode, cobs_encode, encode_packet
from ppg_deploy.wire.messages import REPLY_CLASSES, unpack_reply
from ppg_deploy.wire.table import Kind, Message

LONGEST_CALL_S = 2.0
"""Most processor time that one call of the client may take."""
_SENT_BY_BOARD = {message.type: message for message in table.MESSAGES if message.name in REPLY_CLASSES}
_COUNTERS = struct.Struct("<5I")
_INPUT_BYTES_MAX = 2048
_LONGEST_WAIT_S = 6 * 3600.0
"""Most time, by the simulated clock, that one call may take: six attempts of the longest run that a board may have."""
_POLLS_AT_ONCE = 20
"""Empty reads in a row after which the simulated clock goes faster, and in some sessions the cable is pulled out."""


def records(trace: Path) -> Iterator[tuple[str, bytes]]:
    """What the driver wrote to its TRACE: kind and bytes."""
    content = trace.read_bytes()
    at = 0
    while at < len(content):
        kind, length = struct.unpack_from("<cI", content, at)
        yield kind.decode(), content[at + 5 : at + 5 + length]
        at += 5 + length


def _in_pieces(rng: random.Random, line: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(line):
        size = rng.choice((1, 7, 64, 4096))
        yield line[at : at + size]
        at += size


def compare_with_firmware(trace: Path) -> int:
    """Decode every line of a trace of the codec target; both decoders must see the same. Number of lines."""
    rng = random.Random(0)
    lines = 0
    line = b""
    packets: list[bytes] = []
    for kind, content in records(trace):
        if kind == "I":
            line, packets = content, []
        elif kind == "P":
            packets.append(content)
        elif kind == "C":
            lines += 1
            decoder = FrameDecoder()
            seen = [packet for piece in _in_pieces(rng, line) for packet in decoder.feed(piece)]
            assert [struct.pack("<BBH", p.version, p.type, p.sequence) + p.data for p in seen] == packets
            frames, crc_errors, cobs_errors, malformed, oversize = _COUNTERS.unpack(content)
            assert frames == len(seen)
            assert (crc_errors, cobs_errors) == (decoder.crc_errors, decoder.cobs_errors)
            assert malformed + oversize == decoder.malformed
            assert decoder.received_bytes == len(line)
    return lines


def decode_replies(trace: Path) -> int:
    """Every reply of the device in a trace of an application target is a message of the table. Number of replies."""
    decoder = FrameDecoder()
    replies = 0
    for kind, content in records(trace):
        if kind == "O":
            (packet,) = decoder.feed(content)
            replies += 1
            assert packet.version == table.PROTOCOL_VERSION
            unpacked(packet)
    assert decoder.crc_errors == decoder.cobs_errors == decoder.malformed == 0
    return replies


def unpacked(packet: Packet) -> object:
    """The typed message in a packet of the board.

    Raises:
        DeviceError: its data are none.
    """
    message = _SENT_BY_BOARD[packet.type]
    return unpack_reply(message, REPLY_CLASSES[message.name], packet.data)


def _random_data(rng: random.Random, message: Message) -> bytes:
    """Data of about the right length, with text that may be none."""
    length = rng.choice(
        (message.min_bytes, message.min_bytes, rng.randint(message.min_bytes, message.max_bytes))
    )
    data = bytearray(rng.randbytes(length) if rng.random() < 0.5 else bytes(length))
    for field in message.fields:
        at = message.offset(field)
        if field.kind is Kind.TEXT and rng.random() < 0.95:
            data[at : at + field.size] = rng.choice((b"aot", b"", b"\0x", b"x" * field.size)).ljust(
                field.size, b"\0"
            )
        elif field.kind in (Kind.U32, Kind.S32) and rng.random() < 0.7:
            small = rng.choice((0, 1, 3, 64, 600, 0xFFFFFFFF))
            data[at : at + 4] = small.to_bytes(4, "little")
    if rng.random() < 0.1:
        del data[rng.randint(0, len(data)) :]
    return bytes(data)


def fuzz_messages(seed: int, count: int) -> int:
    """Random data as every message of the board. Number of those that were refused with DeviceError."""
    rng = random.Random(seed)
    refused = 0
    for _ in range(count):
        message = rng.choice(list(_SENT_BY_BOARD.values()))
        try:
            unpacked(Packet(message.type, 0, _random_data(rng, message)))
        except DeviceError:
            refused += 1
    return refused


def fuzz_cobs(seed: int, count: int) -> int:
    """Random bytes as COBS: refused, or the inverse of the encoder up to its freedom. Number of those accepted."""
    rng = random.Random(seed)
    accepted = 0
    for _ in range(count):
        data = (
            rng.randbytes(rng.choice((1, 3, 20))) if rng.random() < 0.5 else bytes([rng.randint(1, 3)]) * 700
        )
        assert cobs_decode(cobs_encode(data)) == data
        try:
            decoded = cobs_decode(data)
        except CobsError:
            continue
        accepted += 1
        assert len(decoded) < len(data)
        assert cobs_decode(cobs_encode(decoded)) == decoded
    return accepted


class LyingBoard:
    """A serial line at whose other end anything may answer. Its clock moves when nothing can be read."""

    def __init__(self, rng: random.Random) -> None:
        self.timeout: float | None = None
        self.now_s = 0.0
        self._rng = rng
        self._requests = FrameDecoder()
        self._waiting = bytearray()
        self._past: list[bytes] = []
        self._idle_reads = 0
        self._is_loose = rng.random() < 0.1
        if rng.random() < 0.5:
            self._waiting += encode_packet(Packet(table.BOOT.type, 0, _random_data(rng, table.BOOT)))

    def read(self, size: int = 1, /) -> bytes:
        data = bytes(self._waiting[:size])
        del self._waiting[:size]
        self._idle_reads = 0 if data else self._idle_reads + 1
        if not data:
            is_late = self._idle_reads > _POLLS_AT_ONCE
            if is_late and self._is_loose:
                raise OSError("the cable is out")
            assert self.timeout is not None, "a read without a time limit"
            self.now_s += 10.0 if is_late else self.timeout
        return data

    def write(self, data: bytes, /) -> int | None:
        for request in self._requests.feed(data):
            self._waiting += self._answer(request)
        return len(data)

    def close(self) -> None:
        """Nothing is open."""

    def _answer(self, request: Packet) -> bytes:
        rng = self._rng
        reply = _SENT_BY_BOARD[request.type | table.REPLY_BIT]
        data = bytearray(_random_data(rng, reply))
        if request.type == table.HELLO.request.type:
            data[:4] = request.data  # or no session would ever open
        frame = encode_packet(Packet(reply.type, request.sequence, bytes(data)))
        self._past.append(frame)
        match rng.randrange(12):
            case 0:
                damaged = bytearray(frame)
                damaged[rng.randrange(len(frame))] ^= 1 << rng.randrange(8)
                return bytes(damaged)
            case 1:
                return frame[: rng.randrange(len(frame))]
            case 2:
                return rng.randbytes(rng.randrange(2000))
            case 3:
                return b""
            case 4:
                return rng.choice(self._past) * rng.randint(1, 3) + frame
            case 5:
                error = _random_data(rng, table.ERROR)
                return encode_packet(Packet(table.ERROR.type, request.sequence, error))
            case 6:
                refusal = struct.pack("<BBi", rng.randrange(12), request.type, rng.randint(-9, 9))
                return encode_packet(Packet(table.ERROR.type, request.sequence, refusal))
            case 7:
                other = Packet(rng.randrange(256), request.sequence, bytes(data), version=rng.randrange(5))
                return encode_packet(other) + frame
            case _:
                return frame


def _session(board: LyingBoard, rng: random.Random) -> Iterator[Callable[[], object]]:
    """Calls of the client, in an order that a bench could make."""
    client = Client(board, attempts=2, timeout_s=0.1, run_timeout_s=0.2, clock=lambda: board.now_s)
    yield lambda: client.connect(boot_wait_s=0.1, timeout_s=0.5)
    calls: list[Callable[[], object]] = [
        client.run,
        client.profile,
        client.memory,
        client.statistics,
        lambda: client.run_many(5),
        lambda: client.echo(b"ppg"),
    ]
    size = client.info.input_bytes
    pushed = client.info.push_bytes
    if size <= _INPUT_BYTES_MAX:
        yield lambda: client.load_input(bytes(size))
        yield from rng.sample(calls, 4)
    if client.info.hop and pushed <= _INPUT_BYTES_MAX:
        yield lambda: client.push(bytes(pushed), restart=True)
    yield client.reset


def fuzz_client(seed: int, count: int) -> int:
    """Sessions with a board that lies; only DeviceError may come out, in time. Number of calls that succeeded."""
    succeeded = 0
    for number in range(count):
        rng = random.Random(f"{seed}:{number}")
        board = LyingBoard(rng)
        for call in _session(board, rng):
            started, started_s = time.process_time(), board.now_s
            try:
                call()
                succeeded += 1
            except DeviceError:
                break
            finally:
                waited_s, worked_s = board.now_s - started_s, time.process_time() - started
                assert waited_s < _LONGEST_WAIT_S, f"client {seed}:{number} waits {waited_s:g} s"
                assert worked_s < LONGEST_CALL_S, f"client {seed}:{number} works {worked_s:g} s"
    return succeeded

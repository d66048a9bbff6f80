"""The C codec against zlib, against published COBS examples and against the Python codec."""

import random
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from app_device import compile_filter

from ppg_deploy.wire import table
from ppg_deploy.wire.framing import FrameDecoder, Packet, cobs_encode, encode_packet


def counting(first: int, last: int) -> bytes:
    return bytes(range(first, last + 1))


# Plain and encoded bytes: the ten examples of the article "Consistent Overhead Byte Stuffing" of Wikipedia.
PUBLISHED_COBS = [
    (b"\x00", b"\x01\x01"),
    (b"\x00\x00", b"\x01\x01\x01"),
    (b"\x00\x11\x00", b"\x01\x02\x11\x01"),
    (b"\x11\x22\x00\x33", b"\x03\x11\x22\x02\x33"),
    (b"\x11\x22\x33\x44", b"\x05\x11\x22\x33\x44"),
    (b"\x11\x00\x00\x00", b"\x02\x11\x01\x01\x01"),
    (counting(1, 254), b"\xff" + counting(1, 254)),
    (b"\x00" + counting(1, 254), b"\x01\xff" + counting(1, 254)),
    (counting(1, 255), b"\xff" + counting(1, 254) + b"\x02\xff"),
    (counting(2, 255) + b"\x00", b"\xff" + counting(2, 255) + b"\x01\x01"),
    (counting(3, 255) + b"\x00\x01", b"\xfe" + counting(3, 255) + b"\x02\x01"),
]


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_filter(tmp_path_factory.mktemp("codec"))


def filtered(codec: Path, what: str, data: bytes) -> list[bytes]:
    finished = subprocess.run([str(codec), what], input=data, capture_output=True, timeout=60)
    assert (finished.returncode, finished.stderr.decode()) == (0, "")
    records = []
    position = 0
    while position < len(finished.stdout):
        (length,) = struct.unpack_from("<I", finished.stdout, position)
        records.append(finished.stdout[position + 4 : position + 4 + length])
        position += 4 + length
    return records


def in_records(pieces: list[bytes]) -> bytes:
    return b"".join(struct.pack("<I", len(piece)) + piece for piece in pieces)


def random_pieces(seed: int, count: int) -> list[bytes]:
    """Bytes of many lengths around the block size, with few or many zeros."""
    generator = random.Random(seed)
    pieces = []
    for _ in range(count):
        length = generator.choice([0, 1, 2, 253, 254, 255, 507, 508, 509, 522, generator.randrange(700)])
        highest = generator.choice([1, 3, 255, 255])
        lowest = generator.choice([0, 1])
        pieces.append(bytes(generator.randint(lowest, highest) for _ in range(length)))
    return pieces


def test_crc32_is_that_of_zlib(codec: Path) -> None:
    pieces = [b"123456789", *random_pieces(1, 300)]
    assert zlib.crc32(b"123456789") == 0xCBF43926  # the check value of the CRC catalogue
    found = filtered(codec, "crc32", in_records(pieces))
    assert found == [struct.pack("<I", zlib.crc32(piece)) for piece in pieces]


def test_cobs_of_published_examples(codec: Path) -> None:
    plain = [example[0] for example in PUBLISHED_COBS]
    encoded = [example[1] for example in PUBLISHED_COBS]
    assert filtered(codec, "encode", in_records(plain)) == encoded
    assert filtered(codec, "decode", in_records(encoded)) == plain


def test_cobs_round_trip_and_equality_with_python(codec: Path) -> None:
    pieces = random_pieces(2, 600)
    encoded = filtered(codec, "encode", in_records(pieces))
    assert encoded == [cobs_encode(piece) for piece in pieces]
    assert all(0 not in one for one in encoded)
    assert filtered(codec, "decode", in_records(encoded)) == pieces


@pytest.mark.parametrize("invalid", [b"\x00", b"\x02", b"\x03\x11\x00", b"\x05\x11\x22\x33", b"\x01\x00"])
def test_cobs_refuses(codec: Path, invalid: bytes) -> None:
    assert filtered(codec, "decode", in_records([invalid])) == [b""]


def damaged_line(seed: int) -> bytes:
    """Good frames, damaged frames, frames that are too long, frames with a wrong length, and garbage."""
    generator = random.Random(seed)
    line = bytearray()
    for sequence in range(400):
        data = generator.randbytes(generator.choice([0, 1, 20, 512]))
        frame = bytearray(encode_packet(Packet(type=generator.randrange(256), sequence=sequence, data=data)))
        match generator.randrange(7):
            case 0:
                frame[generator.randrange(len(frame))] ^= 1 << generator.randrange(8)
            case 1:
                del frame[generator.randrange(len(frame))]
            case 2:
                frame = bytearray(b"\0" + b"\x55" * generator.choice([525, 526, 527, 5000]) + b"\0")
            case 3:
                frame = bytearray(generator.randbytes(100))
            case 4:
                wrong_length = (len(data) + generator.choice([-1, 1])) % 0x10000
                lying = struct.pack("<BBHH", 1, 8, sequence, wrong_length) + data
                lying += struct.pack("<I", zlib.crc32(lying))
                frame = bytearray(cobs_encode(lying) + b"\0")
        line += frame
    return bytes(line)


@pytest.mark.parametrize("seed", range(8))
def test_both_receivers_see_the_same(codec: Path, seed: int) -> None:
    line = damaged_line(seed)
    decoder = FrameDecoder()
    packets = decoder.feed(line)
    *records, counters = filtered(codec, "receive", line)
    assert records == [struct.pack("<BH", p.type, p.sequence) + p.data for p in packets]
    frames, crc_errors, cobs_errors, malformed, oversize = struct.unpack("<5I", counters)
    assert frames == len(packets) > 100
    assert (crc_errors, cobs_errors) == (decoder.crc_errors, decoder.cobs_errors)
    assert malformed + oversize == decoder.malformed
    assert min(crc_errors, cobs_errors, malformed, oversize) > 0


@pytest.mark.parametrize("length", [table.FRAME_BYTES_MAX, table.FRAME_BYTES_MAX + 1, 100_000])
def test_a_frame_behind_a_too_long_one_is_received(codec: Path, length: int) -> None:
    line = b"\x55" * length + encode_packet(Packet(type=8, sequence=3, data=b"after"))
    *records, counters = filtered(codec, "receive", line)
    assert records == [struct.pack("<BH", 8, 3) + b"after"]
    assert struct.unpack("<5I", counters)[4] == (length > table.FRAME_BYTES_MAX)


def test_the_longest_packet_fits(codec: Path) -> None:
    data = bytes([255] * table.MAX_DATA)
    *records, _ = filtered(codec, "receive", encode_packet(Packet(type=8, sequence=65535, data=data)))
    assert records == [struct.pack("<BH", 8, 65535) + data]


def test_a_frame_of_legal_length_may_still_hold_too_much_data(codec: Path) -> None:
    body = struct.pack("<BBHH", 1, 8, 7, 514) + bytes(514)
    frame = cobs_encode(body + struct.pack("<I", zlib.crc32(body)))
    assert len(frame) == table.FRAME_BYTES_MAX
    *records, counters = filtered(codec, "receive", frame + b"\0")
    assert records == []
    assert struct.unpack("<5I", counters) == (0, 0, 0, 1, 0)
    decoder = FrameDecoder()
    assert decoder.feed(frame + b"\0") == []
    assert decoder.malformed == 1

"""Packets and frames; the published COBS examples are in tests/host_c/test_protocol.py for both codecs."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppg_deploy.errors import InternalError
from ppg_deploy.wire import table
from ppg_deploy.wire.framing import CobsError, FrameDecoder, Packet, cobs_decode, cobs_encode, encode_packet

PACKETS = st.builds(
    Packet,
    type=st.integers(0, 255),
    sequence=st.integers(0, 65535),
    data=st.binary(max_size=table.MAX_DATA)
    | st.just(bytes(table.MAX_DATA))
    | st.just(b"\xff" * table.MAX_DATA),
)
DATA_WITH_LONG_RUNS = st.lists(st.binary(max_size=3) | st.just(b"\x11" * 254) | st.just(b"\x11" * 253)).map(
    b"".join
)


@given(DATA_WITH_LONG_RUNS)
def test_cobs_round_trip(data: bytes) -> None:
    encoded = cobs_encode(data)
    assert 0 not in encoded
    assert len(encoded) <= len(data) + len(data) // 254 + 1
    assert cobs_decode(encoded) == data


@pytest.mark.parametrize("invalid", [b"", b"\x00", b"\x02", b"\x03\x11\x00", b"\x05\x11\x22\x33"])
def test_cobs_refuses(invalid: bytes) -> None:
    with pytest.raises(CobsError):
        cobs_decode(invalid)


@given(st.lists(PACKETS, max_size=4), st.integers(1, 50))
def test_packets_survive_any_cutting_of_the_stream(packets: list[Packet], size: int) -> None:
    line = b"".join(encode_packet(packet) for packet in packets)
    decoder = FrameDecoder()
    received = [
        packet for start in range(0, len(line), size) for packet in decoder.feed(line[start : start + size])
    ]
    assert received == packets
    assert (decoder.crc_errors, decoder.cobs_errors, decoder.malformed) == (0, 0, 0)


@given(PACKETS, st.data())
def test_a_flipped_bit_never_gives_another_packet(packet: Packet, data: st.DataObject) -> None:
    frame = bytearray(encode_packet(packet))
    position = data.draw(st.integers(1, len(frame) - 2))
    frame[position] ^= 1 << data.draw(st.integers(0, 7))
    assert FrameDecoder().feed(bytes(frame)) == []


def test_a_frame_written_by_hand() -> None:
    body = bytes([1, 0x08, 1, 0, 3, 0]) + b"ppg"
    assert zlib.crc32(body).to_bytes(4, "little") == bytes.fromhex("618f586b")
    expected = bytes.fromhex("00 04 01 08 01 02 03 08 70 70 67 61 8f 58 6b 00")
    assert encode_packet(Packet(type=0x08, sequence=1, data=b"ppg", version=1)) == expected
    assert FrameDecoder().feed(expected) == [Packet(type=8, sequence=1, data=b"ppg", version=1)]


def test_each_kind_of_damage_is_counted() -> None:
    decoder = FrameDecoder()
    good = encode_packet(Packet(type=8, sequence=1, data=b"abc"))
    assert decoder.feed(b"\0" + b"\x55" * 700 + b"\0") == []
    assert decoder.feed(b"\x09\x01\0") == []
    assert decoder.feed(cobs_encode(b"short") + b"\0") == []
    assert decoder.feed(good.replace(b"abc", b"abd")) == []
    assert decoder.feed(good) == [Packet(type=8, sequence=1, data=b"abc")]
    assert (decoder.malformed, decoder.cobs_errors, decoder.crc_errors) == (2, 1, 1)


def test_too_much_data_for_a_packet_is_our_own_mistake() -> None:
    with pytest.raises(InternalError, match="513 B"):
        encode_packet(Packet(type=8, sequence=1, data=bytes(513)))

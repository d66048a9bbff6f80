"""Packets, their CRC-32, and the COBS frames that carry them.

COBS: Cheshire and Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on Networking 7(2), 1999.
CRC-32: IEEE 802.3, as zlib computes it.
"""

import struct
import zlib
from dataclasses import dataclass

from ppg_deploy.errors import InternalError
from ppg_deploy.wire import table

_HEADER = struct.Struct("<BBHH")
_CRC = struct.Struct("<I")
_DELIMITER = b"\0"


class CobsError(ValueError):
    """The bytes are not the COBS encoding of anything."""


@dataclass(frozen=True)
class Packet:
    """One verified packet. `sequence` is 0 to 65535, `data` at most MAX_DATA bytes."""

    type: int
    sequence: int
    data: bytes
    version: int = table.PROTOCOL_VERSION


def cobs_encode(data: bytes) -> bytes:
    """`data` without zero bytes; at most one byte longer per 254 bytes begun."""
    encoded = bytearray()
    blocks = data.split(_DELIMITER)
    for index, block in enumerate(blocks):
        position = 0
        while len(block) - position >= table.COBS_BLOCK:
            encoded.append(table.COBS_BLOCK + 1)
            encoded += block[position : position + table.COBS_BLOCK]
            position += table.COBS_BLOCK
        ends_with_full_block = index == len(blocks) - 1 and position > 0 and position == len(block)
        if not ends_with_full_block:
            encoded.append(len(block) - position + 1)
            encoded += block[position:]
    return bytes(encoded)


def cobs_decode(encoded: bytes) -> bytes:
    """The inverse of `cobs_encode`.

    Raises:
        CobsError: a zero byte, or a block that is longer than what is left.
    """
    if 0 in encoded or not encoded:
        raise CobsError("zero byte or nothing at all")
    data = bytearray()
    position = 0
    while position < len(encoded):
        code = encoded[position]
        end = position + code
        if end > len(encoded):
            raise CobsError("block reaches beyond the end")
        data += encoded[position + 1 : end]
        if code <= table.COBS_BLOCK and end < len(encoded):
            data.append(0)
        position = end
    return bytes(data)


def encode_packet(packet: Packet) -> bytes:
    """The frame that carries `packet`, with a delimiter on both sides.

    The leading delimiter ends whatever noise the receiver may have collected; empty frames are ignored.

    Raises:
        InternalError: more than MAX_DATA bytes of data.
    """
    if len(packet.data) > table.MAX_DATA:
        raise InternalError(f"{len(packet.data)} B of data in one packet", hint="split the data")
    body = _HEADER.pack(packet.version, packet.type, packet.sequence, len(packet.data)) + packet.data
    return _DELIMITER + cobs_encode(body + _CRC.pack(zlib.crc32(body))) + _DELIMITER


class FrameDecoder:
    """Turns received bytes into verified packets and counts what had to be thrown away.

    Attributes:
        received_bytes: everything that was fed.
        crc_errors: frames with a wrong CRC-32.
        cobs_errors: frames that are not COBS.
        malformed: frames too short, too long, or with a length that is not their own.
    """

    def __init__(self) -> None:
        self.received_bytes = 0
        self.crc_errors = 0
        self.cobs_errors = 0
        self.malformed = 0
        self._frame = bytearray()

    def feed(self, data: bytes) -> list[Packet]:
        """The packets that `data` completes, in order. Never raises."""
        self.received_bytes += len(data)
        packets = []
        first, *others = data.split(_DELIMITER)
        self._append(first)
        for piece in others:
            packet = self._end_of_frame()
            if packet is not None:
                packets.append(packet)
            self._append(piece)
        return packets

    def _append(self, piece: bytes) -> None:
        room_for_noticing_oversize = table.FRAME_BYTES_MAX + 1 - len(self._frame)
        self._frame += piece[:room_for_noticing_oversize]

    def _end_of_frame(self) -> Packet | None:
        frame = bytes(self._frame)
        self._frame.clear()
        if not frame:
            return None
        if len(frame) > table.FRAME_BYTES_MAX:
            self.malformed += 1
            return None
        try:
            packet = cobs_decode(frame)
        except CobsError:
            self.cobs_errors += 1
            return None
        return self._verified(packet)

    def _verified(self, packet: bytes) -> Packet | None:
        if len(packet) < table.PACKET_BYTES_MIN:
            self.malformed += 1
            return None
        body, crc = packet[: -table.CRC_BYTES], packet[-table.CRC_BYTES :]
        if _CRC.pack(zlib.crc32(body)) != crc:
            self.crc_errors += 1
            return None
        version, message_type, sequence, length = _HEADER.unpack_from(body)
        data = body[table.HEADER_BYTES :]
        if length != len(data) or length > table.MAX_DATA:
            self.malformed += 1
            return None
        return Packet(type=message_type, sequence=sequence, data=data, version=version)

"""The table, what is generated from it, and the typed messages that must agree with it."""

import dataclasses
import struct
from pathlib import Path

import pytest

from ppg_deploy.errors import DeviceError, InternalError
from ppg_deploy.shipped import shipped_folder
from ppg_deploy.wire import generate, table
from ppg_deploy.wire.messages import REPLY_CLASSES, DeviceInfo, RunReply, Value, pack, unpack, unpack_reply
from ppg_deploy.wire.table import Field, Kind, Message

EVERY_KIND = Message(
    "EVERYTHING",
    0x55,
    "",
    (
        Field("small", Kind.U8, ""),
        Field("middle", Kind.U16, ""),
        Field("large", Kind.U32, ""),
        Field("negative", Kind.S32, ""),
        Field("text", Kind.TEXT, "", block_bytes=4),
        Field("hash", Kind.HASH, "", block_bytes=2),
        Field("rest", Kind.U32_LIST, ""),
    ),
)
VALUES: dict[str, Value] = {
    "small": 0x12,
    "middle": 0x3456,
    "large": 0x789ABCDE,
    "negative": -2,
    "text": "ppg",
    "hash": "beef",
    "rest": (1, 0xFFFFFFFF),
}
PACKED = bytes.fromhex("12 5634 debc9a78 feffffff 70706700 beef 01000000 ffffffff")


@pytest.mark.parametrize("path", generate.render())
def test_checked_in_files_are_what_the_table_generates(path: Path) -> None:
    checked_in = (shipped_folder("firmware").parent / path).read_text()
    assert checked_in == generate.render()[path], "run python -m ppg_deploy.wire.generate"


def test_check_accepts_the_checked_in_files() -> None:
    assert generate.main(["--check"]) == 0


def test_types_are_unique_and_replies_match_requests() -> None:
    types = [message.type for message in table.MESSAGES]
    assert len(set(types)) == len(types)
    assert all(command.reply.type == command.request.type | 0x80 for command in table.COMMANDS)
    assert len({status.value for status in table.STATUS_CODES} | {0}) == len(table.STATUS_CODES) + 1


@pytest.mark.parametrize("message", table.MESSAGES, ids=lambda message: message.name)
def test_messages_fit_a_packet_and_only_end_in_a_tail(message: Message) -> None:
    assert message.min_bytes <= message.max_bytes <= table.MAX_DATA
    assert not any(field.is_tail for field in message.fields[:-1])


def test_limits_agree_with_each_other() -> None:
    assert (table.HEADER_BYTES, table.PACKET_BYTES_MAX, table.FRAME_BYTES_MAX) == (6, 522, 525)
    assert table.RUN_MANY.reply.min_bytes + 4 * table.MAX_RUNS_PER_REQUEST <= table.MAX_DATA
    assert table.PROFILE.reply.min_bytes + 4 * table.MAX_OPERATORS_PER_REPLY <= table.MAX_DATA


@pytest.mark.parametrize("name", REPLY_CLASSES)
def test_reply_classes_have_the_fields_of_the_table(name: str) -> None:
    message = next(message for message in table.MESSAGES if message.name == name)
    fields = [field.name for field in dataclasses.fields(REPLY_CLASSES[name])]
    assert fields == [field.name for field in message.fields]


def test_every_message_of_the_board_has_a_reply_class() -> None:
    expected = {command.reply.name for command in table.COMMANDS} | {"BOOT", "FAULT", "ERROR"}
    assert set(REPLY_CLASSES) == expected


def test_every_kind_of_field_is_packed_as_documented() -> None:
    assert pack(EVERY_KIND, **VALUES) == PACKED
    assert unpack(EVERY_KIND, PACKED) == VALUES


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("small", 256),
        ("small", -1),
        ("text", "fivee"),
        ("text", "é"),
        ("hash", "bee"),
        ("rest", b"x"),
        ("large", "1"),
    ],
)
def test_a_value_that_does_not_fit_is_our_own_mistake(name: str, value: Value) -> None:
    with pytest.raises(InternalError, match=f"EVERYTHING.{name}"):
        pack(EVERY_KIND, **{**VALUES, name: value})


def test_missing_and_unknown_fields_are_our_own_mistake() -> None:
    with pytest.raises(InternalError, match="HELLO"):
        pack(table.HELLO.request)
    with pytest.raises(InternalError, match="RUN"):
        pack(table.RUN.request, session=1)
    with pytest.raises(InternalError, match="too long"):
        pack(table.ECHO.request, payload=bytes(513))


def test_a_reply_of_the_wrong_shape_is_the_boards_mistake() -> None:
    for data in (b"", bytes(15), bytes(513)):
        with pytest.raises(DeviceError, match="RUN_REPLY"):
            unpack_reply(table.RUN.reply, RunReply, data)
    with pytest.raises(DeviceError, match="ticks"):
        unpack(table.RUN_MANY.reply, bytes(16 + 3))
    with pytest.raises(DeviceError, match="ASCII"):
        unpack(table.HELLO.reply, b"\xff" * table.HELLO.reply.min_bytes)


def test_run_reply_is_parsed() -> None:
    data = struct.pack("<iIIII", -1, 2, 3, 4, 5) + b"out"
    assert unpack_reply(table.RUN.reply, RunReply, data) == RunReply(-1, 2, 3, 4, 5, b"out")


def test_info_explains_its_codes() -> None:
    data = bytearray(table.HELLO.reply.min_bytes)
    data[8] = 3
    data[36] = 9
    info = unpack_reply(table.HELLO.reply, DeviceInfo, bytes(data))
    assert len(info.bsp_problems) == 2
    assert info.counter_name == "unknown (9)"

"""Typed replies, and the codec that packs and unpacks any message as the table describes it."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ppg_deploy.errors import DeviceError, InternalError
from ppg_deploy.wire import table
from ppg_deploy.wire.table import Field, Kind, Message

Value = int | str | bytes | tuple[int, ...]
Reply = TypeVar("Reply")

_INTEGERS = {
    Kind.U8: struct.Struct("<B"),
    Kind.U16: struct.Struct("<H"),
    Kind.U32: struct.Struct("<I"),
    Kind.S32: struct.Struct("<i"),
}


@dataclass(frozen=True)
class DeviceInfo:
    """HELLO_REPLY and BOOT: what the board is. Sizes in bytes, `clock_hz` in Hz, hashes in hexadecimal.

    An inference that takes longer than `run_limit_ms` milliseconds is reported as a hang; 0 means no limit.

    `hop` are the new samples per channel that a PUSH takes, 0 without sliding windows.
    """

    session: int
    clock_hz: int
    bsp_status: int
    input_bytes: int
    output_bytes: int
    arena_bytes: int
    operator_count: int
    model_status: int
    cpuid: int
    counter_source: int
    runtime: str
    firmware_version: str
    board_id: str
    model_sha256: str
    build_id: str
    hop: int
    push_bytes: int
    restart_cause: int
    run_limit_ms: int

    @property
    def counter_name(self) -> str:
        """What the ticks count: none, dwt or systick."""
        names = {source.value: source.name.lower() for source in table.COUNTER_SOURCES}
        return names.get(self.counter_source, f"unknown ({self.counter_source})")

    @property
    def restart_name(self) -> str:
        """Why the board last started: power, pin, software, watchdog, fault or unknown."""
        names = {cause.value: cause.name.lower() for cause in table.RESTART_CAUSES}
        return names.get(self.restart_cause, f"unknown ({self.restart_cause})")

    @property
    def bsp_problems(self) -> tuple[str, ...]:
        """Descriptions of the bits set in `bsp_status`; empty when the board started as wished."""
        return tuple(bit.description for bit in table.BSP_STATUS_BITS if self.bsp_status & bit.value)


@dataclass(frozen=True)
class LoadInputReply:
    """`end`: offset behind the last byte written."""

    end: int


@dataclass(frozen=True)
class RunReply:
    """One inference; `output` is empty when it has to be read with READ_OUTPUT or `model_status` is not 0."""

    model_status: int
    input_crc: int
    ticks: int
    timer_ticks: int
    output_crc: int
    output: bytes


@dataclass(frozen=True)
class ReadOutputReply:
    """A piece of the last output, from byte `offset` on."""

    offset: int
    chunk: bytes


@dataclass(frozen=True)
class RunManyReply:
    """Ticks of the runs from `first_index` on; `timer_ticks` is for all of them together."""

    model_status: int
    input_crc: int
    first_index: int
    timer_ticks: int
    ticks: tuple[int, ...]


@dataclass(frozen=True)
class ProfileReply:
    """Ticks of the operators from `first_operator` on."""

    model_status: int
    input_crc: int
    first_operator: int
    ticks: tuple[int, ...]


@dataclass(frozen=True)
class MemoryInfo:
    """Memory in use, in bytes."""

    arena_bytes: int
    stack_bytes: int
    stack_high_water: int


@dataclass(frozen=True)
class EchoReply:
    """The data that came back."""

    payload: bytes


@dataclass(frozen=True)
class ResetReply:
    """The board is about to restart."""


@dataclass(frozen=True)
class DeviceStatistics:
    """What the board has counted on its side of the line since its start."""

    frames: int
    crc_errors: int
    cobs_errors: int
    malformed: int
    oversize: int
    uart_overruns: int
    duplicates: int
    stale: int


@dataclass(frozen=True)
class PushReply:
    """One push; `output` is empty when it has to be read with READ_OUTPUT, while filling, or after a failure."""

    model_status: int
    filling: int
    samples_crc: int
    ticks: int
    timer_ticks: int
    output_crc: int
    output: bytes


@dataclass(frozen=True)
class FaultReport:
    """FAULT and LAST_FAULT_REPLY: how the firmware crashed or where it hung. Registers as the core had them."""

    kind: int
    exception: int
    fault_status: int
    hard_fault_status: int
    bus_address: int
    program_counter: int
    link_register: int
    stack_pointer: int
    runs: int

    @property
    def kind_name(self) -> str:
        """Name of the kind of fault: none, exception, stack_overflow or hang."""
        names = {kind.value: kind.name.lower() for kind in table.FAULT_KINDS}
        return names.get(self.kind, f"unknown ({self.kind})")


@dataclass(frozen=True)
class PowerRunReply:
    """What has become of the last POWER_RUN. `burst_ticks`: counter over the inferences of its last burst."""

    state: int
    model_status: int
    bursts_done: int
    burst_ticks: int

    @property
    def state_name(self) -> str:
        """none, accepted or finished."""
        names = {state.value: state.name.lower() for state in table.POWER_STATES}
        return names.get(self.state, f"unknown ({self.state})")


@dataclass(frozen=True)
class ErrorReply:
    """Why the board refused a request; see STATUS_CODES."""

    status: int
    request_type: int
    detail: int

    @property
    def status_name(self) -> str:
        """Name of the status code."""
        names = {code.value: code.name for code in table.STATUS_CODES}
        return names.get(self.status, f"status {self.status}")

    @property
    def description(self) -> str:
        """What the status code means."""
        texts = {code.value: code.description for code in table.STATUS_CODES}
        return texts.get(self.status, "a status that this version does not know")


REPLY_CLASSES: dict[str, type] = {
    table.HELLO.reply.name: DeviceInfo,
    table.LOAD_INPUT.reply.name: LoadInputReply,
    table.RUN.reply.name: RunReply,
    table.READ_OUTPUT.reply.name: ReadOutputReply,
    table.RUN_MANY.reply.name: RunManyReply,
    table.PROFILE.reply.name: ProfileReply,
    table.MEMORY.reply.name: MemoryInfo,
    table.ECHO.reply.name: EchoReply,
    table.RESET.reply.name: ResetReply,
    table.STATISTICS.reply.name: DeviceStatistics,
    table.PUSH.reply.name: PushReply,
    table.LAST_FAULT.reply.name: FaultReport,
    table.POWER_RUN.reply.name: PowerRunReply,
    table.BOOT.name: DeviceInfo,
    table.FAULT.name: FaultReport,
    table.ERROR.name: ErrorReply,
}
"""The dataclass of every message that a board sends; its fields are those of the table, in the same order."""


def pack(message: Message, **values: Value) -> bytes:
    """The data of `message`; one keyword argument for each of its fields.

    Raises:
        InternalError: a field is missing, unknown, of the wrong type or too large.
    """
    if set(values) != {field.name for field in message.fields}:
        raise InternalError(
            f"{message.name} does not have the fields {sorted(values)}", hint="compare with wire/table.py"
        )
    data = b"".join(_pack_field(message, field, values[field.name]) for field in message.fields)
    if len(data) > message.max_bytes:
        raise InternalError(f"{message.name} with {len(data)} B is too long", hint="split the data")
    return data


def _pack_field(message: Message, field: Field, value: Value) -> bytes:
    try:
        match field.kind, value:
            case ((Kind.U8 | Kind.U16 | Kind.U32 | Kind.S32), int()):
                return _INTEGERS[field.kind].pack(value)
            case Kind.TEXT, str():
                return _filled(value.encode("ascii"), field.block_bytes)
            case Kind.HASH, str() if len(value) == 2 * field.block_bytes:
                return bytes.fromhex(value)
            case Kind.BYTES, bytes():
                return value
            case Kind.U32_LIST, tuple():
                return struct.pack(f"<{len(value)}I", *value)
    except (struct.error, ValueError) as error:
        raise InternalError(
            f"{message.name}.{field.name} cannot hold {value!r}: {error}", hint="compare with wire/table.py"
        ) from error
    raise InternalError(
        f"{message.name}.{field.name} cannot hold {value!r}", hint="compare with wire/table.py"
    )


def _filled(text: bytes, size: int) -> bytes:
    if len(text) > size:
        raise ValueError(f"longer than {size} B")
    return text.ljust(size, b"\0")


def unpack(message: Message, data: bytes) -> dict[str, Value]:
    """The values of `data` by field name.

    Raises:
        DeviceError: `data` is no `message`: its length, or text that is not ASCII.
    """
    values: dict[str, Value] = {}
    if not message.min_bytes <= len(data) <= message.max_bytes:
        raise _not_a(message, f"{len(data)} B of data")
    for field in message.fields:
        offset = message.offset(field)
        values[field.name] = _unpack_field(
            message, field, data[offset : None if field.is_tail else offset + field.size]
        )
    return values


def _unpack_field(message: Message, field: Field, block: bytes) -> Value:
    if field.kind is Kind.TEXT:
        try:
            return block.rstrip(b"\0").decode("ascii")
        except UnicodeDecodeError as error:
            raise _not_a(message, f"{field.name} is not ASCII") from error
    if field.kind is Kind.HASH:
        return block.hex()
    if field.kind is Kind.BYTES:
        return block
    if field.kind is Kind.U32_LIST:
        if len(block) % 4:
            raise _not_a(message, f"{field.name} has {len(block)} B")
        return struct.unpack(f"<{len(block) // 4}I", block)
    value: int = _INTEGERS[field.kind].unpack(block)[0]
    return value


def _not_a(message: Message, found: str) -> DeviceError:
    return DeviceError(
        f"the board's {message.name} is not as protocol version {table.PROTOCOL_VERSION} has it: {found}",
        hint="build and flash the firmware with the same version of ppg-deploy",
    )


def unpack_reply(message: Message, reply_class: Callable[..., Reply], data: bytes) -> Reply:
    """`data` as a `reply_class`, which is REPLY_CLASSES[message.name].

    Raises:
        DeviceError: as `unpack`.
    """
    return reply_class(**unpack(message, data))

"""The wire protocol, once: the C header, the Python codec and docs/wire-protocol.md all come from this table.

After a change, run `python -m ppg_deploy.wire.generate`. Raise PROTOCOL_VERSION whenever an older board or
host could misread the result.
"""

from dataclasses import dataclass
from enum import Enum

PROTOCOL_VERSION = 3
REPLY_BIT = 0x80
MAX_DATA = 512
MAX_RUNS_PER_REQUEST = 32
MAX_OPERATORS_PER_REPLY = 120
MAX_POWER_BURSTS = 10_000
MAX_POWER_PAUSE_MS = 10_000


class Kind(Enum):
    """How a field lies in a message. Integers are little-endian; nothing is padded."""

    U8 = "uint8_t"
    U16 = "uint16_t"
    U32 = "uint32_t"
    S32 = "int32_t"
    TEXT = "text"
    HASH = "hash"
    BYTES = "bytes"
    U32_LIST = "u32_list"


INTEGER_BYTES = {Kind.U8: 1, Kind.U16: 2, Kind.U32: 4, Kind.S32: 4}
_C_ELEMENT = {Kind.TEXT: "char", Kind.HASH: "uint8_t", Kind.BYTES: "uint8_t", Kind.U32_LIST: "uint32_t"}


@dataclass(frozen=True)
class Field:
    """One field of a message.

    TEXT (ASCII, filled with NUL) and HASH (bytes; hexadecimal text in Python) have a fixed size,
    `block_bytes`. BYTES and U32_LIST reach to the end of the message and may only come last. `unit` is empty
    for plain numbers.
    """

    name: str
    kind: Kind
    description: str
    unit: str = ""
    block_bytes: int = 0

    @property
    def is_tail(self) -> bool:
        """True when the field takes whatever is left of the message."""
        return self.kind in (Kind.BYTES, Kind.U32_LIST)

    @property
    def size(self) -> int:
        """Bytes in the fixed part of the message."""
        return 0 if self.is_tail else INTEGER_BYTES.get(self.kind, self.block_bytes)

    @property
    def c_type(self) -> str:
        """The type as a C declaration would have it."""
        if self.kind in INTEGER_BYTES:
            return self.kind.value
        return f"{_C_ELEMENT[self.kind]}[{self.block_bytes or ''}]"


@dataclass(frozen=True)
class Message:
    """One kind of packet: its type number and the fields of its data."""

    name: str
    type: int
    description: str
    fields: tuple[Field, ...]

    @property
    def min_bytes(self) -> int:
        """Bytes of the fixed part."""
        return sum(field.size for field in self.fields)

    @property
    def max_bytes(self) -> int:
        """Bytes of the longest legal message."""
        return MAX_DATA if any(field.is_tail for field in self.fields) else self.min_bytes

    def offset(self, field: Field) -> int:
        """Bytes before `field`."""
        return sum(earlier.size for earlier in self.fields[: self.fields.index(field)])


@dataclass(frozen=True)
class Command:
    """A request of the host and the board's reply to it."""

    request: Message
    reply: Message


@dataclass(frozen=True)
class NamedValue:
    """A named number: a limit, a status code, a bit mask."""

    name: str
    value: int
    description: str
    unit: str = ""


def _command(
    name: str, number: int, description: str, request: tuple[Field, ...], reply: tuple[Field, ...]
) -> Command:
    return Command(
        Message(name, number, description, request),
        Message(f"{name}_REPLY", number | REPLY_BIT, f"Answers {name}.", reply),
    )


HEADER = (
    Field("version", Kind.U8, "protocol version of the sender"),
    Field("type", Kind.U8, "message type"),
    Field("sequence", Kind.U16, "number of the request; the reply repeats it"),
    Field("length", Kind.U16, "bytes of data that follow the header", "B"),
)
HEADER_BYTES = sum(field.size for field in HEADER)
CRC_BYTES = 4
PACKET_BYTES_MIN = HEADER_BYTES + CRC_BYTES
PACKET_BYTES_MAX = PACKET_BYTES_MIN + MAX_DATA
COBS_BLOCK = 254
COBS_OVERHEAD = -(-PACKET_BYTES_MAX // COBS_BLOCK)
FRAME_BYTES_MAX = PACKET_BYTES_MAX + COBS_OVERHEAD

LIMITS = (
    NamedValue("PROTOCOL_VERSION", PROTOCOL_VERSION, "first byte of every packet"),
    NamedValue("REPLY_BIT", REPLY_BIT, "set in the type of a reply"),
    NamedValue("HEADER_BYTES", HEADER_BYTES, "packet header", "B"),
    NamedValue("CRC_BYTES", CRC_BYTES, "CRC-32 at the end of the packet", "B"),
    NamedValue("MAX_DATA", MAX_DATA, "most data in one packet", "B"),
    NamedValue("PACKET_BYTES_MIN", PACKET_BYTES_MIN, "packet without data", "B"),
    NamedValue("PACKET_BYTES_MAX", PACKET_BYTES_MAX, "packet with the most data", "B"),
    NamedValue("COBS_BLOCK", COBS_BLOCK, "most data bytes behind one COBS code byte", "B"),
    NamedValue("COBS_OVERHEAD", COBS_OVERHEAD, "most bytes that COBS adds to a packet", "B"),
    NamedValue("FRAME_BYTES_MAX", FRAME_BYTES_MAX, "longest encoded frame without delimiters", "B"),
    NamedValue(
        "SEQUENCE_WINDOW", 0x7FFF, "a sequence number at most this far ahead is new, else it is stale"
    ),
    NamedValue("MAX_RUNS_PER_REQUEST", MAX_RUNS_PER_REQUEST, "most inferences in one RUN_MANY"),
    NamedValue("MAX_OPERATORS_PER_REPLY", MAX_OPERATORS_PER_REPLY, "most operators in one PROFILE_REPLY"),
    NamedValue(
        "MAX_POWER_BURSTS", MAX_POWER_BURSTS, "most bursts of a POWER_RUN, and most runs in one of them"
    ),
    NamedValue(
        "MAX_POWER_PAUSE_MS", MAX_POWER_PAUSE_MS, "longest awake_ms and sleep_ms of a POWER_RUN", "ms"
    ),
)

STATUS_CODES = (
    NamedValue("UNKNOWN_COMMAND", 1, "the board does not know this request type"),
    NamedValue("BAD_LENGTH", 2, "the request has too few or too many bytes of data"),
    NamedValue("BAD_ARGUMENT", 3, "an offset, index or count lies outside the model's limits"),
    NamedValue("MODEL_NOT_READY", 4, "the model could not be initialised; detail is the runtime's code"),
    NamedValue("NO_PROFILE", 5, "operators after the first were asked for before a profiled run"),
    NamedValue("NO_SESSION", 6, "the board has (re)started and waits for HELLO"),
    NamedValue("STALE_SEQUENCE", 7, "an old or foreign request; detail is the last sequence number seen"),
    NamedValue("UNSUPPORTED_VERSION", 8, "another protocol version; detail is the version of the request"),
    NamedValue("NO_SLIDING", 9, "the model was built without --hop, so it takes no PUSH"),
    NamedValue("NO_POWER", 10, "the image was built without --power, so it takes no POWER_RUN"),
)

COUNTER_SOURCES = (
    NamedValue("NONE", 0, "no working counter: ticks are 0"),
    NamedValue("DWT", 1, "core cycles (DWT CYCCNT)"),
    NamedValue("SYSTICK", 2, "processor clock (SysTick, extended to 32 bit)"),
)

BSP_STATUS_BITS = (
    NamedValue("CLOCK_FALLBACK", 1 << 0, "the wished clock was not reached; clock_hz says what runs"),
    NamedValue("NO_COUNTER", 1 << 1, "no counter passed its self-test"),
)

RESTART_CAUSES = (
    NamedValue("UNKNOWN", 0, "the chip's reset flags say nothing that is known here"),
    NamedValue("POWER", 1, "power-on or brown-out"),
    NamedValue("PIN", 2, "reset pin: the button, or a probe"),
    NamedValue("SOFTWARE", 3, "the firmware asked for it: RESET, or the debugger"),
    NamedValue(
        "WATCHDOG", 4, "the hardware watchdog: the firmware hung with interrupts masked, or locked up"
    ),
    NamedValue("FAULT", 5, "the firmware restarted itself after a fault; LAST_FAULT tells it"),
)

POWER_STATES = (
    NamedValue("NONE", 0, "no POWER_RUN since the start"),
    NamedValue("ACCEPTED", 1, "it begins once this reply has been sent"),
    NamedValue("FINISHED", 2, "the last one is over"),
)

FAULT_KINDS = (
    NamedValue("NONE", 0, "no fault is on record since power-on"),
    NamedValue("EXCEPTION", 1, "the core took a fault exception, or an interrupt nobody asked for"),
    NamedValue("STACK_OVERFLOW", 2, "a fault exception with the stack pointer at or below the stack's limit"),
    NamedValue("HANG", 3, "an inference took longer than run_limit_ms; program_counter says where it was"),
)

_MODEL_STATUS = Field("model_status", Kind.S32, "0, or the runtime's own error code")
_INPUT_CRC = Field("input_crc", Kind.U32, "CRC-32 of the input buffer just before the run")

_INFO = (
    Field("session", Kind.U32, "session number of the HELLO; 0 in BOOT"),
    Field("clock_hz", Kind.U32, "core clock really reached", "Hz"),
    Field("bsp_status", Kind.U32, "bits that say which start-up step gave up; 0 when all is well"),
    Field("input_bytes", Kind.U32, "size of the model's input", "B"),
    Field("output_bytes", Kind.U32, "size of the model's output", "B"),
    Field("arena_bytes", Kind.U32, "static buffer for intermediate results", "B"),
    Field("operator_count", Kind.U32, "operators that PROFILE reports"),
    Field(
        "model_status", Kind.S32, "result of the model's initialisation: 0, or the runtime's own error code"
    ),
    Field("cpuid", Kind.U32, "CPUID register of the core (0xE000ED00); 0 on a host"),
    Field("counter_source", Kind.U8, "what the ticks count"),
    Field("runtime", Kind.TEXT, "aot or tflm", block_bytes=8),
    Field("firmware_version", Kind.TEXT, "version of the tool that made the firmware", block_bytes=24),
    Field("board_id", Kind.TEXT, "board the firmware was built for", block_bytes=32),
    Field("model_sha256", Kind.HASH, "SHA-256 of the .tflite file", block_bytes=32),
    Field("build_id", Kind.HASH, "hash over everything the firmware was built from", block_bytes=32),
    Field("hop", Kind.U32, "new samples per channel that a PUSH takes; 0 without sliding windows"),
    Field("push_bytes", Kind.U32, "size of the codes of one PUSH; 0 without sliding windows", "B"),
    Field("restart_cause", Kind.U8, "why the board last started"),
    Field(
        "run_limit_ms", Kind.U32, "an inference that takes longer is reported as a hang; 0: no limit", "ms"
    ),
)

_FAULT = (
    Field("kind", Kind.U8, "what happened"),
    Field(
        "exception", Kind.U32, "number of the exception (IPSR): 3 hard fault, 4 to 6 memory, bus, usage fault"
    ),
    Field("fault_status", Kind.U32, "CFSR"),
    Field("hard_fault_status", Kind.U32, "HFSR"),
    Field("bus_address", Kind.U32, "BFAR or MMFAR, whichever CFSR says is valid; else 0"),
    Field("program_counter", Kind.U32, "of the interrupted code; 0 when its frame could not be stacked"),
    Field("link_register", Kind.U32, "of the interrupted code; 0 when its frame could not be stacked"),
    Field("stack_pointer", Kind.U32, "of the interrupted code"),
    Field("runs", Kind.U32, "inferences begun since the start"),
)

_TIMER_TICKS = Field(
    "timer_ticks",
    Kind.U32,
    "the same stretch by SysTick, a second counter of clock_hz, modulo 2^32; 0 when it stands still",
    "ticks",
)
_OUTPUT_CRC = Field("output_crc", Kind.U32, "CRC-32 of the whole output")

BOOT = Message("BOOT", 0xC0, "Sent once after every start, unasked, with sequence number 0.", _INFO)
FAULT = Message(
    "FAULT",
    0xC1,
    "Sent unasked, with sequence number 0, when the firmware crashes or hangs; the board restarts afterwards.",
    _FAULT,
)
ERROR = Message(
    "ERROR",
    0xFF,
    "Answers a request that the board refuses.",
    (
        Field("status", Kind.U8, "status code"),
        Field("request_type", Kind.U8, "type of the refused request"),
        Field("detail", Kind.S32, "depends on the status code; else 0"),
    ),
)

HELLO = _command(
    "HELLO",
    0x01,
    "Opens a session and asks what the board is. A new session number forgets all earlier sequence numbers.",
    (Field("session", Kind.U32, "random number chosen by the host, not 0"),),
    _INFO,
)
LOAD_INPUT = _command(
    "LOAD_INPUT",
    0x02,
    "Writes a piece of the input buffer.",
    (
        Field("offset", Kind.U32, "first byte to write", "B"),
        Field("chunk", Kind.BYTES, "codes of the model"),
    ),
    (Field("end", Kind.U32, "offset behind the last byte written", "B"),),
)
RUN = _command(
    "RUN",
    0x03,
    "One inference on the loaded input. Nothing is sent or received meanwhile.",
    (),
    (
        _MODEL_STATUS,
        _INPUT_CRC,
        Field("ticks", Kind.U32, "counter after the run minus counter before it, modulo 2^32", "ticks"),
        _TIMER_TICKS,
        _OUTPUT_CRC,
        Field(
            "output",
            Kind.BYTES,
            "codes of the model; empty when they do not fit (READ_OUTPUT) or the run failed",
        ),
    ),
)
READ_OUTPUT = _command(
    "READ_OUTPUT",
    0x04,
    "Reads a piece of the output of the last run or push.",
    (Field("offset", Kind.U32, "first byte to read", "B"), Field("size", Kind.U32, "bytes to read", "B")),
    (
        Field("offset", Kind.U32, "as asked", "B"),
        Field("chunk", Kind.BYTES, "codes of the model"),
    ),
)
RUN_MANY = _command(
    "RUN_MANY",
    0x05,
    "Several inferences on the loaded input.",
    (
        Field("first_index", Kind.U32, "number of the first run, for the host's bookkeeping"),
        Field("count", Kind.U32, "runs, 1 to MAX_RUNS_PER_REQUEST"),
    ),
    (
        _MODEL_STATUS,
        _INPUT_CRC,
        Field("first_index", Kind.U32, "as asked"),
        Field(
            "timer_ticks",
            Kind.U32,
            "all runs together by SysTick, modulo 2^32; 0 when it stands still",
            "ticks",
        ),
        Field("ticks", Kind.U32_LIST, "one value a run; fewer than asked when a run failed", "ticks"),
    ),
)
PROFILE = _command(
    "PROFILE",
    0x06,
    "One inference with a tick count per operator. first_operator 0 runs the model; a larger one reads more "
    "of the same run.",
    (Field("first_operator", Kind.U32, "first operator to report"),),
    (
        _MODEL_STATUS,
        _INPUT_CRC,
        Field("first_operator", Kind.U32, "as asked"),
        Field("ticks", Kind.U32_LIST, "one value an operator; empty when the run failed", "ticks"),
    ),
)
MEMORY = _command(
    "MEMORY",
    0x07,
    "Memory in use.",
    (),
    (
        Field("arena_bytes", Kind.U32, "static buffer for intermediate results", "B"),
        Field("stack_bytes", Kind.U32, "reserved for the stack", "B"),
        Field("stack_high_water", Kind.U32, "most stack ever used since the start", "B"),
    ),
)
ECHO = _command(
    "ECHO",
    0x08,
    "Sends the data back.",
    (Field("payload", Kind.BYTES, "anything"),),
    (Field("payload", Kind.BYTES, "the same"),),
)
RESET = _command("RESET", 0x09, "Restarts the board after the reply.", (), ())
STATISTICS = _command(
    "STATISTICS",
    0x0A,
    "What the board has seen on the line since its start.",
    (),
    (
        Field("frames", Kind.U32, "correct frames"),
        Field("crc_errors", Kind.U32, "frames with a wrong CRC-32"),
        Field("cobs_errors", Kind.U32, "frames that are not COBS"),
        Field("malformed", Kind.U32, "frames too short, or with a length that is not their own"),
        Field("oversize", Kind.U32, "frames longer than FRAME_BYTES_MAX, discarded"),
        Field(
            "uart_overruns",
            Kind.U32,
            "times that bytes were lost, in the UART or because the receive buffer was full",
        ),
        Field("duplicates", Kind.U32, "repeated requests answered from the cache"),
        Field("stale", Kind.U32, "requests refused with STALE_SEQUENCE"),
    ),
)
PUSH = _command(
    "PUSH",
    0x0B,
    "Moves the stream's window on by the first push_bytes bytes of the input buffer, and answers for it. Nothing is "
    "sent or received meanwhile.",
    (Field("restart", Kind.U8, "1: forget the stream first; 0: continue it"),),
    (
        _MODEL_STATUS,
        Field("filling", Kind.U8, "1: the first window is not complete, so there is no output yet; else 0"),
        Field("samples_crc", Kind.U32, "CRC-32 of the codes that were pushed"),
        Field("ticks", Kind.U32, "counter after the push minus counter before it, modulo 2^32", "ticks"),
        _TIMER_TICKS,
        _OUTPUT_CRC,
        Field(
            "output",
            Kind.BYTES,
            "codes of the model; empty when they do not fit (READ_OUTPUT), while filling, or when the push failed",
        ),
    ),
)
LAST_FAULT = _command(
    "LAST_FAULT",
    0x0C,
    "The fault that was last reported, kept over restarts until power is lost.",
    (),
    _FAULT,
)
POWER_RUN = _command(
    "POWER_RUN",
    0x0D,
    "For measuring power: after the reply the board switches its UART off and takes no requests. It sleeps once, then "
    "repeats: gate pin high, runs inferences on the loaded input, gate pin low, awake for awake_ms, asleep for "
    "sleep_ms. At the end the UART is on again. With bursts 0 nothing is run: how did the last one go?",
    (
        Field("bursts", Kind.U32, "how often, up to MAX_POWER_BURSTS; 0 only asks"),
        Field(
            "runs",
            Kind.U32,
            "inferences in each burst, 1 to MAX_POWER_BURSTS; not looked at when bursts is 0",
        ),
        Field("awake_ms", Kind.U32, "wait in a loop after each burst, up to MAX_POWER_PAUSE_MS", "ms"),
        Field("sleep_ms", Kind.U32, "then sleep, up to MAX_POWER_PAUSE_MS", "ms"),
    ),
    (
        Field("state", Kind.U8, "what has become of it"),
        _MODEL_STATUS,
        Field(
            "bursts_done",
            Kind.U32,
            "complete bursts of the last run; fewer than asked when an inference failed",
        ),
        Field("burst_ticks", Kind.U32, "counter over the inferences of the last burst, modulo 2^32", "ticks"),
    ),
)

COMMANDS = (
    HELLO,
    LOAD_INPUT,
    RUN,
    READ_OUTPUT,
    RUN_MANY,
    PROFILE,
    MEMORY,
    ECHO,
    RESET,
    STATISTICS,
    PUSH,
    LAST_FAULT,
    POWER_RUN,
)
MESSAGES = (
    *(message for command in COMMANDS for message in (command.request, command.reply)),
    BOOT,
    FAULT,
    ERROR,
)

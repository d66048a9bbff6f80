"""One request, one reply: sequence numbers, time limits, retransmission, and an account of what was seen."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto

from ppg_deploy.errors import DeviceError
from ppg_deploy.stream import SerialStream
from ppg_deploy.wire import table
from ppg_deploy.wire.faults import FaultError, LineError
from ppg_deploy.wire.framing import FrameDecoder, Packet, encode_packet
from ppg_deploy.wire.messages import ErrorReply, FaultReport, unpack_reply
from ppg_deploy.wire.table import Command

_POLL_S = 0.02
"""Longest single read. Setting pyserial's timeout reconfigures the port, so it is set once only."""
_SEQUENCE_NUMBERS = 1 << 16
_MOST_FAULTS_AT_START = 3
"""A board that crashes while it starts does so again and again."""

Clock = Callable[[], float]


class _Nothing(Enum):
    """Why an attempt brought no reply."""

    TIMED_OUT = auto()
    BOOT_HEARD = auto()


class NoAnswerError(DeviceError):
    """Every attempt of a request ran into its time limit."""


class RefusedError(DeviceError):
    """The board answered with ERROR; `reply` says why."""

    def __init__(self, command: Command, reply: ErrorReply) -> None:
        super().__init__(
            f"the board refused {command.request.name}: {reply.status_name} ({reply.description}), "
            f"detail {reply.detail}",
            hint=_REFUSAL_HINTS.get(reply.status_name, "build and flash the firmware again"),
        )
        self.reply = reply


_REFUSAL_HINTS = {
    "NO_SESSION": "the board restarted in between: look for a fault, a watchdog or a weak supply",
    "STALE_SEQUENCE": "another program talks to the same port: close it",
    "NO_SLIDING": "build the firmware with --hop SAMPLES",
    "MODEL_NOT_READY": "detail is the runtime's error code; with tflm, a positive one is the size its arena needs",
}


@dataclass(frozen=True)
class LinkStatistics:
    """What the host has counted on its side of the line.

    `sent` counts frames including the `retries`; `timeouts` attempts without an answer; `stale` correct
    frames that answer no open request; `malformed` frames of a wrong length; `input_reloads` how often the
    board's input buffer was not what had been sent.
    """

    sent: int
    retries: int
    crc_errors: int
    cobs_errors: int
    malformed: int
    stale: int
    timeouts: int
    input_reloads: int = 0


@dataclass(frozen=True)
class _Seen:
    received_bytes: int
    crc_errors: int
    cobs_errors: int
    malformed: int
    stale: int
    boots: int

    def since(self, earlier: "_Seen") -> str:
        received = self.received_bytes - earlier.received_bytes
        if received == 0:
            return "nothing was received"
        counts = {
            "with a wrong CRC": self.crc_errors - earlier.crc_errors,
            "that are not COBS": self.cobs_errors - earlier.cobs_errors,
            "of a wrong length": self.malformed - earlier.malformed,
            "that answer another request": self.stale - self.boots - earlier.stale + earlier.boots,
            "that tell of a restart": self.boots - earlier.boots,
        }
        found = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        return f"{received} B were received, frames: {found or 'none'}"


class _Patience:
    """A time limit that lets a frame already under way come to its end.

    An emulator that counts instructions may spend minutes in a single read: what arrives then is not late.
    """

    def __init__(self, timeout_s: float, clock: Clock) -> None:
        self.is_over = False
        self._clock = clock
        self._deadline = clock() + timeout_s
        self._late_bytes_left = table.FRAME_BYTES_MAX + 2

    def note(self, received: bytes) -> None:
        """Decide after each read whether another one is worth its time."""
        if self._clock() >= self._deadline:
            self._late_bytes_left -= len(received)
            self.is_over = not received or self._late_bytes_left < 0


class Link:
    """Exchanges packets over `stream`, `attempts` times at most for each request; `clock` counts seconds."""

    def __init__(self, stream: SerialStream, *, attempts: int, clock: Clock = time.monotonic) -> None:
        self._stream = stream
        self._attempts = attempts
        self._clock = clock
        self._decoder = FrameDecoder()
        self._waiting: list[Packet] = []
        self._sequence = 0
        self._sent = self._retries = self._stale = self._timeouts = self._boots = 0
        self._faults: list[bytes] = []
        self._faults_at_start = 0
        with _line_errors():
            stream.timeout = _POLL_S

    @property
    def statistics(self) -> LinkStatistics:
        """The counts so far."""
        return LinkStatistics(
            sent=self._sent,
            retries=self._retries,
            crc_errors=self._decoder.crc_errors,
            cobs_errors=self._decoder.cobs_errors,
            malformed=self._decoder.malformed,
            stale=self._stale,
            timeouts=self._timeouts,
        )

    def start_session(self, sequence: int) -> None:
        """Forget how the last session ended; the next request gets the sequence number after `sequence`."""
        self._sequence = sequence
        self._faults_at_start = 0

    def wait_for_boot(self, timeout_s: float) -> bool:
        """True when a BOOT packet came within `timeout_s`; everything before it is dropped.

        Raises:
            FaultError: the firmware crashes again and again while it starts.
            DeviceError: the line is gone, or the board speaks another protocol version.
        """
        patience = _Patience(timeout_s, self._clock)
        while (packet := self._next_packet(patience)) is not None:
            if packet.type == table.BOOT.type:
                return True
            self._drop(packet)
        return False

    def exchange(
        self,
        command: Command,
        data: bytes,
        *,
        timeout_s: float,
        first_wait_s: float | None = None,
        attempts: int | None = None,
    ) -> bytes:
        """Send a request until its reply comes; the data of the reply.

        The first attempt waits `first_wait_s`, each other one twice as long as the one before, up to `timeout_s`; the
        last one waits `timeout_s` in any case. So nothing takes longer than `attempts` times `timeout_s`.

        Args:
            command: what is asked.
            data: packed request.
            timeout_s: time limit of one attempt.
            first_wait_s: time after which a lost frame is likely; `timeout_s` when None.
            attempts: instead of the link's own number.

        Raises:
            FaultError: the board reported a crash or a hang.
            NoAnswerError: no attempt was answered; says what was seen instead.
            RefusedError: the board answered with ERROR. NO_SESSION says that it has restarted.
            LineError: the line is gone.
            DeviceError: the board speaks another protocol version.
        """
        self._sequence = (self._sequence + 1) % _SEQUENCE_NUMBERS
        frame = encode_packet(Packet(command.request.type, self._sequence, data))
        allowed = self._attempts if attempts is None else attempts
        before, started = self._seen(), self._clock()
        wait_s = timeout_s if first_wait_s is None else min(first_wait_s, timeout_s)
        for attempt in range(allowed):
            self._retries += attempt > 0
            self._sent += 1
            with _line_errors():
                self._stream.write(frame)
            is_last = attempt == allowed - 1
            reply = self._reply_to(command, _Patience(timeout_s if is_last else wait_s, self._clock))
            if isinstance(reply, bytes):
                return reply
            self._timeouts += reply is _Nothing.TIMED_OUT
            wait_s = min(2.0 * wait_s, timeout_s)
        raise NoAnswerError(
            f"no answer to {command.request.name} in {allowed} attempts within {self._clock() - started:.3g} s: "
            f"{self._seen().since(before)}",
            hint="check baud rate, cable and power, and that the board runs this firmware; "
            "for a slow model or emulator allow more time",
        )

    def _reply_to(self, command: Command, patience: _Patience) -> bytes | _Nothing:
        opens_session = command is table.HELLO
        while (packet := self._next_packet(patience)) is not None:
            if packet.sequence == self._sequence and packet.type == command.reply.type:
                return packet.data
            if packet.sequence == self._sequence and packet.type == table.ERROR.type:
                error = unpack_reply(table.ERROR, ErrorReply, packet.data)
                if error.request_type == command.request.type:
                    raise RefusedError(command, error)
            if packet.type == table.FAULT.type and not opens_session and packet.data not in self._faults:
                self._faults.append(packet.data)
                raise FaultError(_fault_in(packet), command.request.name)
            self._drop(packet)
            if packet.type in (table.BOOT.type, table.FAULT.type) and not opens_session:
                # Either the board has just started, and refuses the next attempt, or this is an echo of an earlier
                # start on a bad line, and the next attempt is a harmless repetition.
                return _Nothing.BOOT_HEARD
        return _Nothing.TIMED_OUT

    def _drop(self, packet: Packet) -> None:
        """Count a packet that answers no open request.

        Raises:
            FaultError: the firmware crashes again and again while it starts.
        """
        self._stale += 1
        self._boots += packet.type == table.BOOT.type
        if packet.type == table.FAULT.type:
            self._faults_at_start += 1
            if self._faults_at_start >= _MOST_FAULTS_AT_START:
                raise FaultError(_fault_in(packet), "start-up, again and again")

    def _next_packet(self, patience: _Patience) -> Packet | None:
        while not self._waiting:
            if patience.is_over:
                return None
            with _line_errors():
                received = self._stream.read(1)
            self._waiting += self._decoder.feed(received)
            patience.note(received)
        packet = self._waiting.pop(0)
        if packet.version != table.PROTOCOL_VERSION:
            raise DeviceError(
                f"the board speaks protocol version {packet.version}, this host {table.PROTOCOL_VERSION}",
                hint="build and flash the firmware with the same version of ppg-deploy",
            )
        return packet

    def _seen(self) -> _Seen:
        decoder = self._decoder
        return _Seen(
            decoder.received_bytes,
            decoder.crc_errors,
            decoder.cobs_errors,
            decoder.malformed,
            self._stale,
            self._boots,
        )


def _fault_in(packet: Packet) -> FaultReport:
    return unpack_reply(table.FAULT, FaultReport, packet.data)


@contextmanager
def _line_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LineError(
            f"the serial line failed: {error}",
            hint="check that the board is still plugged in and that no other program uses the port",
        ) from error

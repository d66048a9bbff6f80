"""The client against a scripted line: what it reports when the other end misbehaves."""

import struct
import time
import zlib
from collections.abc import Callable

import pytest
import serial

from ppg_deploy.errors import DeviceError, InputError, InternalError
from ppg_deploy.stream import SerialStream
from ppg_deploy.wire import table
from ppg_deploy.wire.client import Client
from ppg_deploy.wire.framing import FrameDecoder, Packet, encode_packet
from ppg_deploy.wire.link import NoAnswerError, RefusedError
from ppg_deploy.wire.messages import pack

WINDOW = bytes(range(8))
Answer = Callable[[Packet], bytes]


class ScriptedStream:
    """Answers each request with what `answer` makes of it."""

    def __init__(self, answer: Answer) -> None:
        self.timeout: float | None = None
        self.answer = answer
        self.requests: list[Packet] = []
        self.received = bytearray()
        self._decoder = FrameDecoder()

    def read(self, size: int = 1, /) -> bytes:
        if not self.received:
            time.sleep(0.002)
        data = bytes(self.received[:size])
        del self.received[:size]
        return data

    def write(self, data: bytes, /) -> int | None:
        for request in self._decoder.feed(data):
            self.requests.append(request)
            self.received += self.answer(request)
        return len(data)

    def close(self) -> None:
        self.received.clear()


def reply(
    request: Packet, data: bytes, *, sequence_offset: int = 0, version: int = table.PROTOCOL_VERSION
) -> bytes:
    sequence = (request.sequence + sequence_offset) % 0x10000
    return encode_packet(Packet(request.type | 0x80, sequence, data, version))


def info(
    request: Packet, *, session: int | None = None, restart_cause: int = 1, run_limit_ms: int = 0
) -> bytes:
    number = struct.unpack("<I", request.data)[0] if session is None else session
    return pack(
        table.HELLO.reply,
        session=number,
        clock_hz=80_000_000,
        bsp_status=0,
        input_bytes=len(WINDOW),
        output_bytes=2,
        arena_bytes=100,
        operator_count=3,
        model_status=0,
        cpuid=0,
        counter_source=1,
        runtime="aot",
        firmware_version="1",
        board_id="scripted",
        model_sha256="00" * 32,
        build_id="11" * 32,
        hop=2,
        push_bytes=4,
        restart_cause=restart_cause,
        run_limit_ms=run_limit_ms,
    )


def good_answer(request: Packet) -> bytes:
    """A board whose input buffer is right and whose output is 05 06."""
    if request.type == table.HELLO.request.type:
        return reply(request, info(request))
    if request.type == table.LOAD_INPUT.request.type:
        (offset,) = struct.unpack_from("<I", request.data)
        return reply(request, struct.pack("<I", offset + len(request.data) - 4))
    if request.type == table.RUN.request.type:
        return reply(request, run_reply(zlib.crc32(WINDOW)))
    return reply(request, request.data)


def run_reply(input_crc: int, output: bytes = b"\5\6", output_crc: int | None = None) -> bytes:
    crc = zlib.crc32(output) if output_crc is None else output_crc
    return struct.pack("<iIIII", 0, input_crc, 77, 78, crc) + output


def client_on(answer: Answer) -> tuple[Client, ScriptedStream]:
    stream = ScriptedStream(good_answer)
    client = Client(stream, attempts=3, timeout_s=0.03, run_timeout_s=0.03)
    client.connect(boot_wait_s=0.0, timeout_s=1.0)
    stream.answer = answer
    stream.requests.clear()
    return client, stream


def silence(_: Packet) -> bytes:
    return b""


def test_pyserial_is_a_stream() -> None:
    port: SerialStream = serial.Serial()
    assert port.timeout is None


def test_infer_on_a_good_line() -> None:
    client, stream = client_on(good_answer)
    result = client.infer(WINDOW)
    assert (result.status, result.ticks, result.timer_ticks, result.output) == (0, 77, 78, b"\5\6")
    assert [request.sequence for request in stream.requests] == [
        (stream.requests[0].sequence + i) % 0x10000 for i in range(2)
    ]
    assert (client.link.sent, client.link.retries, client.link.timeouts, client.link.stale) == (3, 0, 0, 0)


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (silence, "nothing was received"),
        (lambda _: b"Hello, I am another program\r\n", "29 B were received, frames: none"),
        (lambda _: b"\x09\x01\0", "1 that are not COBS"),
        (lambda request: reply(request, b"abc").replace(b"abc", b"abd"), "1 with a wrong CRC"),
        (lambda _: b"\x02\x11\0", "1 of a wrong length"),
        (lambda request: reply(request, b"", sequence_offset=-1), "1 that answer another request"),
        (lambda request: encode_packet(Packet(0x8A, request.sequence, b"")), "1 that answer another request"),
    ],
)
def test_no_answer_says_what_was_seen_instead(answer: Answer, seen: str) -> None:
    client, stream = client_on(answer)
    expected = seen if seen[0] != "1" else seen.replace("1 ", "3 ", 1)
    expected = expected.replace("29 B", "87 B")
    with pytest.raises(NoAnswerError, match=f"no answer to ECHO in 3 attempts.*{expected}") as caught:
        client.echo(b"x")
    assert "baud rate" in caught.value.hint
    assert len(stream.requests) == 3
    assert len({(request.sequence, request.data) for request in stream.requests}) == 1
    assert (client.link.retries, client.link.timeouts) == (2, 3)


def test_a_lost_reply_is_asked_for_again_with_the_same_number() -> None:
    client, stream = client_on(silence)
    stream.answer = lambda request: good_answer(request) if len(stream.requests) == 3 else b""
    client.echo(b"again")
    assert len({request.sequence for request in stream.requests}) == 1
    assert (client.link.retries, client.link.timeouts) == (2, 2)


def test_a_reply_that_a_slow_emulator_hands_over_late_is_not_late(monkeypatch: pytest.MonkeyPatch) -> None:
    client, stream = client_on(good_answer)
    prompt_read = stream.read

    def slow_read(size: int = 1, /) -> bytes:
        time.sleep(0.1)
        monkeypatch.setattr(stream, "read", prompt_read)
        return prompt_read(size)

    monkeypatch.setattr(stream, "read", slow_read)
    client.echo(b"x" * 512)
    assert (client.link.retries, client.link.timeouts) == (0, 0)


def test_endless_noise_does_not_hold_the_client_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    client, stream = client_on(silence)
    old_reply = encode_packet(Packet(table.ECHO.reply.type, 0, b"old"))
    for noise in (b"\x55", b"\x00", old_reply):
        monkeypatch.setattr(stream, "read", lambda _=1, noise=noise: noise)
        with pytest.raises(NoAnswerError, match="B were received"):
            client.echo(b"x")


def test_stale_replies_are_dropped_and_counted() -> None:
    client, _ = client_on(
        lambda request: reply(request, b"old", sequence_offset=-1) + reply(request, request.data)
    )
    client.echo(b"new")
    assert (client.link.stale, client.link.retries) == (1, 0)


def test_another_echo_is_an_error() -> None:
    client, _ = client_on(lambda request: reply(request, b"other"))
    with pytest.raises(DeviceError, match="ECHO_REPLY"):
        client.echo(b"mine")


def test_another_protocol_version_is_named() -> None:
    client, _ = client_on(lambda request: reply(request, b"", version=9))
    with pytest.raises(DeviceError, match="version 9") as caught:
        client.echo(b"")
    assert "flash" in caught.value.hint


def test_a_refusal_is_explained() -> None:
    def answer(request: Packet) -> bytes:
        error = pack(table.ERROR, status=3, request_type=request.type, detail=42)
        return encode_packet(Packet(table.ERROR.type, request.sequence, error))

    client, stream = client_on(answer)
    with pytest.raises(RefusedError, match=r"refused MEMORY: BAD_ARGUMENT .* detail 42"):
        client.memory()
    assert len(stream.requests) == 1


@pytest.mark.parametrize(
    "error", [serial.SerialException("device disconnected"), OSError(5, "Input/output error")]
)
@pytest.mark.parametrize("method", ["read", "write"])
def test_an_unplugged_board_is_a_device_error(
    monkeypatch: pytest.MonkeyPatch, error: OSError, method: str
) -> None:
    client, stream = client_on(good_answer)

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(stream, method, fail)
    with pytest.raises(DeviceError, match="serial line failed") as caught:
        client.echo(b"x")
    assert "plugged in" in caught.value.hint


def test_connect_gives_up_in_time() -> None:
    client = Client(ScriptedStream(silence), timeout_s=0.05)
    started = time.monotonic()
    with pytest.raises(
        DeviceError, match=r"no ppg-deploy firmware answers: no BOOT within 0\.1 s.*nothing"
    ) as caught:
        client.connect(boot_wait_s=0.1, timeout_s=0.3)
    assert 0.3 <= time.monotonic() - started < 1.5
    assert "reset button" in caught.value.hint


def test_nothing_is_sent_before_boot() -> None:
    stream = ScriptedStream(good_answer)
    client = Client(stream, timeout_s=0.1)
    boot = encode_packet(Packet(table.BOOT.type, 0, bytes(table.BOOT.min_bytes)))
    arrival = time.monotonic() + 0.1
    unscripted_read = stream.read

    def read_with_late_boot(size: int = 1, /) -> bytes:
        if boot not in sent_boots and time.monotonic() >= arrival:
            assert stream.requests == []
            sent_boots.append(boot)
            stream.received += b"noise" + boot
        return unscripted_read(size)

    sent_boots: list[bytes] = []
    stream.read = read_with_late_boot  # type: ignore[method-assign]
    client.connect(boot_wait_s=5.0, timeout_s=10.0)
    assert time.monotonic() < arrival + 1.0
    assert sent_boots == [boot]
    assert [request.type for request in stream.requests] == [table.HELLO.request.type]


def test_a_hello_reply_of_another_session_is_refused() -> None:
    client = Client(ScriptedStream(lambda request: reply(request, info(request, session=1))), timeout_s=0.05)
    with pytest.raises(DeviceError, match="another program"):
        client.connect(boot_wait_s=0.0, timeout_s=0.1)


def test_a_wrong_input_buffer_is_loaded_again() -> None:
    crcs = [123, zlib.crc32(WINDOW)]

    def answer(request: Packet) -> bytes:
        if request.type == table.RUN.request.type:
            return reply(request, run_reply(crcs.pop(0)))
        return good_answer(request)

    client, stream = client_on(answer)
    assert client.infer(WINDOW).output == b"\5\6"
    load, run = table.LOAD_INPUT.request.type, table.RUN.request.type
    assert [request.type for request in stream.requests] == [load, run, load, run]
    assert client.link.input_reloads == 1


def test_an_input_buffer_that_stays_wrong_is_an_error() -> None:
    def answer(request: Packet) -> bytes:
        return reply(request, run_reply(0xABCD)) if request.type == 3 else good_answer(request)

    client, stream = client_on(answer)
    with pytest.raises(DeviceError, match="input buffer is not what was sent: CRC-32 0000abcd"):
        client.infer(WINDOW)
    assert sum(request.type == 3 for request in stream.requests) == 3


@pytest.mark.parametrize(
    "bad_reply", [run_reply(zlib.crc32(WINDOW), output_crc=1), run_reply(zlib.crc32(WINDOW), b"1")]
)
def test_an_output_that_is_not_the_runs_is_an_error(bad_reply: bytes) -> None:
    client, _ = client_on(
        lambda request: reply(request, bad_reply) if request.type == 3 else good_answer(request)
    )
    with pytest.raises(DeviceError, match="the output that was read"):
        client.infer(WINDOW)


def test_run_many_asks_for_no_more_than_the_time_limit_allows() -> None:
    counts = []

    def slow_runs(request: Packet) -> bytes:
        if request.type != table.RUN_MANY.request.type:
            return good_answer(request)
        first, count = struct.unpack("<II", request.data)
        counts.append(count)
        time.sleep(0.02 * count)
        return reply(request, struct.pack(f"<iIII{count}I", 0, zlib.crc32(WINDOW), first, 9, *range(count)))

    stream = ScriptedStream(slow_runs)
    client = Client(stream, timeout_s=1.0, run_timeout_s=0.5)
    client.connect(boot_wait_s=0.0, timeout_s=1.0)
    client.load_input(WINDOW)
    assert len(client.run_many(20)) == 20
    assert counts[0] == 1
    assert 1 < max(counts) <= 12
    assert sum(counts) == 20


def test_calls_in_the_wrong_order_are_the_callers_mistake() -> None:
    with pytest.raises(InternalError, match="no board is connected"):
        Client(ScriptedStream(silence)).memory()
    with pytest.raises(InternalError, match="no board is connected"):
        Client(ScriptedStream(silence)).reset()
    client, _ = client_on(good_answer)
    with pytest.raises(InternalError, match="no input is loaded"):
        client.run()
    with pytest.raises(InputError, match="7 B"):
        client.load_input(bytes(7))


def push_reply(samples_crc: int, output: bytes = b"\5\6") -> bytes:
    return struct.pack("<iBIIII", 0, 0, samples_crc, 77, 78, zlib.crc32(output)) + output


def test_a_push_of_other_samples_than_were_sent_is_not_repeated() -> None:
    def answer(request: Packet) -> bytes:
        if request.type == table.PUSH.request.type:
            return reply(request, push_reply(zlib.crc32(b"else")))
        return good_answer(request)

    client, stream = client_on(answer)
    with pytest.raises(DeviceError, match="pushed other samples"):
        client.push(b"\1\2\3\4", restart=False)
    assert [request.type for request in stream.requests] == [
        table.LOAD_INPUT.request.type,
        table.PUSH.request.type,
    ]


def test_a_push_whose_output_is_not_that_of_the_board_is_noticed() -> None:
    def answer(request: Packet) -> bytes:
        if request.type == table.PUSH.request.type:
            return reply(request, push_reply(zlib.crc32(b"\1\2\3\4"))[:-1] + b"\7")
        return good_answer(request)

    client, _ = client_on(answer)
    with pytest.raises(DeviceError, match="not the one that the run left"):
        client.push(b"\1\2\3\4", restart=False)

"""The bench application in C, driven by the real client over a pipe."""

import os
import random
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial
from app_device import FakeModel, FaultyStream, PipeStream, compile_device, compile_for_target, running

from ppg_deploy.errors import DeviceError, InputError
from ppg_deploy.stream import SerialStream
from ppg_deploy.wire import table
from ppg_deploy.wire.client import Client
from ppg_deploy.wire.framing import FrameDecoder, Packet, encode_packet
from ppg_deploy.wire.link import RefusedError
from ppg_deploy.wire.messages import DeviceInfo, ErrorReply, pack, unpack_reply
from ppg_deploy.wire.table import Message

SMALL = FakeModel(input_bytes=1024, output_bytes=4, operators=20)
LARGE = FakeModel(input_bytes=300, output_bytes=1200, operators=300)


@pytest.fixture(scope="module")
def small_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_device(tmp_path_factory.mktemp("small"), SMALL)


@pytest.fixture(scope="module")
def large_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_device(tmp_path_factory.mktemp("large"), LARGE)


@pytest.fixture
def stream(small_program: Path) -> Iterator[PipeStream]:
    with running(small_program) as device:
        yield device


@pytest.fixture
def client(stream: PipeStream) -> Client:
    return connected(stream)


def connected(stream: SerialStream) -> Client:
    client = Client(stream)
    client.connect(boot_wait_s=5.0, timeout_s=10.0)
    return client


def window(model: FakeModel, seed: int) -> bytes:
    codes = bytearray(random.Random(seed).randbytes(model.input_bytes))
    codes[0] = 1
    return bytes(codes)


class RawDevice:
    """Talks in single packets, to send what the client never would."""

    def __init__(self, stream: PipeStream) -> None:
        self.stream = stream
        self.stream.timeout = 5.0
        self._decoder = FrameDecoder()

    def receive(self) -> Packet:
        while True:
            byte = self.stream.read(1)
            assert byte, "no packet within 5 s"
            for packet in self._decoder.feed(byte):
                return packet

    def ask(self, message: Message, sequence: int, data: bytes) -> Packet:
        self.stream.write(encode_packet(Packet(message.type, sequence, data)))
        return self.receive()

    def open_session(self, *, session: int, sequence: int) -> Packet:
        return self.ask(table.HELLO.request, sequence, pack(table.HELLO.request, session=session))

    def refusal(self, message: Message, sequence: int, data: bytes) -> ErrorReply:
        packet = self.ask(message, sequence, data)
        assert (packet.type, packet.sequence) == (table.ERROR.type, sequence)
        return unpack_reply(table.ERROR, ErrorReply, packet.data)


@pytest.fixture
def raw(stream: PipeStream) -> RawDevice:
    device = RawDevice(stream)
    assert device.receive().type == table.BOOT.type
    return device


@pytest.mark.arm
@pytest.mark.parametrize("model", [SMALL, LARGE, FakeModel(32, 4, 1, hop=8)])
def test_the_firmware_compiles_for_the_target_without_warnings(tmp_path: Path, model: FakeModel) -> None:
    compiler = shutil.which("arm-none-eabi-gcc")
    if compiler is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    compile_for_target(compiler, tmp_path, model)


def test_connect_tells_what_the_board_is(client: Client) -> None:
    info = client.info
    assert info == DeviceInfo(
        session=info.session,
        clock_hz=80_000_000,
        bsp_status=1,
        input_bytes=1024,
        output_bytes=4,
        arena_bytes=4321,
        operator_count=20,
        model_status=0,
        cpuid=0,
        counter_source=2,
        runtime="aot",
        firmware_version="1.2.3",
        board_id="a-board-id-of-just-32-characters",
        model_sha256="00112233445566778899aabbccddeeff" * 2,
        build_id="fedcba9876543210" * 4,
        hop=0,
        push_bytes=0,
        restart_cause=2,
        run_limit_ms=1500,
    )
    assert info.session != 0
    assert info.counter_name == "systick"
    assert len(info.bsp_problems) == 1
    assert info.restart_name == "pin"


def test_boot_has_the_info_without_a_session(stream: PipeStream) -> None:
    raw = RawDevice(stream)
    boot = raw.receive()
    assert (boot.type, boot.sequence) == (table.BOOT.type, 0)
    reply = raw.open_session(session=0xCAFE, sequence=9)
    assert struct.unpack_from("<I", boot.data) == (0,)
    assert struct.unpack_from("<I", reply.data) == (0xCAFE,)
    assert boot.data[4:] == reply.data[4:]


def test_infer_gives_output_and_ticks(client: Client) -> None:
    for number in range(3):
        codes = window(SMALL, number)
        result = client.infer(codes)
        assert (result.status, result.output, result.ticks) == (0, SMALL.output(codes), 1000 + number)


def test_an_output_that_fits_no_frame_is_read_in_pieces(large_program: Path) -> None:
    with running(large_program) as stream:
        client = connected(stream)
        codes = window(LARGE, 1)
        assert client.infer(codes).output == LARGE.output(codes)


def test_run_many_counts_every_run_once(client: Client) -> None:
    client.load_input(window(SMALL, 5))
    assert client.run_many(100) == tuple(range(1000, 1100))
    assert client.run_many(0) == ()


@pytest.mark.parametrize("model", [SMALL, LARGE])
def test_profile_reports_every_operator(small_program: Path, large_program: Path, model: FakeModel) -> None:
    with running(small_program if model is SMALL else large_program) as stream:
        client = connected(stream)
        client.load_input(window(model, 5))
        assert client.profile() == tuple(range(10, 10 + model.operators))
        assert client.run().ticks == 1001


def test_memory_echo_statistics(client: Client) -> None:
    memory = client.memory()
    assert (memory.arena_bytes, memory.stack_bytes, memory.stack_high_water) == (4321, 8192, 1234)
    for payload in (b"", b"\0", bytes(512), bytes(range(256)) * 2):
        client.echo(payload)
    statistics = client.statistics()
    assert (statistics.frames, statistics.uart_overruns) == (1 + 1 + 4 + 1, 5)
    assert (statistics.crc_errors, statistics.cobs_errors, statistics.malformed, statistics.oversize) == (
        0,
    ) * 4
    assert client.link.retries == 0


def test_reset_restarts_the_board(client: Client) -> None:
    client.infer(window(SMALL, 1))
    client.reset()
    client.connect(boot_wait_s=5.0, timeout_s=10.0)
    assert client.infer(window(SMALL, 1)).ticks == 1000
    assert client.statistics().frames == 1 + 3 + 1 + 1


def test_a_board_that_already_runs_is_found_without_boot(stream: PipeStream) -> None:
    connected(stream).infer(window(SMALL, 1))
    second = Client(stream)
    second.connect(boot_wait_s=0.05, timeout_s=5.0)
    assert second.infer(window(SMALL, 2)).output == SMALL.output(window(SMALL, 2))


def test_a_board_that_restarts_unasked_is_noticed(stream: PipeStream, client: Client) -> None:
    client.load_input(window(SMALL, 1))
    intruder = RawDevice(stream)
    intruder.open_session(session=77, sequence=1)
    intruder.ask(table.RESET.request, 2, b"")
    with pytest.raises(RefusedError, match="NO_SESSION"):
        client.run()


def test_a_failing_model_is_reported(client: Client) -> None:
    failing = b"\x7f" + window(SMALL, 1)[1:]
    result = client.infer(failing)
    assert (result.status, result.output) == (-7, b"")
    asks: list[Callable[[], object]] = [lambda: client.run_many(3), client.profile]
    for ask in asks:
        with pytest.raises(DeviceError, match="-7"):
            ask()
    assert client.infer(window(SMALL, 1)).status == 0


def test_a_model_that_cannot_start_is_reported(small_program: Path) -> None:
    with running(small_program, {"FAKE_INIT_STATUS": "-3"}) as stream:
        client = connected(stream)
        assert client.info.model_status == -3
        client.load_input(window(SMALL, 1))
        asks: list[Callable[[], object]] = [client.run, client.profile, lambda: client.run_many(1)]
        for ask in asks:
            with pytest.raises(RefusedError, match="MODEL_NOT_READY") as caught:
                ask()
            assert caught.value.reply.detail == -3


def test_an_input_of_the_wrong_size_is_refused_by_the_host(client: Client) -> None:
    with pytest.raises(InputError, match="1023 B"):
        client.load_input(bytes(1023))


def test_bad_requests_are_refused(raw: RawDevice) -> None:
    assert raw.refusal(table.ECHO.request, 1, b"x").status_name == "NO_SESSION"
    raw.open_session(session=5, sequence=10)
    load, read, many, profile = table.LOAD_INPUT, table.READ_OUTPUT, table.RUN_MANY, table.PROFILE
    largest = 0xFFFFFFFF
    cases = [
        (Message("NONSENSE", 0x66, "", ()), b"", "UNKNOWN_COMMAND"),
        (load.request, b"\0\0\0", "BAD_LENGTH"),
        (load.request, pack(load.request, offset=1024, chunk=b"x"), "BAD_ARGUMENT"),
        (load.request, pack(load.request, offset=1023, chunk=b"xx"), "BAD_ARGUMENT"),
        (load.request, pack(load.request, offset=largest, chunk=b"xx"), "BAD_ARGUMENT"),
        (table.RUN.request, b"x", "BAD_LENGTH"),
        (read.request, pack(read.request, offset=4, size=1), "BAD_ARGUMENT"),
        (read.request, pack(read.request, offset=0, size=largest), "BAD_ARGUMENT"),
        (read.request, pack(read.request, offset=largest, size=2), "BAD_ARGUMENT"),
        (many.request, pack(many.request, first_index=0, count=0), "BAD_ARGUMENT"),
        (many.request, pack(many.request, first_index=0, count=33), "BAD_ARGUMENT"),
        (profile.request, pack(profile.request, first_operator=20), "BAD_ARGUMENT"),
        (profile.request, pack(profile.request, first_operator=1), "NO_PROFILE"),
        (table.STATISTICS.request, b"x", "BAD_LENGTH"),
        (table.RESET.request, b"x", "BAD_LENGTH"),
        (table.LAST_FAULT.request, b"x", "BAD_LENGTH"),
        (table.PUSH.request, b"", "BAD_LENGTH"),
        (table.PUSH.request, b"\0\0", "BAD_LENGTH"),
        (table.PUSH.request, b"\0", "NO_SLIDING"),
    ]
    for sequence, (message, data, expected) in enumerate(cases, start=11):
        refusal = raw.refusal(message, sequence, data)
        assert (refusal.status_name, refusal.request_type) == (expected, message.type)
    assert raw.ask(load.request, 90, pack(load.request, offset=1024, chunk=b"")).type == load.reply.type


def test_another_protocol_version_is_refused(raw: RawDevice) -> None:
    raw.stream.write(encode_packet(Packet(type=1, sequence=4, data=b"abcd", version=1)))
    reply = raw.receive()
    error = unpack_reply(table.ERROR, ErrorReply, reply.data)
    assert (error.status_name, error.detail, reply.version) == ("UNSUPPORTED_VERSION", 1, 3)


def test_a_repeated_request_is_answered_from_the_cache(raw: RawDevice) -> None:
    raw.open_session(session=5, sequence=65535)
    first = raw.ask(table.RUN.request, 0, b"")
    repeated = [raw.ask(table.RUN.request, 0, b"") for _ in range(3)]
    assert repeated == [first] * 3
    following = raw.ask(table.RUN.request, 1, b"")
    ticks = [struct.unpack_from("<I", packet.data, 8)[0] for packet in (first, following)]
    assert ticks == [1000, 1001]
    statistics = raw.ask(table.STATISTICS.request, 2, b"")
    assert struct.unpack("<8I", statistics.data)[6] == 3


def test_a_stale_request_is_refused_and_does_not_spoil_the_cache(raw: RawDevice) -> None:
    hello = raw.open_session(session=5, sequence=100)
    assert raw.open_session(session=5, sequence=100) == hello
    load = pack(table.LOAD_INPUT.request, offset=0, chunk=b"old")
    raw.ask(table.LOAD_INPUT.request, 101, load)
    run = raw.ask(table.RUN.request, 102, b"")
    for message, sequence, data in [
        (table.LOAD_INPUT.request, 101, load),
        (table.HELLO.request, 100, pack(table.HELLO.request, session=5)),
        (table.ECHO.request, 102, b"other data, same number"),
        (table.ECHO.request, (102 + 0x8000) % 0x10000, b""),
    ]:
        refusal = raw.refusal(message, sequence, data)
        assert (refusal.status_name, refusal.detail) == ("STALE_SEQUENCE", 102)
    assert raw.ask(table.RUN.request, 102, b"") == run
    assert raw.ask(table.ECHO.request, (102 + 0x7FFF) % 0x10000, b"far ahead").data == b"far ahead"


def test_a_new_session_forgets_old_sequence_numbers(raw: RawDevice) -> None:
    raw.open_session(session=5, sequence=100)
    raw.open_session(session=6, sequence=50)
    assert raw.ask(table.ECHO.request, 51, b"x").data == b"x"


def test_pyserial_offers_what_the_client_needs(small_program: Path) -> None:
    pty = pytest.importorskip("pty", reason="no pseudo-terminals on this system")
    controller, terminal = pty.openpty()
    with serial.Serial(os.ttyname(terminal), 115200) as port:
        process = subprocess.Popen([str(small_program)], stdin=controller, stdout=controller)
        try:
            client = connected(port)
            client.echo(bytes(range(256)) * 2)
            assert client.infer(window(SMALL, 1)).output == SMALL.output(window(SMALL, 1))
        finally:
            process.kill()
            process.wait(timeout=10)
        os.close(controller)
        with pytest.raises(DeviceError, match="serial line failed"):
            client.memory()
    os.close(terminal)


def test_garbage_does_not_harm(small_program: Path) -> None:
    generator = random.Random(7)
    with running(small_program) as stream:
        client = connected(stream)
        for _ in range(40):
            stream.write(generator.randbytes(2500))
            stream.write(bytes(generator.choice([0, 1, 2, 255]) for _ in range(500)))
        stream.write(b"\x01" * 3000)
        client.connect(boot_wait_s=0.0, timeout_s=10.0)
        assert client.infer(window(SMALL, 1)).output == SMALL.output(window(SMALL, 1))
        statistics = client.statistics()
        assert statistics.cobs_errors > 100
        assert statistics.oversize >= 1


@pytest.mark.parametrize("seed", range(3))
def test_no_answer_is_wrong_on_a_bad_line(small_program: Path, seed: int) -> None:
    generator = random.Random(seed)
    windows = [window(SMALL, number) for number in range(20)]
    outputs = [SMALL.output(codes) for codes in windows]
    exchanges = failures = 0
    next_ticks, runs_in_doubt = 1000, 0
    with running(small_program) as inner:
        stream = FaultyStream(inner, seed=seed, share=0.12)
        client = Client(stream, attempts=4, timeout_s=0.03, run_timeout_s=0.03)
        client.connect(boot_wait_s=2.0, timeout_s=5.0)
        while exchanges < 800:
            exchanges += 1
            number = generator.randrange(len(windows))
            try:
                match generator.randrange(4):
                    case 0:
                        exchanges += 3
                        runs_in_doubt += 1
                        result = client.infer(windows[number])
                        assert (result.status, result.output) == (0, outputs[number])
                        assert next_ticks <= result.ticks < next_ticks + runs_in_doubt
                        next_ticks, runs_in_doubt = result.ticks + 1, 0
                    case 1:
                        client.echo(generator.randbytes(generator.randrange(513)))
                    case 2:
                        assert client.memory().stack_bytes == 8192
                    case _:
                        assert client.statistics().uart_overruns == 5
            except DeviceError:
                failures += 1
        assert stream.faults > 100
    assert client.link.input_reloads == 0
    assert failures < 80
    assert min(client.link.retries, client.link.crc_errors, client.link.stale, client.link.timeouts) > 0

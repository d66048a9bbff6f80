"""PUSH: the bench application in C with a model that slides, driven by the real client over a pipe."""

import random
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from app_device import FakeModel, FaultyStream, PipeStream, compile_device, running

from ppg_deploy.errors import DeviceError, InputError, InternalError
from ppg_deploy.wire import Client, table
from ppg_deploy.wire.link import RefusedError
from ppg_deploy.wire.messages import PushReply, pack, unpack_reply

# A push that takes two LOAD_INPUTs, and no whole number of which is a window; an output that fits no reply.
LONG = FakeModel(input_bytes=1400, output_bytes=6, operators=3, hop=600)
LARGE = FakeModel(input_bytes=40, output_bytes=1200, operators=3, hop=10)
WHOLE = FakeModel(input_bytes=32, output_bytes=4, operators=1, hop=32)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[FakeModel, Path]:
    return {
        model: compile_device(tmp_path_factory.mktemp("sliding"), model) for model in (LONG, LARGE, WHOLE)
    }


@pytest.fixture
def stream(programs: dict[FakeModel, Path]) -> Iterator[PipeStream]:
    with running(programs[LONG]) as device:
        yield device


@pytest.fixture
def client(stream: PipeStream) -> Client:
    client = Client(stream)
    client.connect(boot_wait_s=5.0, timeout_s=10.0)
    return client


def samples(model: FakeModel, count: int, seed: int = 1) -> list[bytes]:
    generator = random.Random(seed)
    return [bytes(generator.randrange(100) for _ in range(model.hop)) for _ in range(count)]


def last_window(model: FakeModel, pushed: list[bytes]) -> bytes:
    return b"".join(pushed)[-model.input_bytes :]


@pytest.mark.parametrize(("model", "filling"), [(LONG, 2), (LARGE, 3), (WHOLE, 0)])
def test_every_push_answers_for_the_last_window(
    programs: dict[FakeModel, Path], model: FakeModel, filling: int
) -> None:
    with running(programs[model]) as stream:
        client = Client(stream)
        info = client.connect(boot_wait_s=5.0, timeout_s=10.0)
        assert (info.hop, info.push_bytes) == (model.hop, model.hop)
        pushed = samples(model, filling + 4)
        for number, piece in enumerate(pushed):
            result = client.push(piece, restart=number == 0)
            assert (result.status, result.filling) == (0, number < filling)
            assert result.ticks == 5000 + number
            expected = b"" if result.filling else model.output(last_window(model, pushed[: number + 1]))
            assert result.output == expected


def test_restart_forgets_the_stream(client: Client) -> None:
    pushed = samples(LONG, 6)
    filling = [client.push(piece, restart=number in (0, 3)).filling for number, piece in enumerate(pushed)]
    assert filling == [True, True, False, True, True, False]


def test_a_stream_survives_other_requests(client: Client) -> None:
    pushed = samples(LONG, 4)
    for number, piece in enumerate(pushed[:3]):
        client.push(piece, restart=number == 0)
    window = bytes(range(100)) * 14
    assert client.infer(window).output == LONG.output(window)
    client.echo(b"in between")
    client.profile()
    assert client.push(pushed[3], restart=False).output == LONG.output(last_window(LONG, pushed))


def test_a_run_after_a_push_needs_its_window_again(client: Client) -> None:
    client.infer(bytes(1400))
    client.push(samples(LONG, 1)[0], restart=True)
    with pytest.raises(InternalError, match="no input is loaded"):
        client.run()


def test_a_failing_push_is_reported(client: Client) -> None:
    pieces = [b"\x01" * 400 + b"\x7f" + b"\x01" * 199, *samples(LONG, 2)]
    results = [client.push(piece, restart=number == 0) for number, piece in enumerate(pieces)]
    # The window starts at byte 400 of the first piece.
    assert (results[2].status, results[2].filling, results[2].output) == (-7, False, b"")


def test_samples_of_another_size_are_refused_by_the_host(client: Client) -> None:
    with pytest.raises(InputError, match="599 B, the model on the board takes 600 B"):
        client.push(bytes(599), restart=True)


def test_the_board_takes_no_other_restart_than_0_and_1(client: Client) -> None:
    link = client._link
    for restart in (2, 255):
        with pytest.raises(RefusedError, match="BAD_ARGUMENT"):
            link.exchange(table.PUSH, pack(table.PUSH.request, restart=restart), timeout_s=5.0)


def test_a_push_takes_what_lies_in_front_of_the_input_buffer(client: Client) -> None:
    client.load_input(bytes(range(100)) * 14)
    data = client._link.exchange(table.PUSH, pack(table.PUSH.request, restart=1), timeout_s=5.0)
    reply = unpack_reply(table.PUSH.reply, PushReply, data)
    assert (reply.model_status, reply.filling, reply.output) == (0, 1, b"")
    assert reply.samples_crc == zlib.crc32((bytes(range(100)) * 14)[:600])


@pytest.mark.parametrize("seed", range(2))
def test_no_push_happens_twice_on_a_bad_line(programs: dict[FakeModel, Path], seed: int) -> None:
    generator = random.Random(seed)
    with running(programs[LARGE]) as inner:
        stream = FaultyStream(inner, seed=seed, share=0.12)
        client = Client(stream, attempts=6, timeout_s=0.03, run_timeout_s=0.03)
        client.connect(boot_wait_s=2.0, timeout_s=5.0)
        pushed: list[bytes] = []
        answers = 0
        for _ in range(150):
            piece = generator.randbytes(LARGE.hop - 1).replace(b"\x7f", b"\0") + b"\1"
            try:
                result = client.push(piece, restart=not pushed)
            except DeviceError:
                # Nobody knows whether the board has pushed: only a new stream is certain.
                pushed = []
                continue
            pushed.append(piece)
            assert result.filling == (len(pushed) < 4)
            if not result.filling:
                assert result.output == LARGE.output(last_window(LARGE, pushed))
                answers += 1
        assert stream.faults > 50
        assert answers > 50

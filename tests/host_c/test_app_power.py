"""POWER_RUN: what the application does with gate pin, UART and pauses, and in which order."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from ppg_deploy.wire import Client
from ppg_deploy.wire.link import RefusedError
from tests.host_c.app_device import FakeModel, compile_program, running

FAKES = Path(__file__).parent / "app"
FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
MODEL = FakeModel(input_bytes=8, output_bytes=4, operators=3)
FAILING = bytes([127, *range(7)])
WINDOW = bytes(range(8))
Start = Callable[[], AbstractContextManager[Client]]


def app_sources() -> list[Path]:
    firmware = [path for part in ("app", "protocol") for path in sorted((FIRMWARE / part).glob("*.c"))]
    return [*firmware, FAKES / "fake_bsp.c", FAKES / "fake_model.c"]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_program(
        tmp_path_factory.mktemp("power") / "device",
        [*app_sources(), FAKES / "fake_power.c"],
        "-DPPG_POWER_RUN",
        *MODEL.defines,
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "power.log"


@pytest.fixture
def start(program: Path, log: Path) -> Start:
    @contextmanager
    def started() -> Iterator[Client]:
        with running(program, {"FAKE_POWER_LOG": str(log)}) as stream:
            client = Client(stream)
            client.connect(boot_wait_s=5.0, timeout_s=10.0)
            yield client

    return started


def lines(log: Path) -> list[str]:
    """What happened, without the counter."""
    return [line.partition(" at ")[0] for line in log.read_text().splitlines()]


def test_what_happens_in_which_order(start: Start, log: Path) -> None:
    with start() as client:
        client.load_input(WINDOW)
        assert client.power_run(bursts=0, runs=0, awake_ms=0, sleep_ms=0).state_name == "none"
        accepted = client.power_run(bursts=2, runs=3, awake_ms=4, sleep_ms=5)
        assert (accepted.state_name, accepted.bursts_done) == ("accepted", 0)
        finished = client.power_run(bursts=0, runs=0, awake_ms=0, sleep_ms=0)
    burst = ["gate 1", "gate 0", "awake 4", "sleep 5"]
    assert lines(log) == ["silence 0", "gate 0", "sleep 5", *burst, *burst, "speak 0"]
    assert (finished.state_name, finished.model_status, finished.bursts_done) == ("finished", 0, 2)
    # Run k takes 1000 + k ticks: the second burst are runs 3, 4 and 5.
    assert finished.burst_ticks == 1003 + 1004 + 1005


def test_inferences_lie_within_the_gate_and_nowhere_else(start: Start, log: Path) -> None:
    with start() as client:
        client.load_input(WINDOW)
        client.power_run(bursts=3, runs=2, awake_ms=1, sleep_ms=1)
        client.power_run(bursts=0, runs=0, awake_ms=0, sleep_ms=0)
    counters = [int(line.partition(" at ")[2]) for line in log.read_text().splitlines()]
    whats = lines(log)
    steps = [
        (what, (after - before) % 2**32)
        for what, (before, after) in zip(whats, itertools.pairwise(counters), strict=False)
    ]
    assert [ticks for what, ticks in steps if what == "gate 1"] == [2001, 2005, 2009]
    assert {ticks for what, ticks in steps if what != "gate 1"} == {0}


def test_afterwards_the_board_is_as_before(start: Start) -> None:
    with start() as client:
        client.load_input(WINDOW)
        before = client.run().output
        client.power_run(bursts=1, runs=1, awake_ms=0, sleep_ms=0)
        assert client.run().output == before == MODEL.output(WINDOW)


def test_a_failing_inference_ends_the_run(start: Start, log: Path) -> None:
    with start() as client:
        client.load_input(FAILING)
        client.power_run(bursts=5, runs=4, awake_ms=1, sleep_ms=1)
        reply = client.power_run(bursts=0, runs=0, awake_ms=0, sleep_ms=0)
    assert (reply.state_name, reply.model_status, reply.bursts_done) == ("finished", -7, 0)
    assert lines(log) == ["silence 0", "gate 0", "sleep 1", "gate 1", "gate 0", "speak 0"]


@pytest.mark.parametrize(
    "plan",
    [
        {"bursts": 10_001, "runs": 1, "awake_ms": 0, "sleep_ms": 0},
        {"bursts": 1, "runs": 0, "awake_ms": 0, "sleep_ms": 0},
        {"bursts": 1, "runs": 10_001, "awake_ms": 0, "sleep_ms": 0},
        {"bursts": 1, "runs": 1, "awake_ms": 10_001, "sleep_ms": 0},
        {"bursts": 1, "runs": 1, "awake_ms": 0, "sleep_ms": 0xFFFFFFFF},
    ],
)
def test_plans_beyond_the_limits_are_refused(start: Start, log: Path, plan: dict[str, int]) -> None:
    with start() as client:
        client.load_input(WINDOW)
        with pytest.raises(RefusedError) as caught:
            client.power_run(**plan)
        assert caught.value.reply.status_name == "BAD_ARGUMENT"
        assert client.power_run(bursts=0, runs=0, awake_ms=0, sleep_ms=0).state_name == "none"
    assert not log.exists()


def test_an_ordinary_image_refuses(tmp_path: Path) -> None:
    program = compile_program(tmp_path / "device", app_sources(), *MODEL.defines)
    with running(program) as stream:
        client = Client(stream)
        client.connect(boot_wait_s=5.0, timeout_s=10.0)
        with pytest.raises(RefusedError) as caught:
            client.power_run(bursts=1, runs=1, awake_ms=0, sleep_ms=0)
        assert caught.value.reply.status_name == "NO_POWER"

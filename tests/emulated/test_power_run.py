"""POWER_RUN on the whole firmware in emulators: sleep ends, the line comes back, and the answers are the same.

QEMU has its own NVIC and SysTick; unicorn's models of the chips are ours, and let a pause take no time.
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ppg_deploy import api
from ppg_deploy.boards import load_board
from ppg_deploy.graph.operators import Activation
from ppg_deploy.ports import emulated_board, open_emulator
from ppg_deploy.ports.qemu_port import PROGRAM
from ppg_deploy.quantization.codes import dequantize_codes
from ppg_deploy.tflite import read_tflite, write_tflite
from ppg_deploy.wire import Client
from ppg_deploy.wire.link import NoAnswerError
from ppg_deploy.wire.messages import PowerRunReply
from tests.support.compile_networks import NetworkBuilder, windows_for

pytestmark = pytest.mark.arm

LONGEST_S = 30.0
QEMU = pytest.param(
    ("netduinoplus2", "qemu"),
    marks=[
        pytest.mark.qemu,
        pytest.mark.skipif(shutil.which(PROGRAM) is None, reason=f"{PROGRAM} is not installed"),
    ],
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    net = NetworkBuilder(7, (1, 4, 40, 1))
    stem = net.convolution(net.input, 8, (1, 5), activation=Activation.RELU)
    path = tmp_path_factory.mktemp("model") / "model.tflite"
    path.write_bytes(write_tflite(net.graph(net.dense(net.reshape(stem, (1, net.tensors[stem].size)), 12))))
    return path


@pytest.fixture(scope="module", params=[QEMU, ("nucleo-l476rg", "unicorn"), ("nrf52840-dk", "unicorn")])
def built(
    request: pytest.FixtureRequest, model: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, str, Path]:
    """Board, emulator, output folder."""
    board, emulator = request.param
    if emulator == "unicorn":
        pytest.importorskip("unicorn", reason="the [emulator] extra is not installed")
    folder = tmp_path_factory.mktemp(board)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # without a ppg.toml
        api.build(board=board, model=model, out=folder, power=True)
    return board, emulator, folder


@pytest.fixture
def client(built: tuple[str, str, Path]) -> Iterator[Client]:
    board, emulator, folder = built
    elf = folder / "firmware" / "firmware.elf"
    connection = open_emulator(emulator, elf=elf, board=emulated_board(load_board(board)))
    client = Client(connection.stream)
    info = client.connect(boot_wait_s=connection.boot_wait_s, timeout_s=20.0)
    client.load_input(bytes(range(info.input_bytes)))
    yield client
    connection.close()


def finished(client: Client) -> PowerRunReply:
    end = time.monotonic() + LONGEST_S
    while True:
        try:
            return client.power_run(bursts=0, runs=0, awake_ms=0, sleep_ms=0)
        except NoAnswerError:
            assert time.monotonic() < end


def test_run_ends_and_the_line_is_back(client: Client) -> None:
    before = client.run()
    client.power_run(bursts=5, runs=3, awake_ms=2, sleep_ms=10)
    reply = finished(client)
    assert (reply.state_name, reply.model_status, reply.bursts_done) == ("finished", 0, 5)
    # Three inferences and the loop around them, by the same counter, which moves in steps here (or not at all).
    assert reply.burst_ticks == pytest.approx(3 * before.ticks, rel=0.02)
    after = client.run()
    assert after.output == before.output
    assert client.statistics().crc_errors == 0


def test_emulated_bench_estimates_energy_where_cycles_are_estimated(
    built: tuple[str, str, Path], model: Path
) -> None:
    board_id, emulator, folder = built
    graph = read_tflite(model)
    np.savez(folder / "windows.npz", x=dequantize_codes(windows_for(graph, seed=5, count=2), graph.input))
    report = api.bench(out=folder, emulator=emulator, data=folder / "windows.npz", count=1)
    assert report.energy is None
    if report.cost.cycles_estimated is None:
        assert report.energy_estimated is None
        return
    board = load_board(board_id)
    assert board.power is not None
    assert report.energy_estimated is not None
    cycles = report.cost.cycles_estimated.median
    by_hand_j = board.power.supply_v * board.power.run_current_ma * 1e-3 * cycles / board.clock_hz
    assert report.energy_estimated.energy_estimated_j == pytest.approx(by_hand_j, rel=1e-12)
    assert report.energy_estimated.cycles_source == "cycles_estimated"
    assert report.energy_estimated.timing_model == report.cost.timing_model
    assert not report.energy_estimated.current_verified

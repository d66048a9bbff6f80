"""POWER_RUN on the whole firmware under QEMU, with its own NVIC and SysTick: sleep ends, the line comes back."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ppg_deploy import api
from ppg_deploy.boards import load_board
from ppg_deploy.graph.operators import Activation
from ppg_deploy.ports import emulated_board, open_emulator
from ppg_deploy.ports.qemu_port import PROGRAM
from ppg_deploy.tflite import write_tflite
from ppg_deploy.wire import Client
from ppg_deploy.wire.link import NoAnswerError
from ppg_deploy.wire.messages import PowerRunReply
from tests.support.compile_networks import NetworkBuilder

pytestmark = [
    pytest.mark.arm,
    pytest.mark.qemu,
    pytest.mark.skipif(shutil.which(PROGRAM) is None, reason=f"{PROGRAM} is not installed"),
]
LONGEST_S = 30.0


def model(folder: Path) -> Path:
    net = NetworkBuilder(7, (1, 4, 40, 1))
    stem = net.convolution(net.input, 8, (1, 5), activation=Activation.RELU)
    path = folder / "model.tflite"
    path.write_bytes(write_tflite(net.graph(net.dense(net.reshape(stem, (1, net.tensors[stem].size)), 12))))
    return path


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("power")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # without a ppg.toml
        built = api.build(board="netduinoplus2", model=model(folder), out=folder / "out", power=True)
    connection = open_emulator(
        "qemu", elf=built.result.elf, board=emulated_board(load_board("netduinoplus2"))
    )
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
    # Three inferences and the loop around them, by the same counter, which moves in steps here.
    assert reply.burst_ticks == pytest.approx(3 * before.ticks, rel=0.02)
    after = client.run()
    assert after.output == before.output
    assert client.statistics().crc_errors == 0

"""build --dialect eembc, and a host that does what the public runner does, with the real image in the emulators."""

import csv
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from ppg_deploy.boards import load_board
from ppg_deploy.golden.tflm import TflmInterpreter
from ppg_deploy.ports import Connection, emulated_board, open_emulator
from ppg_deploy.ports.stm32_peripherals import Stm32Peripherals
from tests.support.commands import copy_demo, ppg_deploy, requires_compiler, requires_qemu, succeeded
from tests.support.eembc_host import EembcHost, Inference

pytestmark = requires_compiler

MODEL_ID = "ppg-pulse-demo"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_demo(tmp_path_factory.mktemp("student"))
    succeeded(ppg_deploy("quantize", "student.onnx", folder=folder))
    return folder


def build(folder: Path, board: str, dialect: str) -> str:
    return succeeded(ppg_deploy("build", "--board", board, "--dialect", dialect, folder=folder)).stdout


@contextmanager
def running(folder: Path, emulator: str, board: str) -> Iterator[tuple[EembcHost, Connection]]:
    connection = open_emulator(
        emulator,
        elf=folder / "build" / "firmware" / "firmware.elf",
        board=emulated_board(load_board(board)),
    )
    try:
        yield EembcHost(connection.stream), connection
    finally:
        connection.close()


def golden(folder: Path, data: bytes) -> tuple[str, ...]:
    """TFLM's interpreter asked directly, its codes turned into text by Python's own formatting."""
    facts = json.loads((folder / "build" / "quantize.json").read_text())["model"]
    shape = [1, *facts["input"]["shape"][1:]]
    codes = TflmInterpreter((folder / "build" / "model.tflite").read_bytes()).run(
        np.frombuffer(data, np.int8).reshape(shape)
    )
    scale, zero_point = np.float64(facts["output"]["scale"]), facts["output"]["zero_point"]
    # 24 bits times 9 bits are exact in a double, so that there is one rounding, as in the firmware.
    return tuple(f"{scale * (int(code) - zero_point):.3f}" for code in codes.reshape(-1))


class Wires:
    """What an emulated NUCLEO-L476RG puts out: letters of USART2, edges of PA10, its gate pin.

    Addresses from RM0351: USART2 at 0x40004400 with TDR at 0x28, GPIOA at 0x48000000 with BSRR at 0x18, whose bits
    15:0 set a pin and 31:16 reset it.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.text = ""
        write = Stm32Peripherals.write

        def spy(chip: Stm32Peripherals, address: int, value: int) -> None:
            if address == 0x4000_4428:
                self.text += chr(value & 0xFF)
            elif address == 0x4800_0018:
                self.text += {1 << 10: "<high>", 1 << 26: "<low>"}.get(value, "")
            write(chip, address, value)

        monkeypatch.setattr(Stm32Peripherals, "write", spy)


def identified(host: EembcHost, mode: str) -> str:
    """What the runner finds out before it chooses a test."""
    host.boot(mode)
    assert host.name() == "ppg-deploy"
    _, model_id = host.profile()
    return model_id


def measured(
    host: EembcHost, datasets: Path, model_id: str, *, runs: int, chunk_bytes: int = 31
) -> list[Inference]:
    """loop 5: download, infer."""
    answers = []
    with (datasets / model_id / "y_labels.csv").open(newline="") as file:
        for name, *_ in csv.reader(file):
            host.download((datasets / model_id / name).read_bytes(), chunk_bytes=chunk_bytes)
            answers.append(host.infer(runs, 1))
    return answers


def golden_of(folder: Path) -> list[tuple[str, ...]]:
    """Of every window that was written for the runner."""
    paths = sorted((folder / "build" / "eembc" / "datasets" / MODEL_ID).glob("*.bin"))
    expected = [golden(folder, path.read_bytes()) for path in paths]
    assert len(set(expected)) > 1
    return expected


@pytest.fixture(scope="module")
def on_l476(folder: Path) -> Path:
    """The folder with the image of performance mode for the NUCLEO-L476RG."""
    assert MODEL_ID in build(folder, "nucleo-l476rg", "eembc")
    return folder


@pytest.fixture(scope="module")
def on_netduino(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Path:
    """A folder of its own with the image for the board that QEMU models."""
    other = tmp_path_factory.mktemp("netduino") / "student"
    shutil.copytree(folder, other, ignore=shutil.ignore_patterns("firmware", "eembc"))
    build(other, "netduinoplus2", "eembc")
    return other


def check_performance_mode(folder: Path, emulator: str, board: str) -> None:
    datasets = folder / "build" / "eembc" / "datasets"
    with running(folder, emulator, board) as (host, connection):
        model_id = identified(host, "performance")
        assert model_id == MODEL_ID
        twice = measured(host, datasets, model_id, runs=2)
        once = measured(host, datasets, model_id, runs=1)
        # A chunk of the interface board's size loads the same bytes.
        again = measured(host, datasets, model_id, runs=1, chunk_bytes=26)
    expected = golden_of(folder)
    for answers in (twice, once, again):
        assert [answer.results for answer in answers] == expected
    for long, short in zip(twice, once, strict=True):
        assert len(long.laps_us) == len(short.laps_us) == 2
        if connection.ticks_valid:
            elapsed = [(laps[1] - laps[0]) % 2**32 for laps in (long.laps_us, short.laps_us)]
            assert elapsed[0] / elapsed[1] == pytest.approx(2, rel=0.02)
            # 3.4 million multiplications at QEMU's 16 MHz, one tick in six instructions
            assert 10_000 < elapsed[1] < 500_000


def test_performance_mode_in_unicorn(on_l476: Path) -> None:
    check_performance_mode(on_l476, "unicorn", "nucleo-l476rg")


@requires_qemu
def test_performance_mode_in_qemu(on_netduino: Path) -> None:
    check_performance_mode(on_netduino, "qemu", "netduinoplus2")


def test_energy_mode_in_unicorn(folder: Path, on_l476: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text and edges in the order in which the chip puts them out: what a logic analyser would show."""
    energy = on_l476.parent / f"{on_l476.name} energy"
    shutil.copytree(folder, energy, ignore=shutil.ignore_patterns("firmware", "eembc"))
    build(energy, "nucleo-l476rg", "eembc-energy")
    seen = Wires(monkeypatch)
    with running(energy, "unicorn", "nucleo-l476rg") as (host, _):
        model_id = identified(host, "energy")
        answers = measured(host, energy / "build" / "eembc" / "datasets", model_id, runs=2, chunk_bytes=26)
        host.send("timestamp")
    assert [answer.results for answer in answers] == golden_of(energy)
    assert all(answer.laps_us == () for answer in answers)
    marks = seen.text.replace("\r\n", "|")
    # The pin becomes an output with the level of reset, and then goes high.
    assert marks.startswith("<low><high>m-timestamp-mode-energy|<low><high>m-init-done|m-ready|")
    assert marks.count("m-infer-start-2|<low><high><low><high>m-infer-done|m-results-[") == 5
    assert marks.endswith("|m-ready|<low><high>m-ready|")
    assert marks.count("<low>") == 1 + 1 + 2 * 5 + 1


@requires_qemu
def test_energy_mode_in_qemu(on_netduino: Path) -> None:
    """QEMU has no GPIO to look at; what comes over the line is the same."""
    build(on_netduino, "netduinoplus2", "eembc-energy")
    with running(on_netduino, "qemu", "netduinoplus2") as (host, _):
        model_id = identified(host, "energy")
        answers = measured(host, on_netduino / "build" / "eembc" / "datasets", model_id, runs=1)
    assert [answer.results for answer in answers] == golden_of(on_netduino)
    assert all(answer.laps_us == () for answer in answers)


def test_files_for_the_runner(on_l476: Path) -> None:
    eembc = on_l476 / "build" / "eembc"
    names = sorted(path.name for path in (eembc / "datasets" / MODEL_ID).glob("*.bin"))
    assert len(names) == 5
    rows = [
        line.split(",") for line in (eembc / "datasets" / MODEL_ID / "y_labels.csv").read_text().splitlines()
    ]
    assert rows == [[name, "1", "0"] for name in names]
    expected = [line.split(",") for line in (eembc / "expected.csv").read_text().splitlines()]
    assert expected == [
        [name, *golden(on_l476, (eembc / "datasets" / MODEL_ID / name).read_bytes())] for name in names
    ]
    lines = [line for line in (eembc / "tests.yaml").read_text().splitlines() if not line.startswith("#")]
    # 3,383,328 multiply-accumulates at 80 MHz: 10 s are 158 inferences of 1.5 cycles each
    assert lines == [
        f"{MODEL_ID}:",
        "  name: heart_rate",
        f"  model: {MODEL_ID}",
        "  truth_file: y_labels.csv",
        "  script:",
        "    - loop 5:",
        "      - download",
        "      - infer 158 10",
    ]


def test_refusals(on_l476: Path) -> None:
    for arguments, reason in (
        (("bench", "--emulator", "unicorn"), "speaks the dialect eembc,"),
        (("build", "--board", "nucleo-l4", "--dialect", "eembc", "--hop", "64"), "sliding windows"),
        (("build", "--board", "nucleo-l4", "--dialect", "eembc", "--power"), "bench --energy"),
    ):
        refused = ppg_deploy(*arguments, folder=on_l476)
        assert refused.returncode == 2
        assert reason in refused.stderr

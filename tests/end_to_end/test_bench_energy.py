"""bench --energy: a board at a serial port, a PPK2 at another one, and the figures of the current that it reports."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.commands import DEMO, copy_demo, ppg_deploy, requires_compiler, succeeded
from tests.support.current_trace import KnownTrace
from tests.support.fake_tools import path_with
from tests.support.pty_board import compile_project, pty_board
from tests.support.simulated_ppk2 import SimulatedPpk2

pytestmark = requires_compiler

WINDOWS = 2
BURSTS = 40
# The simulated current does not know the board: it repeats what bench plans, at known currents.
KNOWN = KnownTrace(
    (0.010,) * BURSTS, gate_s=0.025, awake_a=0.004, awake_s=0.02, sleep_a=0.001, sleep_s=0.05, lead_s=0.1
)


@dataclass(frozen=True)
class Built:
    """A demo student built with --power, and its program for this machine."""

    folder: Path
    program: Path

    @property
    def report(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "build" / "report.json").read_text()))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = copy_demo(tmp_path_factory.mktemp("energy"))
    data = np.load(DEMO / "test.npz")
    np.savez(folder / "few.npz", **{name: data[name][:WINDOWS] for name in data.files})
    succeeded(ppg_deploy("quantize", "student.onnx", folder=folder))
    succeeded(ppg_deploy("build", "--board", "nucleo-l4", "--power", folder=folder))
    return Built(folder, compile_project(folder / "build" / "firmware", folder / "program"))


def bench(built: Built, tmp_path: Path, *options: str) -> Any:
    with pty_board(built.program, built.program, tmp_path / "flashed") as board:
        return ppg_deploy(
            *("bench", "--port", board.port, "--data", "few.npz", "--no-flash", *options),
            folder=built.folder,
            environment={"PATH": path_with(tmp_path / "bin")},
            timeout_s=60,
        )


def test_figures_of_a_known_current(built: Built, tmp_path: Path) -> None:
    with SimulatedPpk2(KNOWN) as instrument:
        options = ("--energy", f"ppk2:{instrument.port}", "--voltage", "3.3", "--battery-mah", "100")
        result = succeeded(bench(built, tmp_path, *options))
        assert instrument.voltage_mv == 3300
    energy = built.report["energy"]
    gates = energy["gates"]
    assert (gates["method"], gates["input"]) == ("digital input", 0)
    assert (gates["used"], gates["expected"], gates["samples_lost"]) == (BURSTS, BURSTS, 0)
    assert gates["gate_s"] == pytest.approx(0.025, abs=3e-5)
    each = energy["per_inference"]
    # 10 mA * 3.3 V * 25 ms = 825 uJ a gate; one step of the converter there is 0.5 %.
    assert each["mean_j"] * gates["inferences_per_gate"] == pytest.approx(825e-6, rel=6e-3)
    assert each["ci95_low_j"] <= each["mean_j"] <= each["ci95_high_j"]
    assert each["mean_power_w"] == pytest.approx(0.033, rel=6e-3)
    assert energy["idle_current_a"] == pytest.approx(0.004, rel=3e-3)
    assert energy["sleep_current_a"] == pytest.approx(0.001, rel=3e-3)
    # asleep at 1 mA and 3.3 V for nearly all of 2 s
    inference_s = gates["gate_s"] / gates["inferences_per_gate"]
    by_hand_w = (each["mean_j"] + 0.001 * 3.3 * (2.0 - inference_s)) / 2.0
    assert energy["average_power_w"] == pytest.approx(by_hand_w, rel=3e-3)
    assert energy["battery"]["life_hours"] == pytest.approx(80.0 / (by_hand_w / 3.3 * 1e3), rel=3e-3)
    assert "energy per inference measured" in result.stdout
    assert "battery 100 mAh, 80% usable, hours" in result.stdout
    result_folder = (built.folder / "build" / "report.json").resolve().parent
    trace = np.load(result_folder / "energy.npz")
    assert len(trace["time_s"]) == len(trace["digital"]) == gates["samples"]
    assert trace["gates_s"].shape == (BURSTS, 2)
    # The gate is the input's bit 0, and the current in it is known.
    inside = trace["digital"] & 1 == 1
    assert trace["current_a"][inside].mean() == pytest.approx(0.010, rel=6e-3)
    lengths_s = np.diff(trace["gates_s"], axis=1)
    assert lengths_s.sum() == pytest.approx(inside.sum() / 100_000, rel=1e-3)


def test_instrument_that_is_gone_ends_the_bench(built: Built, tmp_path: Path) -> None:
    result = bench(built, tmp_path, "--energy", "ppk2:/dev/ttyNOWHERE", "--voltage", "3.3")
    assert result.returncode == 5
    assert "/dev/ttyNOWHERE does not exist" in result.stderr


def test_emulated_energy_is_refused(built: Built) -> None:
    result = ppg_deploy(
        *("bench", "--emulator", "unicorn", "--energy", "ppk2", "--voltage", "3.3"), folder=built.folder
    )
    assert result.returncode == 2
    assert "energy is measured on a board" in " ".join(result.stderr.split())

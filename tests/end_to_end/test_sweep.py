"""A real sweep: the demo student quantised once, built and measured under unicorn; one point that cannot be built."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ppg_deploy import api
from ppg_deploy.matrix import MatrixReport
from tests.support.commands import DEMO, copy_demo, ppg_deploy, requires_compiler

pytestmark = requires_compiler

SWEEP = """
schema = 1
name = "real"
[[model]]
name = "demo"
onnx = "student.onnx"
data = "few.npz"
[matrix]
boards = ["nucleo-l4"]
optimize = ["size", "speed"]
ram_budget = ["none", 64]
[bench]
count = 2
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_demo(tmp_path_factory.mktemp("a sweep"))
    data = np.load(DEMO / "test.npz")
    np.savez(folder / "few.npz", **{name: data[name][:16] for name in data.files})
    (folder / "sweep.toml").write_text(SWEEP)
    # What a folder's ppg.toml says must not reach the points.
    (folder / "ppg.toml").write_text('[build]\nhop = 7\nboard = "nrf52840-dk"\n')
    result = ppg_deploy("sweep", "sweep.toml", folder=folder)
    assert result.returncode == 10, result.stdout + result.stderr
    return folder


@pytest.fixture(scope="module")
def report(folder: Path) -> MatrixReport:
    return MatrixReport.model_validate_json((folder / "build/sweep/real/sweep.json").read_bytes())


def test_points(report: MatrixReport) -> None:
    assert [(row.optimize, row.ram_budget, row.status) for row in report.points] == [
        ("size", None, "done"),
        ("size", 64, "failed"),
        ("speed", None, "done"),
        ("speed", 64, "failed"),
    ]
    for row in report.failed:
        assert row.error is not None
        assert "64" in row.error.message
    assert report.accuracy == "mae_int8"


def test_figures_are_those_of_bench_alone(
    folder: Path, report: MatrixReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same three commands by hand give the same figures."""
    size = report.points[0].figures
    assert size is not None
    monkeypatch.chdir(tmp_path)
    shutil.copytree(next((folder / "build/sweep/real/models").iterdir()), tmp_path / "build")
    api.build(board="nucleo-l4", optimize="size")
    alone = api.bench(emulator="unicorn", data=folder / "few.npz", count=2)
    assert alone.cost.instructions is not None
    assert size.instructions == alone.cost.instructions.median
    assert size.mae_int8 == alone.accuracy.mae_device
    assert size.mae_float == alone.accuracy.mae_float is not None
    assert (size.flash, size.arena) == (alone.memory.flash, alone.memory.arena)
    assert size.ram == alone.memory.ram_static + alone.memory.stack_high_water


def test_fronts_of_two_points(report: MatrixReport) -> None:
    """Equal answers: the small image alone is on the front of flash, the fast one alone on that of instructions."""
    size, speed = report.points[0], report.points[2]
    assert size.figures is not None
    assert speed.figures is not None
    assert size.figures.mae_int8 == speed.figures.mae_int8
    assert size.figures.mean_abs_difference == speed.figures.mean_abs_difference is not None
    fronts = {front.cost: front.points for front in report.fronts}
    assert fronts["flash"] == (size.id,)
    assert fronts["instructions"] == fronts["cycles_estimated"] == (speed.id,)
    assert "latency_ms" not in fronts


def test_results_folder_and_quantised_model(folder: Path, report: MatrixReport) -> None:
    root = folder / "build/sweep/real"
    assert len(list((root / "models").iterdir())) == 1
    for row in report.points:
        if row.result is not None:
            facts = json.loads((root / row.result / "result.json").read_bytes())
            assert facts["firmware"]["optimize"] == row.optimize
            assert facts["outputs"] | {"golden": ""} == {
                "golden": "",
                "compared": 16,
                "mismatched": 0,
                "first_mismatch": None,
            }
            assert not (root / row.folder / "firmware" / ".pio").exists()
    assert [path.name for path in root.rglob(".*") if path.name not in (".lock", ".gitignore")] == []


def test_plots(folder: Path, report: MatrixReport) -> None:
    pytest.importorskip("matplotlib")
    assert report.plots == ("pareto.png", "pareto.svg")
    root = folder / "build/sweep/real"
    assert (root / "pareto.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    text = (root / "pareto.svg").read_text()
    for words in ("MAE on the device, BPM", "instructions per answer (exact)", "flash, kB", "RAM, kB"):
        assert words in text
    # Without a measurement there is no panel for it; the labels of the two fronts are there.
    assert "latency" not in text
    assert ">speed<" in text
    assert ">size<" in text
    assert "nucleo-l476rg" in text
    assert "2 points under unicorn, 2 failed" in text

"""Costs of a study's networks: the sweep file, and the demo student measured for real."""

import json
import shutil
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from models.study import costs
from models.study.costs import CostSettings, check_boards, measure_costs
from ppg_deploy.boards import load_board
from ppg_deploy.errors import InputError
from ppg_deploy.matrix import MatrixReport
from ppg_deploy.matrix.sweep_file import load_sweep_file
from tests.support.commands import DEMO, requires_compiler
from tests.support.study_rows import study_row


def deliver(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in ("student.onnx", "student.toml", "student.calib.npz", "test.npz"):
        shutil.copy(DEMO / name, folder / name)


def test_settings() -> None:
    assert CostSettings() == CostSettings(boards=("nucleo-l476rg",), optimize=("balanced",), count=4)
    for wrong in ({"boards": ()}, {"boards": ("a", "a")}, {"optimize": ("fast",)}, {"count": 0}, {"cont": 1}):
        with pytest.raises(ValidationError):
            CostSettings.model_validate(wrong)


def test_boards_are_checked_before_anything_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    check_boards(CostSettings(boards=("nucleo-l4", "nrf52840-dk")))
    with pytest.raises(InputError, match=r"costs\.boards: unknown board 'nope'"):
        check_boards(CostSettings(boards=("nrf52840-dk", "nope")))
    with pytest.raises(InputError, match="both nucleo-l476rg"):
        check_boards(CostSettings(boards=("nucleo-l4", "nucleo-l476rg")))
    board = load_board("nucleo-l4")
    without = board.model_copy(update={"emulators": board.emulators.model_copy(update={"unicorn": None})})
    monkeypatch.setattr(costs, "load_board", lambda _: without)
    with pytest.raises(InputError, match="unicorn has no model of board nucleo-l476rg"):
        check_boards(CostSettings())


def test_sweep_file_names_the_first_delivered_student_of_each_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def stopped(path: Path, **_: object) -> MatrixReport:
        asked.append(path)
        raise KeyboardInterrupt

    monkeypatch.setattr(costs, "sweep_matrix", stopped)
    for name in ('b "2"', "c"):
        deliver(tmp_path / name)
    rows = [
        study_row("pulse", folder="never-trained"),
        study_row("pulse", seed=2, folder='b "2"'),
        study_row("other", folder="c"),
        study_row("pulse", seed=3, folder="c"),
    ]
    settings = CostSettings(boards=("nucleo-l4", "nrf52840-dk"), optimize=("size", "speed"), count=2)
    with pytest.raises(KeyboardInterrupt):
        measure_costs(rows, tmp_path, settings)
    assert asked == [tmp_path / "costs.toml"]
    written = tomllib.loads(asked[0].read_text())
    assert [(model["name"], model["onnx"]) for model in written["model"]] == [
        ("pulse", 'b "2"/student.onnx'),
        ("other", "c/student.onnx"),
    ]
    sweep = load_sweep_file(asked[0])
    assert (sweep.matrix.boards, sweep.matrix.optimize) == (("nucleo-l4", "nrf52840-dk"), ("size", "speed"))
    assert (sweep.bench.emulator, sweep.bench.count) == ("unicorn", 2)
    assert sweep.model[0].data == tmp_path / 'b "2"' / "test.npz"


def test_nothing_delivered_has_its_reason_and_needs_no_sweep(tmp_path: Path) -> None:
    found = measure_costs([study_row("pulse", folder="gone")], tmp_path, CostSettings(boards=("a", "b")))
    assert [(cost.student, cost.board, cost.optimize) for cost in found] == [
        ("pulse", "a", "balanced"),
        ("pulse", "b", "balanced"),
    ]
    assert all("student.onnx" in (cost.error or "") and cost.ram is None for cost in found)
    assert not (tmp_path / "costs.toml").exists()


@requires_compiler
def test_demo_student_and_one_that_cannot_be_quantised(tmp_path: Path) -> None:
    deliver(tmp_path / "demo")
    deliver(tmp_path / "broken")
    (tmp_path / "broken" / "student.onnx").write_bytes(b"no model")
    rows = [study_row("bad", folder="broken"), study_row("pulse", folder="demo")]
    bad, good = measure_costs(rows, tmp_path, CostSettings(count=1), jobs=1)
    assert (bad.student, bad.instructions, bad.flash) == ("bad", None, None)
    assert bad.error is not None and "student.onnx" in bad.error

    assert (good.student, good.board, good.optimize, good.error) == (
        "pulse",
        "nucleo-l476rg",
        "balanced",
        None,
    )
    sweep = json.loads((tmp_path / "costs/sweep/students/sweep.json").read_text())
    point = next(point for point in sweep["points"] if point["model"] == "pulse")
    report = json.loads((tmp_path / "costs/sweep/students" / point["result"] / "result.json").read_text())
    assert good.instructions == report["cost"]["instructions"]["median"]
    assert good.cycles_estimated == report["cost"]["cycles_estimated"]["median"]
    assert good.timing_model == report["cost"]["timing_model"] == "cortex-m4-zero-wait-state-v1"
    assert good.flash == report["memory"]["flash"] and good.flash_limit == 1024 * 1024
    assert good.ram == report["memory"]["ram_static"] + report["memory"]["stack_high_water"]
    # The board file's documented run current: 10.2 mA at 3.3 V and 80 MHz.
    assert good.cycles_estimated is not None
    assert good.energy_estimated_uj == pytest.approx(3.3 * 10.2e-3 / 80e6 * good.cycles_estimated * 1e6)
    assert good.energy_assumptions[0].startswith("10.2 mA at 3.3 V and 80 MHz")
    assert len(good.energy_assumptions) > 1

    said: list[str] = []
    again = measure_costs(rows, tmp_path, CostSettings(count=1), jobs=1, say=said.append)
    assert again[1] == good
    assert not any(line.startswith("pulse") for line in said), "a finished point was run again"

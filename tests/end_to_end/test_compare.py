"""compare on real benches of the demo student under unicorn, as a user would run it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppg_deploy import api
from ppg_deploy.results import load_result, write_result
from tests.support.commands import copy_demo, ppg_deploy, requires_compiler, succeeded

pytestmark = requires_compiler


@dataclass(frozen=True)
class Benches:
    """Results by what was different about them."""

    folder: Path
    small: Path
    fast: Path
    other_data: Path
    other_board: Path


@pytest.fixture(scope="module")
def benches(tmp_path_factory: pytest.TempPathFactory) -> Benches:
    folder = copy_demo(tmp_path_factory.mktemp("compare"))
    succeeded(ppg_deploy("quantize", "student.onnx", folder=folder))
    with np.load(folder / "student.calib.npz") as windows:
        for name, first in (("few.npz", 0), ("others.npz", 3)):
            np.savez(folder / name, **{key: windows[key][first : first + 3] for key in ("x", "hr")})

    def bench(data: str) -> Path:
        succeeded(ppg_deploy("bench", "--emulator", "unicorn", "--count", "2", "--data", data, folder=folder))
        return (folder / "build" / "report.json").resolve().parent

    def built(board: str, flags: str) -> None:
        succeeded(ppg_deploy("build", "--board", board, "--kernel-flags", flags, folder=folder))

    built("nucleo-l4", "-Os")
    small = bench("few.npz")
    (folder / "ppg.toml").write_text('[build]\nkernel_flags = ["-O3"]\n')
    succeeded(ppg_deploy("build", "--board", "nucleo-l4", folder=folder))
    fast = bench("few.npz")
    other_data = bench("others.npz")
    built("nucleo-f446re", "-O3")
    return Benches(folder, small, fast, other_data, bench("few.npz"))


def _raw(result: Path) -> dict[str, Any]:
    return dict(json.loads((result / "result.json").read_text()))


def _by_name(result: Path, table: str, figure: str) -> dict[str, float]:
    return {row["name"]: row[figure] for row in _raw(result)["cost"][table]}


def test_kernel_flags_are_recorded(benches: Benches) -> None:
    assert _raw(benches.small)["firmware"]["kernel_flags"] == ["-Os"]
    assert _raw(benches.fast)["firmware"]["kernel_flags"] == ["-O3"]
    assert _raw(benches.small)["firmware"]["flags"] == _raw(benches.fast)["firmware"]["flags"]
    assert "-O2" in _raw(benches.small)["firmware"]["flags"]


def test_size_against_speed_names_the_right_operators(benches: Benches) -> None:
    comparison = api.compare(benches.small, benches.fast)
    assert comparison.reasons == ()
    assert [row.field for row in comparison.differences] == ["kernel flags", "firmware.elf"]
    # The same from the files alone, without anything of the comparison.
    before, after = (_by_name(r, "by_operator", "cycles_estimated") for r in (benches.small, benches.fast))
    assert before.keys() == after.keys()
    deltas = {name: after[name] - before[name] for name in before}
    assert max(abs(delta) for delta in deltas.values()) > 1000, "the flags changed nothing worth comparing"
    largest = sorted(deltas, key=lambda name: -abs(deltas[name]))
    expected = [name for name in largest if deltas[name] != 0]
    named = [
        f"{row.name} ({row.kernel_a})" if row.kernel_a else row.name
        for row in comparison.operators
        if row.cycles_estimated is not None and row.cycles_estimated.delta != 0
    ]
    assert named == expected
    for row in comparison.operators:
        name = f"{row.name} ({row.kernel_a})" if row.kernel_a else row.name
        assert row.cycles_estimated is not None
        assert row.cycles_estimated.delta == deltas[name]
        assert row.cycles_estimated.percent == pytest.approx(100 * (after[name] / before[name] - 1))
    instructions = {m.name: m.change for m in comparison.metrics}["instructions"]
    assert instructions.delta == (
        _raw(benches.fast)["cost"]["instructions"]["median"]
        - _raw(benches.small)["cost"]["instructions"]["median"]
    )


def test_functions_and_memory_show_where(benches: Benches) -> None:
    comparison = api.compare(benches.small, benches.fast)
    for figure in ("instructions", "cycles_estimated"):
        totals = [
            sum(_by_name(result, "by_function", figure).values()) for result in (benches.small, benches.fast)
        ]
        changes = [getattr(row, figure) for row in comparison.functions]
        assert sum(change.a for change in changes) == totals[0]
        assert sum(change.b for change in changes) == totals[1]
    sizes = [abs(row.cycles_estimated.delta) for row in comparison.functions if row.cycles_estimated]
    assert sizes == sorted(sizes, reverse=True)
    # Only the kernels were compiled with other flags.
    parts = {part.name: part for part in comparison.memory_parts}
    assert comparison.memory_parts[0].name == "runtime kernels"
    assert parts["runtime kernels"].flash.delta > 0
    for name in ("model constants", "model code", "application and protocol", "board support"):
        assert parts[name].flash.delta == 0, name


def test_tables_for_people(benches: Benches) -> None:
    environment = {"COLUMNS": "160"}
    text = succeeded(
        ppg_deploy(
            "compare",
            benches.small,
            "build/results/" + benches.fast.name,
            "--top",
            "1",
            folder=benches.folder,
            environment=environment,
        )
    ).stdout
    for word in (
        "kernel flags",
        "-Os",
        "-O3",
        "cycles_estimated",
        "runtime kernels",
        "operators more changed",
    ):
        assert word in text
    assert text.count("CONV_2D") == 1  # --top


def test_policy_of_a_continuous_integration(benches: Benches) -> None:
    (benches.folder / "policy.toml").write_text(
        "[mismatched_windows]\nmax = 0\n[instructions]\nmax_increase = 0\n"
    )
    arguments = ("--policy", "policy.toml")
    kept = succeeded(ppg_deploy("compare", benches.small, benches.fast, *arguments, folder=benches.folder))
    assert "every threshold is kept" in kept.stdout
    broken = ppg_deploy("compare", benches.fast, benches.small, *arguments, "--json", folder=benches.folder)
    assert broken.returncode == 12
    assert "instructions: rose by" in broken.stderr
    verdict = json.loads(broken.stdout)["verdict"]
    assert [check["passed"] for check in verdict["checks"]] == [True, False]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ("other_data", ("data: few.npz", "others.npz")),
        ("other_board", ("board: nucleo-l476rg", "nucleo-f446re", "clock reached: 80000000 Hz")),
    ],
)
def test_other_data_or_board_is_refused(benches: Benches, other: str, words: tuple[str, ...]) -> None:
    refused = ppg_deploy("compare", benches.fast, getattr(benches, other), "--json", folder=benches.folder)
    assert refused.returncode == 11
    for word in words:
        assert word in refused.stderr
    printed = json.loads(refused.stdout)
    assert printed["reasons"]
    assert printed["metrics"] == []


def test_an_emulator_against_a_board_is_refused(benches: Benches, tmp_path: Path) -> None:
    fast = load_result(benches.fast)
    # No board is at hand: the same result, as bench writes it for a serial port.
    serial = fast.report.model_copy(update={"emulator": None, "port": "/dev/ttyACM0"})
    refused = ppg_deploy(
        "compare", benches.fast, write_result(tmp_path, serial, fast.samples), folder=benches.folder
    )
    assert refused.returncode == 11
    assert "source of the figures: emulator unicorn in A, a board in B" in refused.stderr
    assert "not comparable" in refused.stdout


def test_kernel_flags_that_the_compiler_refuses_are_the_users(benches: Benches) -> None:
    refused = ppg_deploy(
        "build", "--board", "nucleo-l4", "--out", "wrong", "--kernel-flags", "-O9x",
        "--model", "build/model.tflite", folder=benches.folder,
    )  # fmt: skip
    assert refused.returncode == 2
    assert "-O9x" in refused.stderr
    refused = ppg_deploy("build", "--runtime", "tflm", "--kernel-flags", "-O3", folder=benches.folder)
    assert refused.returncode == 2
    assert "--kernel-flags" in refused.stderr

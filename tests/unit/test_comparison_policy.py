"""policy.toml: thresholds at, below and beyond their limits."""

from pathlib import Path

import pytest

from ppg_deploy import api
from ppg_deploy.comparison import load_policy, require_within_policy
from ppg_deploy.comparison.schema import Comparison
from ppg_deploy.errors import InputError, PolicyError
from ppg_deploy.report.schema import Report
from tests.support.bench_results import emulated, measured, spread, written

EXAMPLE = """
[instructions]
max_increase_percent = 1.0
[flash_bytes]
max_increase = 512
[mismatched_windows]
max = 0
[mae_bpm]
max_increase = 0.05
"""


def judged(folder: Path, policy: str, a: Report, b: Report) -> Comparison:
    (folder / "policy.toml").write_text(policy)
    return api.compare(written(folder, a), written(folder, b), policy=folder / "policy.toml")


def passes(folder: Path, policy: str, a: Report, b: Report) -> bool:
    verdict = judged(folder, policy, a, b).verdict
    assert verdict is not None
    return verdict.passed


def test_exactly_at_the_limits_is_kept(tmp_path: Path) -> None:
    a = emulated(accuracy__mae_device=8.0)
    # 8.05 - 8.0 is a little more than 0.05 in binary floating point.
    b = emulated(
        accuracy__mae_device=8.05,
        cost__instructions=spread(1010),
        memory__flash=50_512,
        outputs__mismatched=0,
    )
    comparison = judged(tmp_path, EXAMPLE, a, b)
    assert comparison.verdict is not None and comparison.verdict.passed
    assert [(c.metric, c.rule, c.limit, c.found) for c in comparison.verdict.checks] == [
        ("instructions", "max_increase_percent", 1.0, 1.0),
        ("flash_bytes", "max_increase", 512, 512),
        ("mismatched_windows", "max", 0, 0),
        ("mae_bpm", "max_increase", 0.05, pytest.approx(0.05)),
    ]
    require_within_policy(comparison)


def test_beyond_the_limits_is_broken_and_each_is_named(tmp_path: Path) -> None:
    b = emulated(
        accuracy__mae_device=4.06,
        cost__instructions=spread(1011),
        memory__flash=50_513,
        outputs__mismatched=1,
    )
    comparison = judged(tmp_path, EXAMPLE, emulated(), b)
    assert comparison.verdict is not None
    assert [check.passed for check in comparison.verdict.checks] == [False] * 4
    with pytest.raises(PolicyError) as raised:
        require_within_policy(comparison)
    assert raised.value.exit_code == 12
    for text in (
        "instructions: rose by 1.1 %, but max_increase_percent = 1",
        "flash_bytes: rose by 513, but max_increase = 512",
        "mismatched_windows: is 1, but max = 0",
        "mae_bpm: rose by 0.06, but max_increase = 0.05",
    ):
        assert text in raised.value.message


def test_getting_better_breaks_nothing(tmp_path: Path) -> None:
    b = emulated(accuracy__mae_device=1.0, cost__instructions=spread(10), memory__flash=10)
    assert passes(tmp_path, EXAMPLE, emulated(), b)


@pytest.mark.parametrize(
    ("life_hours", "rule", "passed"),
    [
        (63.0, "max_decrease_percent = 10", True),
        (62.0, "max_decrease_percent = 10", False),
        (90.0, "max_decrease_percent = 0", True),
        (65.0, "max_decrease = 5", True),
        (64.9, "max_decrease = 5", False),
        (60.0, "min = 60", True),
        (59.9, "min = 60", False),
        (80.0, "max = 80", True),
        (80.1, "max = 80", False),
    ],
)
def test_every_rule(tmp_path: Path, life_hours: float, rule: str, passed: bool) -> None:
    b = measured(energy__battery__life_hours=life_hours)  # 70 h in A
    assert passes(tmp_path, f"[battery_life_hours]\n{rule}\n", measured(), b) is passed


def test_two_rules_of_a_metric_are_two_checks(tmp_path: Path) -> None:
    policy = "[flash_bytes]\nmax = 60000\nmax_increase = 100\n"
    verdict = judged(tmp_path, policy, emulated(), emulated(memory__flash=51_000)).verdict
    assert verdict is not None and not verdict.passed
    assert [(check.rule, check.passed) for check in verdict.checks] == [
        ("max", True),
        ("max_increase", False),
    ]


@pytest.mark.parametrize(("mismatched", "passed"), [(0, True), (1, False)])
def test_percent_of_zero(tmp_path: Path, mismatched: int, passed: bool) -> None:
    policy = "[mismatched_windows]\nmax_increase_percent = 50\n"
    assert passes(tmp_path, policy, emulated(), emulated(outputs__mismatched=mismatched)) is passed


def test_an_absent_figure_is_broken_and_says_why(tmp_path: Path) -> None:
    policy = "[energy_per_inference_j]\nmax = 1\n[latency_p99_ms]\nmax = 1\n[mismatched_windows]\nmax = 0\n"
    b = measured(energy=None, outputs__golden="numpy")
    comparison = judged(tmp_path, policy, measured(), b)
    assert comparison.verdict is not None
    energy, latency, mismatched = comparison.verdict.checks
    assert (energy.passed, energy.found, energy.problem) == (
        False,
        None,
        "energy_per_inference_j: only A has it",
    )
    assert latency.passed
    assert mismatched.problem is not None and "golden reference" in mismatched.problem
    verdict = judged(tmp_path, policy, emulated(), emulated()).verdict
    assert verdict is not None
    assert verdict.checks[0].problem == "energy_per_inference_j: neither result has it"


def test_results_that_are_not_comparable_are_not_judged(tmp_path: Path) -> None:
    assert judged(tmp_path, EXAMPLE, emulated(), measured()).verdict is None


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[flsh_bytes]\nmax = 1\n", "flsh_bytes"),
        ("[flash_bytes]\nmaximum = 1\n", "flash_bytes.maximum"),
        ("[flash_bytes]\nmax_increase = -1\n", "flash_bytes.max_increase"),
        ("[flash_bytes]\nmax = nan\n", "flash_bytes.max"),
        ("[flash_bytes]\n", "flash_bytes"),
        ("", "lets everything pass"),
        ("[flash_bytes\n", "not valid TOML"),
    ],
)
def test_wrong_policies_are_refused(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "policy.toml").write_text(text)
    with pytest.raises(InputError, match=named) as raised:
        load_policy(tmp_path / "policy.toml")
    assert "policy.toml" in raised.value.message


def test_a_policy_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*policy\.toml"):
        load_policy(tmp_path / "policy.toml")

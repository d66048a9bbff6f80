"""Comparisons of results with round figures; every expected number is worked out by hand."""

from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from ppg_deploy import api
from ppg_deploy.comparison import Comparison, compare_results, require_comparable
from ppg_deploy.comparison.metrics import METRICS, MetricName
from ppg_deploy.errors import InputError, NotComparableError
from ppg_deploy.report.schema import Report
from tests.support.bench_results import (
    OTHER_MODEL,
    OTHER_WINDOWS,
    emulated,
    measured,
    result,
    share,
    spread,
    written,
)


def compared(a: Report, b: Report) -> Comparison:
    return compare_results(result(a), result(b))


def changes(comparison: Comparison) -> dict[str, tuple[float, float | None]]:
    """Delta and percent by metric."""
    return {metric.name: (metric.change.delta, metric.change.percent) for metric in comparison.metrics}


def left_out(comparison: Comparison) -> dict[str, str]:
    return {figure: row.why for row in comparison.left_out for figure in row.figures}


def test_headline_figures() -> None:
    b = emulated(
        cost__instructions=spread(1010),
        accuracy__mae_device=4.5,
        outputs__mismatched=3,
        memory__flash=49_500,
        memory__stack_high_water=500,
        energy_estimated__energy_estimated_j=0.0008,
        sliding__cost__instructions=spread(150),
    )
    found = changes(compared(emulated(), b))
    assert found["instructions"] == (10, 1.0)
    assert found["mae_bpm"] == (0.5, 12.5)
    assert found["mismatched_windows"] == (3, None)  # of 0, nothing is a percentage
    assert found["flash_bytes"] == (-500, -1.0)
    assert found["stack_high_water_bytes"] == (100, 25.0)
    assert found["energy_estimated_j"] == (pytest.approx(-0.0002), pytest.approx(-20.0))
    assert found["push_instructions"] == (-50, -25.0)
    assert found["cycles_estimated"] == (0, 0.0)


def test_measured_figures() -> None:
    b = measured(
        cost__latency_ms=spread(0.2),
        energy__per_inference__mean_j=0.0006,
        energy__battery__life_hours=77.0,
        sliding__cost__latency_ms=spread(0.01),
    )
    found = changes(compared(measured(), b))
    for name, delta in (("p50", 0.1), ("p95", 0.11), ("p99", 0.12), ("max", 0.15)):
        assert found[f"latency_{name}_ms"] == (pytest.approx(delta), pytest.approx(100.0)), name
    assert found["push_latency_p99_ms"] == (pytest.approx(-0.012), pytest.approx(-50.0))
    assert found["energy_per_inference_j"] == (pytest.approx(0.0001), pytest.approx(20.0))
    assert found["battery_life_hours"] == (7.0, 10.0)


def test_every_metric_is_found_somewhere() -> None:
    assert tuple(metric.name for metric in METRICS) == get_args(MetricName)
    reports = emulated(), measured()
    assert [m.name for m in METRICS if all(m.value(report) is None for report in reports)] == []
    values = {metric.name: metric.value(measured()) for metric in METRICS}
    assert values["latency_p99_ms"] == pytest.approx(0.12)
    assert values["push_cycles"] == 1600
    assert values["sleep_current_a"] == 0.001
    assert values["energy_p95_j"] == 0.0006
    assert values["arena_bytes"] == 4000
    assert values["mae_filtered_bpm"] == 3.0


def test_operators_largest_change_first_with_their_kernels() -> None:
    b = emulated(
        cost__by_operator=[
            share("000 CONV_2D (conv_quads_short)", 590, 665),  # -35
            share("001 AVERAGE_POOL_2D (pool_rows)", 400, 490),  # +140
            share("002 FULLY_CONNECTED (dense)", 90, 130),
            share("003 SOFTMAX (softmax)", 30, 50),  # new
            share("run", 10, 21),  # +1
        ]
    )
    comparison = compared(emulated(), b)
    assert comparison.shares_by == "cycles_estimated"
    assert [row.name for row in comparison.operators] == [
        "001 AVERAGE_POOL_2D",
        "003 SOFTMAX",
        "000 CONV_2D",
        "run",
        "002 FULLY_CONNECTED",
    ]
    pool, softmax, conv, around, _ = comparison.operators
    assert pool.cycles_estimated is not None and pool.instructions is not None
    assert (pool.cycles_estimated.delta, pool.cycles_estimated.percent) == (140, 40.0)
    assert (pool.instructions.a, pool.instructions.b) == (300, 400)
    assert pool.ticks is None
    assert (conv.kernel_a, conv.kernel_b) == ("conv_kronecker", "conv_quads_short")
    assert (softmax.kernel_a, softmax.kernel_b) == (None, "softmax")
    assert softmax.cycles_estimated is not None
    assert (softmax.cycles_estimated.a, softmax.cycles_estimated.delta) == (0, 50)
    assert softmax.cycles_estimated.percent is None
    assert around.kernel_a is None


def test_an_operator_of_another_kind_at_the_same_place_is_another_operator() -> None:
    b = emulated(cost__by_operator=[share("000 DEPTHWISE_CONV_2D (depthwise)", 600, 700)])
    names = {row.name: row for row in compared(emulated(), b).operators}
    assert names["000 CONV_2D"].kernel_b is None
    assert names["000 DEPTHWISE_CONV_2D"].kernel_a is None


def test_operators_of_a_board_by_ticks() -> None:
    b = measured(
        cost__by_operator=[
            share("000 CONV_2D (conv_kronecker)", None, None, 5001),
            share("001 AVERAGE_POOL_2D (pool_rows)", None, None, 1500),
        ]
    )
    comparison = compared(measured(), b)
    assert comparison.shares_by == "ticks"
    first, second = comparison.operators
    assert first.name == "001 AVERAGE_POOL_2D"
    assert first.ticks is not None and first.ticks.percent == -25.0
    assert second.ticks is not None and second.ticks.delta == 1


def test_ticks_of_an_emulator_are_no_measurement() -> None:
    shares = [share("000 CONV_2D (c)", 600, None, 75), share("001 ADD (a)", 50, None, 7)]
    others = [share("000 CONV_2D (c)", 610, None, 500), share("001 ADD (a)", 90, None, 8)]
    comparison = compared(
        emulated(emulator="qemu", cost__by_operator=shares),
        emulated(emulator="qemu", cost__by_operator=others),
    )
    assert comparison.shares_by == "instructions"
    assert [row.name for row in comparison.operators] == ["001 ADD", "000 CONV_2D"]
    assert {row.ticks for row in comparison.operators} == {None}


def test_functions_with_the_clones_that_gcc_makes_of_them() -> None:
    b = emulated(
        cost__by_function=[
            share("sum_up.constprop.0", 500, 600),
            share("sum_up.isra.0.part.1", 100, 100),  # 700 in all, of 800
            share("unrolled", 90, 95),
            share("ppg_copy", 260, 345),
        ]
    )
    comparison = compared(emulated(), b)
    rows = [
        (row.name, row.cycles_estimated.a, row.cycles_estimated.b)
        for row in comparison.functions
        if row.cycles_estimated is not None
    ]
    assert rows == [("sum_up", 800, 700), ("unrolled", 0, 95), ("start", 60, 0), ("ppg_copy", 340, 345)]


def test_parts_of_memory() -> None:
    b = emulated(
        memory__by_part=[
            {"name": "model constants", "flash": 30_000, "ram": 0},
            {"name": "runtime kernels", "flash": 12_300, "ram": 0},
            {"name": "arena", "flash": 0, "ram": 3000},
            {"name": "buffers", "flash": 20, "ram": 30},
        ]
    )
    parts = compared(emulated(), b).memory_parts
    assert [(part.name, part.flash.delta, part.ram.delta) for part in parts] == [
        ("C library", -8000, -100),
        ("arena", 0, -1000),
        ("runtime kernels", 300, 0),
        ("buffers", 20, 30),
        ("model constants", 0, 0),
    ]
    assert parts[2].flash.percent == 2.5


@pytest.mark.parametrize(
    ("field", "a", "b", "path", "value"),
    [
        ("model", "aaaaaaaaaaaa", "bbbbbbbbbbbb", "model__sha256", OTHER_MODEL),
        ("data", "cccccccccccc", "dddddddddddd", "input__sha256", OTHER_WINDOWS),
        ("board", "nucleo-l476rg", "nucleo-f446re", "board", "nucleo-f446re"),
        ("MCU", "stm32l476rgt6", "stm32l476vgt6", "device__mcu", "stm32l476vgt6"),
        ("source of the figures", "emulator unicorn", "emulator qemu", "emulator", "qemu"),
        ("source of the figures", "emulator unicorn", "a board", "emulator", None),
        ("clock reached", "80000000 Hz", "4000000 Hz", "device__clock_hz_reached", 4_000_000),
        ("problems of the board", "none", "pll", "device__problems", ["pll"]),
        ("clock source", "HSI16", "HSE", "conditions__clock_source", "HSE"),
        ("flash wait states", "4", "0", "conditions__flash_wait_states", 0),
        (
            "clock settings",
            "flash_wait_states = 4",
            "boost = 1, flash_wait_states = 4",
            "conditions__clock_settings",
            {"flash_wait_states": 4, "boost": 1},
        ),
        ("caches", "on", "off", "conditions__caches", "off"),
        ("flash banks", "none", "dual", "conditions__flash_banks", "dual"),
    ],
)
def test_not_comparable(field: str, a: str, b: str, path: str, value: Any) -> None:
    comparison = compared(emulated(), emulated(**{path: value}))
    assert [reason.field for reason in comparison.reasons] == [field]
    assert a in comparison.reasons[0].a
    assert b in comparison.reasons[0].b
    assert not comparison.comparable
    assert (comparison.metrics, comparison.operators, comparison.functions, comparison.memory_parts) == (
        (),
        (),
        (),
        (),
    )
    with pytest.raises(NotComparableError, match=field) as raised:
        require_comparable(comparison)
    assert a in raised.value.message
    assert b in raised.value.message
    assert raised.value.exit_code == 11


def test_every_reason_is_given() -> None:
    comparison = compared(emulated(), emulated(model__sha256=OTHER_MODEL, board="x", emulator=None))
    assert [reason.field for reason in comparison.reasons] == ["model", "board", "source of the figures"]


def test_what_may_differ_is_told_and_not_refused() -> None:
    b = emulated(
        firmware__kernel_flags=["-O3", "-funroll-loops"], firmware__compiler="gcc 14", firmware__hop=64
    )
    comparison = compared(emulated(), b)
    assert comparison.comparable
    assert [(row.field, row.a, row.b) for row in comparison.differences] == [
        ("--hop", "none", "64"),
        ("compiler", "gcc 12", "gcc 14"),
        ("kernel flags", "-O2", "-O3 -funroll-loops"),
    ]
    assert "both results are of the same image" in comparison.notes
    require_comparable(comparison)


def test_counts_that_differ_are_noted() -> None:
    comparison = compared(emulated(), emulated(cost__instructions=spread(1000, count=2)))
    assert "instructions: of 16 inferences in A, of 2 in B" in comparison.notes


def test_only_one_has_energy_and_labels() -> None:
    b = measured(
        energy=None,
        accuracy__mae_device=None,
        accuracy__mae_device_filtered=None,
        accuracy__note="the windows have no labels",
    )
    comparison = compared(measured(), b)
    why = left_out(comparison)
    assert why["energy_per_inference_j"] == "only A has it"
    assert why["mae_bpm"] == "only A has it; B: the windows have no labels"
    assert "latency_p50_ms" in changes(comparison)
    assert left_out(compared(b, measured()))["battery_life_hours"] == "only B has it"


def test_another_timing_model_leaves_the_instructions() -> None:
    b = emulated(
        cost__timing_model="model-v2",
        cost__by_operator=[
            share("000 CONV_2D (conv_kronecker)", 601, 9999),
            share("001 AVERAGE_POOL_2D (pool_rows)", 200, 350),
        ],
    )
    comparison = compared(emulated(), b)
    why = left_out(comparison)
    assert why["cycles_estimated"] == "timing model: model-v1 in A, model-v2 in B"
    # Its own record of the model is equal here, the cycles are not.
    assert "energy_estimated_j" in why
    assert "push_cycles_estimated" not in why
    assert comparison.shares_by == "instructions"
    assert comparison.operators[0].name == "001 AVERAGE_POOL_2D"
    assert {row.cycles_estimated for row in comparison.operators} == {None}


def test_a_timing_model_that_was_fitted_again_is_another_one() -> None:
    fitted = {
        "chip": "stm32l476",
        "clock_hz": 80_000_000,
        "leave_one_out_error_percent": 1.0,
        "fitted_on": "2026-01",
    }
    a = emulated(cost__timing_calibration=fitted)
    assert "cycles_estimated" in left_out(
        compared(a, emulated(cost__timing_calibration={**fitted, "fitted_on": "2026-02"}))
    )
    assert left_out(compared(a, a)) == {}


@pytest.mark.parametrize(
    ("path", "value", "gone", "kept"),
    [
        ("energy__instrument__name", "Joulescope", "energy_p95_j", "latency_p50_ms"),
        ("energy__instrument__mode", "ampere", "sleep_current_a", "latency_p50_ms"),
        ("energy__instrument__sample_hz", 10_000.0, "energy_p95_j", "latency_p50_ms"),
        ("energy__gates__method", "time alignment", "energy_per_inference_j", "latency_p50_ms"),
        ("energy__instrument__voltage_v", 3.1, "energy_per_inference_j", "latency_p50_ms"),
        ("energy__interval_s", 1.0, "average_power_w", "energy_per_inference_j"),
        ("energy__battery__capacity_mah", 200.0, "battery_life_hours", "energy_per_inference_j"),
        ("energy_estimated__run_current_a", 0.02, "energy_estimated_j", "energy_per_inference_j"),
        ("device__counter", "systick", "latency_p99_ms", "energy_per_inference_j"),
        ("conditions", None, "latency_p50_ms", "flash_bytes"),
        ("conditions", None, "energy_per_inference_j", "mae_bpm"),
        ("outputs__golden", "numpy", "mismatched_windows", "push_mismatched_windows"),
        ("outputs__compared", 3, "mismatched_windows", "mae_bpm"),
        ("sliding__hop", 32, "push_latency_p50_ms", "latency_p50_ms"),
    ],
)
def test_comparable_in_part(path: str, value: Any, gone: str, kept: str) -> None:
    comparison = compared(measured(), measured(**{path: value}))
    assert comparison.comparable
    assert gone in left_out(comparison)
    assert gone not in changes(comparison)
    assert kept in changes(comparison)
    assert kept not in left_out(comparison)


def test_a_measured_supply_may_move_by_one_percent() -> None:
    assert left_out(compared(measured(), measured(energy__instrument__voltage_v=3.029))) == {}


def test_ticks_of_another_counter_rank_nothing() -> None:
    comparison = compared(measured(), measured(device__counter="systick"))
    assert comparison.operators == ()
    assert "operators" in left_out(comparison)


def test_runtimes_with_other_operators_are_compared_without_them() -> None:
    tflm = emulated(
        runtime="tflm", cost__by_operator=[share("000 CONV_2D (Register_CONV_2D_INT8)", 900, 990)]
    )
    comparison = compared(emulated(), tflm)
    assert comparison.operators == ()
    assert "runtimes aot and tflm" in left_out(comparison)["operators"]
    assert changes(comparison)["flash_bytes"] == (0, 0.0)
    same = emulated(
        runtime="tflm",
        cost__by_operator=[
            share("000 CONV_2D (Register_CONV_2D_INT8)", 900, 990),
            share("001 AVERAGE_POOL_2D (Register_AVERAGE_POOL_2D_INT8)", 900, 990),
            share("002 FULLY_CONNECTED (Register_FULLY_CONNECTED_INT8)", 900, 990),
            share("run", 900, 990),
        ],
    )
    assert len(compared(emulated(), same).operators) == 4


def test_api_reads_folders_files_and_links(tmp_path: Path) -> None:
    a = written(tmp_path / "results", emulated())
    b = written(tmp_path / "results", emulated(memory__flash=51_000))
    (tmp_path / "report.json").symlink_to(b / "result.json")
    for place in (b, b / "result.json", tmp_path / "report.json"):
        comparison = api.compare(a, place)
        assert comparison.b.folder == str(b.resolve())
        assert changes(comparison)["flash_bytes"] == (1000, 2.0)
    with pytest.raises((ValidationError, FrozenInstanceError)):
        comparison.reasons = ()  # type: ignore[misc]
    assert Comparison.model_validate_json(comparison.model_dump_json()) == comparison


def test_api_refuses_changed_and_absent_results(tmp_path: Path) -> None:
    a, b = (written(tmp_path, emulated()) for _ in range(2))
    text = (b / "result.json").read_text()
    (b / "result.json").write_text(text.replace("50000", "40000"))
    with pytest.raises(InputError, match="was changed after the bench"):
        api.compare(a, b)
    with pytest.raises(InputError, match="no such result"):
        api.compare(a, tmp_path / "nowhere")

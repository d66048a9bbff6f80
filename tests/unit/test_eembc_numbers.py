"""Names, numbers and refusals of the EEMBC dialect that need no compiler."""

import struct
from pathlib import Path

import numpy as np
import pytest
from fake_model import fake_model

from ppg_deploy.api.dialects import console_baud
from ppg_deploy.boards import load_board, with_baud
from ppg_deploy.eembc import (
    as_printed,
    eembc_application,
    exact_scale,
    model_id_of,
)
from ppg_deploy.errors import InputError
from ppg_deploy.project import load_manifest, render_project
from tests.support.compile_networks import pulse_like
from tests.support.int16_graphs import dense


@pytest.mark.parametrize(
    ("name", "model_id"),
    [
        ("pulse-demo", "ppg-pulse-demo"),
        ("PULSE S6 (v2)", "ppg-pulse-s6-v2"),
        ("../../etc", "ppg-etc"),
        ("a]b[c", "ppg-a-b-c"),  # the runner's pattern ends at the first bracket
        ("Größe", "ppg-gr-e"),
        ("***", "ppg-model"),
    ],
)
def test_model_ids(name: str, model_id: str) -> None:
    assert model_id_of(name) == model_id


def float32(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


@pytest.mark.parametrize("value", [1.0, 0.5, 0.1, 0.8235294, 3e-5, 1e-12, 123.456, 2.0**35])
def test_scales_are_exact(value: float) -> None:
    scale = float32(value)
    exact = exact_scale(scale)
    assert exact.mantissa / 2**exact.shift == scale
    assert exact.mantissa < 2**36
    assert exact.shift < 64


def test_a_scale_that_never_reaches_a_digit() -> None:
    exact = exact_scale(2.0**-100)
    assert exact.mantissa == 0


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), 2.0**36])
def test_scales_that_cannot_be_printed(value: float) -> None:
    with pytest.raises(InputError, match="scale"):
        exact_scale(value)


def test_printed_numbers_are_those_of_a_correct_printf() -> None:
    """Python's formatting rounds a double correctly; scale * steps is exact in one."""
    scale = float32(0.0317)
    codes = range(-128, 128)
    expected = tuple(f"{np.float64(scale) * (code - 7):.3f}".replace("-0.000", "0.000") for code in codes)
    assert as_printed(codes, scale=scale, zero_point=7) == expected


def test_a_tie_goes_to_the_even_digit() -> None:
    assert as_printed([1, 3, -1, -3], scale=1 / 16, zero_point=0) == ("0.062", "0.188", "-0.062", "-0.188")


def test_the_console_gets_the_runner_s_rate() -> None:
    assert console_baud("eembc", None, None) == 115_200
    assert console_baud("eembc-energy", None, 1_000_000) == 115_200  # [build] baud is for bench
    assert console_baud("eembc-energy", 9600, 1_000_000) == 9600
    assert console_baud("ppg", None, 1_000_000) == 1_000_000
    assert console_baud("ppg", None, None) is None


def test_a_project_of_one_dialect_leaves_nothing_to_the_other(tmp_path: Path) -> None:
    board, folder = load_board("nucleo-l476rg"), tmp_path / "fw"
    graph = pulse_like()
    application = eembc_application(graph, model_id="ppg-x", is_energy=False)
    render_project(board=with_baud(board, 9600), model=fake_model(), folder=folder, application=application)
    header = (folder / "include" / "ppg_eembc_config.h").read_text()
    assert '#define PPG_EEMBC_MODEL_ID "ppg-x"' in header
    assert '#define PPG_EEMBC_MODE "performance"' in header
    scale = exact_scale(graph.output.scale)
    assert f"#define PPG_EEMBC_SCALE_MANTISSA {scale.mantissa}ull" in header
    assert f"#define PPG_EEMBC_SCALE_SHIFT {scale.shift}u" in header
    assert f"#define PPG_EEMBC_ZERO_POINT ({graph.output.zero_point})" in header
    assert "#define PPG_UART_BAUD 9600u" in (folder / "include" / "ppg_hardware.h").read_text()
    assert load_manifest(folder).dialect == "eembc"
    assert not (folder / "src" / "protocol").exists()
    render_project(board=board, model=fake_model(), folder=folder)
    assert load_manifest(folder).dialect == "ppg"
    assert not (folder / "include" / "ppg_eembc_config.h").exists()
    assert not (folder / "src" / "eembc").exists()
    assert (folder / "src" / "app" / "ppg_commands.c").is_file()


def test_codes_of_16_bits_are_read_as_such() -> None:
    header = eembc_application(dense(1), model_id="ppg-x", is_energy=False).headers["ppg_eembc_config.h"]
    assert "typedef int16_t ppg_eembc_code_t;" in header

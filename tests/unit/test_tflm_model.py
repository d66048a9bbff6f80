"""Resolver and arena: every operator has its method, the arena is a bit larger than real builds need."""

from pathlib import Path

import pytest

from ppg_deploy.audit.reading import read_for_audit
from ppg_deploy.errors import EnvironmentProblem
from ppg_deploy.golden.reference import NOT_IN_TFLM
from ppg_deploy.graph.operators import Conv2D
from ppg_deploy.tflite.codecs import BY_OPCODE, OPCODE_NAMES, READERS
from ppg_deploy.tflite.writer import write_tflite
from ppg_deploy.tflm import arena, open_tree
from ppg_deploy.tflm.operators import METHODS, NARROW, resolver_calls
from ppg_deploy.tflm.render import render_model
from tests.support.fake_tflm import TFLM_API, copying_graph, copying_model, fake_tree
from tests.support.int8_graphs import GraphMaker
from tests.support.shared_data import CARDS, requires_shared, student, write_dalia_windows


def test_every_operator_that_can_be_read_has_a_method() -> None:
    lacking = {
        OPCODE_NAMES[code]
        for code in {*BY_OPCODE, *READERS}
        if code not in BY_OPCODE or BY_OPCODE[code].operator not in NOT_IN_TFLM
    } - set(METHODS)
    assert lacking == set()
    assert set(METHODS) >= NARROW
    assert len(set(METHODS.values())) == len(METHODS)


def convolution(kernel: tuple[int, int], channels: tuple[int, int]) -> bytes:
    maker = GraphMaker(3)
    given = maker.activation((1, 8, 8, channels[0]))
    weights = maker.weights((channels[1], *kernel, channels[0]), 0)
    bias = maker.bias(channels[1], weights, given)
    rows, columns = 8 - kernel[0] + 1, 8 - kernel[1] + 1
    made = maker.activation((1, rows, columns, channels[1]))
    maker.emit(Conv2D(inputs=(given, weights, bias), outputs=(made,)))
    return write_tflite(maker.graph(given, made))


def test_a_default_registration_where_the_tree_has_no_narrow_one(tmp_path: Path) -> None:
    model = read_for_audit(convolution((3, 3), (2, 4)), "model")
    tree = fake_tree(tmp_path)
    assert [call.registration for call in resolver_calls(model, open_tree(tree))] == ["Register_CONV_2D_INT8"]
    header = tree / "tensorflow/lite/micro/kernels/conv.h"
    header.write_text(header.read_text().replace("Register_CONV_2D_INT8", "Register_CONV_2D_INT4"))
    assert [call.registration for call in resolver_calls(model, open_tree(tree))] == [None]


def test_each_operator_is_registered_once_and_counted_each_time() -> None:
    maker = GraphMaker(5)
    given = maker.activation((1, 2, 3, 4))
    flat = maker.reshaped(maker.reshaped(given, (1, 24)), (1, 1, 1, 24))
    tree = open_tree(TFLM_API / "tree")
    rendered = render_model(maker.graph(given, flat), write_tflite(maker.graph(given, flat)), tree)
    assert [call.method for call in rendered.calls] == ["AddReshape"]
    assert "#define PPG_MODEL_OPERATORS 2u" in rendered.sources.files["model.h"]
    assert [operator.kind for operator in rendered.operators.operators] == ["RESHAPE", "RESHAPE"]
    assert "#define PPG_TFLM_HAS_STATE 0" in rendered.sources.files["model.h"]


@pytest.mark.parametrize(
    ("kernel", "channels", "scratch"),
    [
        # arm_convolve_s8_get_buffer_size: 2 columns * (kernel * input channels, rounded up to 4) * 2 bytes
        ((1, 3), (32, 8), 2 * 96 * 2),
        ((4, 1), (5, 8), 2 * 20 * 2),
        ((3, 3), (1, 2), 2 * 12 * 2),
    ],
)
def test_scratch_of_a_convolution(kernel: tuple[int, int], channels: tuple[int, int], scratch: int) -> None:
    model = read_for_audit(convolution(kernel, channels), "model")
    assert arena.scratch_bytes(model, model.operators[0]) == scratch


def test_the_arena_is_a_multiple_of_16_and_counts_cmsis_nn_only_where_it_is() -> None:
    data = convolution((3, 3), (32, 32))
    model = read_for_audit(data, "model")
    with_scratch = arena.size_arena(model, data, uses_cmsis_nn=True)
    without = arena.size_arena(model, data, uses_cmsis_nn=False)
    assert (with_scratch.scratch, without.scratch) == (2 * 288 * 2, 0)
    assert with_scratch.total % 16 == without.total % 16 == 0
    assert with_scratch.total == with_scratch.measured_32bit + with_scratch.scratch + with_scratch.margin
    assert str(with_scratch.measured_32bit) in with_scratch.explanation


def test_without_the_interpreter_the_size_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    tree = open_tree(TFLM_API / "tree")
    with pytest.raises(EnvironmentProblem, match="cannot be measured") as caught:
        render_model(copying_graph(), copying_model(), tree)
    assert "--tflm-arena" in caught.value.hint
    rendered = render_model(copying_graph(), copying_model(), tree, arena_bytes=3001)
    assert rendered.sources.arena_bytes == 3008
    assert rendered.arena is None


@requires_shared
def test_arena_of_a_real_student(tmp_path: Path) -> None:
    """TFLM of August 2026 with CMSIS-NN needs 37,908 bytes for it on a Cortex-M4: shared/reference/kernels.md."""
    from ppg_deploy import api

    windows = write_dalia_windows(tmp_path / "windows.npz")
    card = CARDS / "pulse_s6.toml"
    api.quantize(student("pulse_s6"), out=tmp_path, card=card, calibration=windows)
    data = (tmp_path / "model.tflite").read_bytes()
    size = arena.size_arena(read_for_audit(data, "pulse_s6"), data, uses_cmsis_nn=True)
    assert 37_908 <= size.total <= 1.08 * 37_908

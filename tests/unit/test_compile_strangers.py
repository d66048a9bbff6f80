"""What fuzzing found in .tflite files: our compiler refuses what TFLM refuses, and computes what TFLM computes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ppg_deploy.compile import compile_graph
from ppg_deploy.errors import InputError
from ppg_deploy.golden.tflm import TflmInterpreter
from ppg_deploy.graph.quantized_reference import run_quantized_output
from ppg_deploy.tflite import read_tflite
from tests.support.tflite_files import OPS, FileMaker, pack, small_network, unpack


def sound() -> bytes:
    maker, source, output = small_network()
    return maker.content([source], [output])


def rewired(inputs: list[int], outputs: list[int]) -> Callable[[], bytes]:
    def make() -> bytes:
        model = unpack(sound())
        model.subgraphs[0].operators[0].inputs = np.array(inputs, np.int32)
        model.subgraphs[0].operators[0].outputs = np.array(outputs, np.int32)
        return pack(model)

    return make


def output_minus_one() -> bytes:
    model = unpack(sound())
    model.subgraphs[0].outputs = np.array([-1], np.int32)
    return pack(model)


def endless_dilation() -> bytes:
    model = unpack(sound())
    model.subgraphs[0].operators[0].builtinOptions.dilationWFactor = 2**31 - 1
    return pack(model)


def pool_that_rescales() -> bytes:
    maker, source, output = small_network()
    pooled = maker.tensor("pooled", (1, 1, 4, 6), scale=0.2)
    maker.operator(
        OPS.MAX_POOL_2D, [output], [pooled], "Pool2D", strideH=1, strideW=2, filterHeight=1, filterWidth=2,
        padding=1,
    )  # fmt: skip
    return maker.content([source], [pooled])


def shuffled_weights() -> bytes:
    maker = FileMaker()
    source, output = maker.tensor("x", (1, 4)), maker.tensor("y", (1, 2), scale=0.5)
    weights = maker.tensor("w", (2, 4), scale=0.01, data=np.ones((2, 4), np.int8))
    maker.operator(OPS.FULLY_CONNECTED, [source, weights, -1], [output], "FullyConnected", weightsFormat=1)
    return maker.content([source], [output])


def constant_sum() -> bytes:
    maker = FileMaker()
    source, output = maker.tensor("x", (1, 4)), maker.tensor("y", (1, 4), scale=0.5)
    fixed = maker.tensor("c", (1, 4), scale=0.01, data=np.ones((1, 4), np.int8))
    maker.operator(OPS.ADD, [fixed, fixed], [output], "Add")
    return maker.content([source], [output])


def variable_weights() -> bytes:
    model = unpack(sound())
    model.subgraphs[0].tensors[2].isVariable = True
    return pack(model)


@pytest.mark.parametrize(
    "content",
    [
        rewired([], [1]),
        rewired([0], [1]),
        rewired([-1, 2, 3], [1]),
        rewired([0, -1, 3], [1]),
        rewired([0, 2, 3, 3], [1]),
        rewired([0, 2, -2], [1]),
        rewired([0, 2, 3], []),
        rewired([0, 2, 3], [-1]),
        output_minus_one,
        endless_dilation,
        pool_that_rescales,
        shuffled_weights,
        constant_sum,
        variable_weights,
    ],
)
def test_refused(tmp_path: Path, content: Callable[[], bytes]) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(content())
    with pytest.raises(InputError):
        compile_graph(read_tflite(path), model_sha256="0" * 64, dsp=True)


@pytest.mark.parametrize("bias", [2**31 - 1, -(2**31), 2**30 + 5])
@pytest.mark.parametrize("scale", [2.0, 1e-4])
def test_sums_that_leave_32_bits_wrap_as_in_tflm(tmp_path: Path, bias: int, scale: float) -> None:
    pytest.importorskip("tflite_micro", reason="tflite-micro is not installed")
    maker = FileMaker()
    source, output = maker.tensor("x", (1, 16)), maker.tensor("y", (1, 3), scale=scale)
    values = np.arange(-24, 24).reshape(3, 16).astype(np.int8)
    weights = maker.tensor("w", (3, 16), scale=0.01, data=values)
    biases = maker.tensor("b", (3,), 2, scale=0.05 * 0.01, data=np.full(3, bias, np.int32))
    maker.operator(OPS.FULLY_CONNECTED, [source, weights, biases], [output], "FullyConnected")
    content = maker.content([source], [output])
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    codes = np.random.default_rng(0).integers(-128, 128, (40, 16)).astype(np.int8)
    assert np.array_equal(run_quantized_output(read_tflite(path), codes), TflmInterpreter(content).run(codes))

"""What fuzzing found in ONNX files: errors that name the culprit, before anything large is allocated."""

import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from ppg_deploy.convert import check_against_onnxruntime, convert_onnx
from ppg_deploy.errors import InputError
from tests.support.onnx_networks import OnnxNetwork


def network(path: Path) -> Path:
    net = OnnxNetwork((1, 2, 32))
    x = net.add("Relu", net.batch_norm(net.conv("x", 2, 4, (3,), pads=[1, 1]), 4))
    x = net.add("GlobalAveragePool", x)
    return net.save(path, net.dense(net.add("Flatten", x, axis=1), 4, 1))


def weights_with(value: float, index: int = 0) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[index]
        values = numpy_helper.to_array(tensor).copy()
        values.reshape(-1)[2] = value
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))

    return change


def attribute(number: int, name: str, value: object) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        node = model.graph.node[number]
        kept = [item for item in node.attribute if item.name != name]
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute(name, value)])

    return change


def huge_window(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 1 << 44


def constant_of_terabytes(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.int64([1 << 20, 1 << 20]), "sizes"))
    model.graph.node.insert(0, helper.make_node("ConstantOfShape", ["sizes"], ["huge"]))
    model.graph.node[-1].input[1] = "huge"


def weights_of_terabytes(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].dims[0] = 1 << 42


def few_biases(model: onnx.ModelProto) -> None:
    model.graph.initializer[1].CopyFrom(
        numpy_helper.from_array(np.float32([0.5]), model.graph.initializer[1].name)
    )


def few_scales(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[2]
    tensor.CopyFrom(numpy_helper.from_array(np.float32([0.5, 1.0]), tensor.name))


def negative_variance(model: onnx.ModelProto) -> None:
    norm = next(node for node in model.graph.node if node.op_type == "BatchNormalization")
    tensor = next(item for item in model.graph.initializer if item.name == norm.input[4])
    tensor.CopyFrom(numpy_helper.from_array(np.full(4, -3, np.float32), tensor.name))


def constant_output(model: onnx.ModelProto) -> None:
    model.graph.node[-1].input[0] = model.graph.initializer[-2].name
    del model.graph.node[:-1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            weights_with(float("nan")),
            "initializer c0 holds 1 values that are NaN or infinite, the first at 2",
        ),
        (weights_with(float("inf")), "initializer c0"),
        (weights_with(-float("inf"), 6), "initializer c6"),
        (attribute(1, "epsilon", float("nan")), "attribute epsilon of BatchNormalization"),
        (attribute(0, "kernel_shape", [65536]), "kernel"),
        (attribute(0, "strides", [0]), ""),
        (attribute(0, "strides", [1 << 40]), "above 65536"),
        (attribute(0, "dilations", [1, 1]), ""),
        (attribute(0, "pads", [1 << 33, 1 << 33]), "elements"),
        (attribute(0, "group", -1), ""),
        (huge_window, "35,184,372,088,832 elements"),
        (constant_of_terabytes, "1,099,511,627,776 elements"),
        (weights_of_terabytes, "c0"),
        (few_biases, ""),
        (few_scales, ""),
        (negative_variance, "bias leave the range"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)[:30]),
)
def test_refused_without_a_bug_and_without_memory(
    tmp_path: Path, change: Callable[[onnx.ModelProto], None], words: str
) -> None:
    model = onnx.load(network(tmp_path / "m.onnx"))
    change(model)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError) as caught:
        convert_onnx(tmp_path / "m.onnx")
    assert words in caught.value.message
    # In KiB: the peak of this process grows by less than 256 MiB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 * 1024


def test_a_clamp_may_be_open(tmp_path: Path) -> None:
    net = OnnxNetwork((1, 2, 16))
    low = net.constant(np.float32(0).reshape(()))
    high = net.constant(np.float32(np.inf).reshape(()))
    x = net.add("Clip", net.conv("x", 2, 3, (3,)), low, high)
    graph = convert_onnx(net.save(tmp_path / "m.onnx", net.dense(net.add("Flatten", x, axis=1), 42, 1))).graph
    assert len(graph.operators) >= 2


def test_weights_that_overflow_when_folded(tmp_path: Path) -> None:
    model = onnx.load(network(tmp_path / "m.onnx"))
    for index in (0, 2):
        tensor = model.graph.initializer[index]
        values = np.full_like(numpy_helper.to_array(tensor), 1e30)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="leave the range of float32"):
        convert_onnx(tmp_path / "m.onnx")


def test_answers_that_are_no_numbers_name_the_window(tmp_path: Path) -> None:
    net = OnnxNetwork((1, 2, 16))
    conversion = convert_onnx(
        net.save(tmp_path / "m.onnx", net.dense(net.add("Flatten", "x", axis=1), 32, 1))
    )
    x = np.zeros((5, 2, 16), np.float32)
    x[3] = 3e38
    with pytest.raises(InputError, match="1 of 5 windows, the first is window 3"):
        check_against_onnxruntime(conversion, x)


def test_an_output_that_does_not_depend_on_the_input(tmp_path: Path) -> None:
    net = OnnxNetwork((1, 2, 16))
    net.conv("x", 2, 3, (3,))
    fixed = net.add("Relu", net.constant(np.ones((1, 4), np.float32)))
    with pytest.raises(InputError):
        convert_onnx(net.save(tmp_path / "m.onnx", fixed))

"""Fake quantisation against the quantiser and its integer arithmetic: what is trained is what will run."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is missing: install the [train] extra")

from models.int8_training.fake_quantization import fake_activation, fake_weights  # noqa: E402
from models.int8_training.fine_tune import fine_tune  # noqa: E402
from models.int8_training.graph_network import GraphNetwork  # noqa: E402
from models.int8_training.settings import Int8Settings  # noqa: E402
from models.losses.settings import HardLoss, LossSettings  # noqa: E402
from models.students.registry import STUDENTS  # noqa: E402
from models.training.export import write_onnx  # noqa: E402
from models.training.loop import Examples  # noqa: E402
from ppg_deploy.convert import Conversion, convert_onnx  # noqa: E402
from ppg_deploy.errors import UnsupportedModelError  # noqa: E402
from ppg_deploy.graph import DType, Quantization, Tensor  # noqa: E402
from ppg_deploy.graph.quantized_reference import run_quantized, run_quantized_output  # noqa: E402
from ppg_deploy.quantization import calibrate, dequantize_codes, quantize_graph, quantize_windows  # noqa: E402
from ppg_deploy.quantization.preparation import QuantizeInputs, prepare_student  # noqa: E402
from ppg_deploy.quantization.ranges import activation_quantization  # noqa: E402
from ppg_deploy.quantization.weights import quantize_weights  # noqa: E402

# Between them: dilated, strided, SAME, VALID, depthwise and 1x1 convolutions, both pools, pads, sums, reshapes.
NAMES = ("pulse", "resnet2", "resnet6", "timeppg-small", "microresnet")


def with_lively_norms(network: "torch.nn.Module") -> "torch.nn.Module":
    """Batch norms as after a training: fresh ones do nothing."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0.0, 0.3)
            torch.nn.init.normal_(module.running_mean, 0.0, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
    return network.eval()


def converted(name: str, folder: Path) -> Conversion:
    torch.manual_seed(5)
    network = with_lively_norms(STUDENTS[name].build())
    write_onnx(folder / "student.onnx", network, STUDENTS[name].input_shape)
    return convert_onnx(folder / "student.onnx")


def windows(name: str, count: int) -> np.ndarray:
    return np.random.default_rng(6).standard_normal((count, *STUDENTS[name].input_shape)).astype(np.float32)


def test_activations_are_rounded_as_codes_are() -> None:
    quantization = Quantization((0.037,), (-41,))
    x = np.random.default_rng(1).normal(0, 5, 4000).astype(np.float32)
    stored = Tensor("x", x.shape, DType.INT8, quantization)
    expected = dequantize_codes(quantize_windows(x, stored), stored)
    np.testing.assert_allclose(fake_activation(torch.from_numpy(x), quantization), expected, atol=1e-5)


def test_gradients_pass_where_nothing_saturates() -> None:
    # Codes -128 to 127 around zero point 0 stand for -12.8 to 12.7.
    x = torch.tensor([-20.0, -12.0, 0.04, 12.6, 13.0], requires_grad=True)
    fake_activation(x, Quantization((0.1,), (0,))).sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 1.0, 1.0, 0.0]


def test_weights_and_biases_are_rounded_as_the_quantiser_does() -> None:
    rng = np.random.default_rng(2)
    weights = rng.standard_normal((6, 3, 1, 5)).astype(np.float32) * rng.uniform(0.01, 4, (6, 1, 1, 1))
    weights = weights.astype(np.float32)
    weights[2] = 0.0
    bias = rng.standard_normal(6).astype(np.float32)
    of_codes = quantize_weights(
        Tensor("w", weights.shape, DType.FLOAT32, data=weights),
        Tensor("b", bias.shape, DType.FLOAT32, data=bias),
        0,
        0.05,
    )
    tensors = fake_weights(torch.from_numpy(weights), torch.from_numpy(bias), 0.05)
    for ours, stored in zip(tensors, of_codes, strict=True):
        assert stored.quantization is not None
        scales = np.array(stored.quantization.scale).reshape(-1, *[1] * (ours.dim() - 1))
        np.testing.assert_allclose(ours.numpy(), np.asarray(stored.data) * scales, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_simulation_equals_the_integer_arithmetic(name: str, tmp_path: Path) -> None:
    """Float answers equal onnxruntime's, ranges those of the calibration, simulated activations the integer kernels'.

    Kernels rescale sums in fixed point, so that one code in a hundred may differ by one.
    """
    conversion = converted(name, tmp_path)
    x = windows(name, 8)
    network = GraphNetwork(conversion)
    with torch.no_grad():
        exact = network(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(exact, conversion.onnxruntime_output(x), atol=2e-4 * np.abs(exact).max())

    arranged = conversion.arranged(x)
    calibration = calibrate(conversion.graph, arranged)
    ranges = network.ranges(torch.from_numpy(x))
    assert set(ranges) == set(calibration.ranges)
    for tensor, expected in calibration.ranges.items():
        np.testing.assert_allclose(ranges[tensor], expected, rtol=1e-4, atol=1e-4)

    # Operator by operator, from the integer arithmetic's own inputs.
    graph = quantize_graph(conversion.graph, calibration)
    network.quantization = activation_quantization(conversion.graph, calibration.ranges, None)
    codes = next(iter(run_quantized(graph, quantize_windows(arranged, graph.input))))
    values = {
        tensor: channels_first(dequantize_codes(found, graph.tensors[tensor]))
        for tensor, found in codes.items()
    }
    for index, operator in enumerate(graph.operators):
        with torch.no_grad():
            simulated = network.run_operator(index, values)
        scale = graph.tensors[operator.output].scale
        steps = (simulated - values[operator.output]).abs().numpy() / scale
        assert steps.max() < 1.01, operator
        assert (steps > 0.5).sum() <= max(1, 0.01 * steps.size), operator


def channels_first(values: np.ndarray) -> "torch.Tensor":
    """From the graph's memory order to that of PyTorch."""
    moved = values.transpose(0, 3, 1, 2) if values.ndim == 4 else values
    return torch.from_numpy(np.ascontiguousarray(moved, np.float32))


@pytest.mark.parametrize("name", NAMES)
def test_export_is_the_same_graph_again(name: str, tmp_path: Path) -> None:
    conversion = converted(name, tmp_path)
    write_onnx(tmp_path / "again.onnx", GraphNetwork(conversion), STUDENTS[name].input_shape)
    again = convert_onnx(tmp_path / "again.onnx")
    # Exporters order the two sides of a shortcut as they like.
    kinds = [
        sorted(operator.kind for operator in graph.operators) for graph in (again.graph, conversion.graph)
    ]
    assert kinds[0] == kinds[1]
    x = windows(name, 3)
    expected = conversion.onnxruntime_output(x)
    np.testing.assert_allclose(again.onnxruntime_output(x), expected, atol=2e-4 * np.abs(expected).max())


def test_unknown_operators_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModelError, match="TANH"):
        GraphNetwork(converted("small-tanh", tmp_path))


@pytest.mark.parametrize(("towards", "label_shift"), [("losses", 0.0), ("float", 40.0)])
def test_fine_tuning_repairs_what_rounding_breaks(
    towards: Literal["losses", "float"], label_shift: float, tmp_path: Path
) -> None:
    """A huge weight of a sample that is always 0 leaves the channel's other weights three codes: -1, 0 and 1.

    Towards the float answers, wrong labels do no harm. The same settings give the same weights.
    """
    torch.manual_seed(7)
    network = STUDENTS["mlp-small"].build()
    layers = [module for module in network.modules() if isinstance(module, torch.nn.Linear)]
    with torch.no_grad():
        layers[0].weight[:, 0] = 12.0
        layers[-1].weight.mul_(100.0)
        layers[-1].bias.fill_(100.0)
    write_onnx(tmp_path / "student.onnx", network, STUDENTS["mlp-small"].input_shape)
    x = windows("mlp-small", 600)
    x[:, :, 0] = 0.0
    with torch.no_grad():
        hr = network.eval()(torch.from_numpy(x))[:, 0].numpy()
    np.savez(tmp_path / "student.calib.npz", x=x[:128], hr=hr[:128])
    prepared = prepare_student(
        QuantizeInputs(tmp_path / "student.onnx", None, None, tmp_path / "student.calib.npz")
    )

    def tuned() -> tuple[GraphNetwork, tuple[float, ...], int]:
        result, fitted = fine_tune(
            prepared,
            LossSettings(hard=HardLoss()),
            Examples(x[:500], hr[:500] + np.float32(label_shift)),
            None,
            torch.from_numpy(x[500:]),
            lambda output: float(np.abs(output[:, 0].numpy() - hr[500:]).mean()),
            Int8Settings(epochs=6, batch=20, learning_rate=3e-4, towards=towards),
            seed=3,
            report=lambda _: None,
        )
        return result, fitted.validation_mae, fitted.best_epoch

    result, errors, best = tuned()
    assert len(errors) == 7 and best == int(np.argmin(errors)) > 0
    assert errors[best] < 0.8 * errors[0]
    again = tuned()[0]
    for name, value in result.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])

    # The simulation's gain is the integer arithmetic's.
    assert result.quantization is None
    write_onnx(tmp_path / "tuned.onnx", result, STUDENTS["mlp-small"].input_shape)
    for model, simulated in (("student", errors[0]), ("tuned", errors[best])):
        conversion = convert_onnx(tmp_path / f"{model}.onnx")
        graph = quantize_graph(conversion.graph, calibrate(conversion.graph, conversion.arranged(x[:128])))
        codes = run_quantized_output(graph, quantize_windows(conversion.arranged(x[500:]), graph.input))
        answers = dequantize_codes(codes, graph.output).reshape(-1)
        assert np.abs(answers - hr[500:]).mean() == pytest.approx(simulated, rel=0.05)

"""Every student, exported in several ways: float graph against onnxruntime, compiled C against TFLM."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="PyTorch is missing: install the [train] extra")
pytest.importorskip("onnxscript", reason="the dynamo exporter needs onnxscript: install the [train] extra")
pytest.importorskip("tflite_micro", reason="the reference is TFLM's own interpreter")

from ppg_deploy.convert import Conversion, convert_onnx  # noqa: E402
from ppg_deploy.errors import UnsupportedModelError  # noqa: E402
from ppg_deploy.graph import Graph  # noqa: E402
from ppg_deploy.graph.float_reference import run_float_output  # noqa: E402
from ppg_deploy.graph.quantized_reference import run_quantized_output  # noqa: E402
from ppg_deploy.quantization.calibration import calibrate  # noqa: E402
from ppg_deploy.quantization.codes import quantize_windows  # noqa: E402
from ppg_deploy.quantization.quantizer import quantize_graph  # noqa: E402
from ppg_deploy.tflite import write_tflite  # noqa: E402
from tests.support.compile_host import host_runner  # noqa: E402
from tests.zoo.exporters import Variant, export  # noqa: E402
from tests.zoo.forms import FORMS  # noqa: E402
from tests.zoo.matrix import rows  # noqa: E402
from tests.zoo.networks import seeded, spread, windows_for  # noqa: E402

Floats = NDArray[np.float32]

MAX_RELATIVE_ERROR = 1e-3
FEWEST_WINDOWS = 100
FEWEST_CODES = 20
FLOAT_WINDOWS = 24

# Operators of students that TFLM refuses, whose reference is therefore the numpy version of the specification.
NOT_IN_TFLM = {"small-gelu": "GELU", "attention": "GELU"}

# Fingerprints of int8 graphs whose C has given TFLM's answers in this session.
_proven: set[str] = set()


def onnxruntime_answers(path: Path, x: Floats) -> Floats:
    """The exported file as it is, window by window, without any optimisation: (N, outputs)."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options)
    return np.stack([np.asarray(session.run(None, {"x": window[None]})[0]).reshape(-1) for window in x])


def float_answers(conversion: Conversion, x: Floats) -> Floats:
    """The float graph's answers in the file's order, with the head that was cut off put back."""
    outputs = run_float_output(conversion.graph, conversion.arranged(x)).reshape(len(x), -1)
    answers = np.empty_like(outputs)
    answers[:, conversion.output_order] = outputs
    head = conversion.head
    if head is None:
        return answers
    powers = np.exp(answers - answers.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    if not head.is_expectation:
        return probabilities
    assert head.first_bin_bpm is not None and head.bin_width_bpm is not None
    bins = head.first_bin_bpm + head.bin_width_bpm * np.arange(answers.shape[1])
    return (probabilities @ bins)[:, None].astype(np.float32)


def fingerprint(graph: Graph) -> str:
    """Equal for graphs that differ in the names of tensors only."""
    used = [name for operator in graph.operators for name in (*operator.inputs, *operator.outputs)]
    numbers = {name: f"t{place}" for place, name in enumerate(dict.fromkeys([*graph.inputs, *used]))}

    def renamed(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(numbers[name] for name in names)

    canonical = Graph(
        "canonical",
        {numbers[name]: replace(graph.tensors[name], name=numbers[name]) for name in numbers},
        tuple(
            replace(operator, inputs=renamed(operator.inputs), outputs=renamed(operator.outputs))
            for operator in graph.operators
        ),
        renamed(graph.inputs),
        renamed(graph.outputs),
    )
    return hashlib.sha256(write_tflite(canonical)).hexdigest()


def reference_answers(graph: Graph, codes: NDArray[np.int8], refused: str | None) -> NDArray[np.int8]:
    """TFLM's bytes (N, outputs), or those of the numpy reference when TFLM has no operator of the name `refused`."""
    from ppg_deploy.golden.tflm import TflmInterpreter

    model = write_tflite(graph)
    if refused is None:
        return TflmInterpreter(model).run(codes)
    with pytest.raises(UnsupportedModelError, match=refused):
        TflmInterpreter(model)
    return run_quantized_output(graph, codes)


def assert_compiled_equals_reference(conversion: Conversion, x: Floats, refused: str | None) -> None:
    arranged = conversion.arranged(x)
    graph = quantize_graph(conversion.graph, calibrate(conversion.graph, arranged))
    print_of_graph = fingerprint(graph)
    if print_of_graph in _proven:
        return
    codes = quantize_windows(arranged, graph.input)
    expected = reference_answers(graph, codes, refused)
    assert len(codes) >= FEWEST_WINDOWS
    assert len(np.unique(expected)) >= FEWEST_CODES, "answers that hardly vary prove nothing"
    ((compiled, answered),) = host_runner(sanitized=False).run([(graph, codes)])
    np.testing.assert_array_equal(answered, expected)
    assert 0 < compiled.arena_bytes <= sum(t.size for t in graph.tensors.values() if t.data is None) * 4
    _proven.add(print_of_graph)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
@pytest.mark.parametrize(("name", "variant"), [pytest.param(*row, id=f"{row[0]}-{row[1]}") for row in rows()])
def test_student(name: str, variant: Variant, tmp_path: Path) -> None:
    windows = windows_for(name)
    rewritten = FORMS[variant.form](spread(seeded(name), windows))
    x = rewritten.arrange(windows)
    module = spread(rewritten.module, x) if variant.form.startswith("batch-norm") else rewritten.module
    path = tmp_path / "student.onnx"
    export(module, torch.zeros(1, *x.shape[1:]), path, variant)
    some = x[:: len(x) // FLOAT_WINDOWS][:FLOAT_WINDOWS]
    expected = onnxruntime_answers(path, some)
    with torch.no_grad():
        of_torch = module.eval()(torch.from_numpy(some)).reshape(len(some), -1).numpy()
    largest = float(np.abs(expected).max())
    np.testing.assert_allclose(of_torch, expected, rtol=0, atol=1e-4 * largest)

    conversion = convert_onnx(path)
    assert np.abs(float_answers(conversion, some) - expected).max() <= MAX_RELATIVE_ERROR * largest
    assert_compiled_equals_reference(conversion, x, NOT_IN_TFLM.get(name))

"""The PULSE network against its published table."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is missing: install the [train] extra")

from models.students.pulse import INPUT_SHAPE, MACS, PARAMETERS, PulseStudent  # noqa: E402
from models.training.export import write_onnx  # noqa: E402


def test_parameters_match_the_published_count() -> None:
    count = sum(parameter.numel() for parameter in PulseStudent().parameters())
    assert count == PARAMETERS == 27_241


def test_multiplications_match_the_hand_count() -> None:
    counted = 0

    def count(layer: Any, _: object, output: Any) -> None:
        nonlocal counted
        counted += output[0].numel() * layer.weight[0].numel()

    student = PulseStudent().eval()
    for layer in student.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            layer.register_forward_hook(count)
    student(torch.zeros(1, *INPUT_SHAPE))
    # Rows x columns x channels out x (channels in x kernel), layer by layer of the published table.
    block1 = 4 * 256 * 16 * (1 * 3) + 2 * (4 * 256 * 16 * (16 * 3))
    block2 = 4 * 64 * 24 * (16 * 3) + 2 * (4 * 64 * 24 * (24 * 3))
    block3 = 4 * 16 * 32 * (24 * 3) + 2 * (4 * 16 * 32 * (32 * 3))
    across_and_dense = 1 * 8 * 32 * (32 * 4) + 256 * 32 + 32 * 1
    assert counted == block1 + block2 + block3 + across_and_dense == MACS == 3_383_328


def test_shapes_along_the_network() -> None:
    student = PulseStudent().eval()
    x = torch.zeros(3, *INPUT_SHAPE)
    after1 = student.block1(x)
    after2 = student.block2(after1)
    after3 = student.block3(after2)
    assert after1.shape == (3, 16, 4, 64)
    assert after2.shape == (3, 24, 4, 16)
    assert after3.shape == (3, 32, 4, 8)
    assert student.across(after3).shape == (3, 32, 1, 8)
    assert student(x).shape == (3, 1)


def test_exported_graph_has_the_published_operators_and_the_same_answers(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    torch.manual_seed(3)
    student = PulseStudent()
    write_onnx(tmp_path / "student.onnx", student)
    model = onnx.load(tmp_path / "student.onnx")
    onnx.checker.check_model(model)
    operators = [node.op_type for node in model.graph.node]
    assert sorted(operators) == sorted(
        ["Conv"] * 10 + ["Relu"] * 9 + ["AveragePool"] * 3 + ["Flatten"] + ["Gemm"] * 2
    )
    assert model.opset_import[0].version == 17
    x = np.random.default_rng(4).normal(size=(5, *INPUT_SHAPE)).astype(np.float32)
    session = onnxruntime.InferenceSession(tmp_path / "student.onnx")
    answers = [float(session.run(["hr"], {"x": window[None]})[0][0, 0]) for window in x]
    with torch.no_grad():
        expected = student.eval()(torch.from_numpy(x))[:, 0].numpy()
    np.testing.assert_allclose(answers, expected, atol=1e-5)

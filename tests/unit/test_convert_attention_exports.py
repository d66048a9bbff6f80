"""nn.MultiheadAttention and scaled_dot_product_attention as torch's two exporters write them, against onnxruntime."""

from pathlib import Path

import numpy as np
import pytest

from ppg_deploy.convert import check_against_onnxruntime, convert_onnx

torch = pytest.importorskip("torch", reason="the [train] extra is not installed")


def _student(form: str):  # type: ignore[no-untyped-def]
    nn = torch.nn

    class Student(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Conv1d(4, 16, 5, padding=2, stride=2)
            self.attention = nn.MultiheadAttention(16, 4, batch_first=True)
            self.norm = nn.LayerNorm(16)
            self.dense = nn.Linear(16, 16)
            self.head = nn.Linear(16, 1)

        def forward(self, x):  # type: ignore[no-untyped-def]
            tokens = self.embedding(x).transpose(1, 2)
            if form == "function":
                heads = self.dense(tokens).view(-1, 32, 4, 4).transpose(1, 2)
                mixed = nn.functional.scaled_dot_product_attention(heads, heads, heads)
                mixed = mixed.transpose(1, 2).reshape(-1, 32, 16)
            else:
                mixed, _ = self.attention(tokens, tokens, tokens, need_weights=form == "weights")
            return self.head(torch.relu(self.norm(tokens + mixed)).mean(1))

    torch.manual_seed(0)
    return Student().eval()


@pytest.mark.parametrize("form", ["module", "weights", "function"])
@pytest.mark.parametrize("dynamo", [False, True], ids=["legacy", "dynamo"])
def test_equal_to_onnxruntime(tmp_path: Path, form: str, *, dynamo: bool) -> None:
    if dynamo:
        pytest.importorskip("onnxscript", reason="torch's dynamo exporter needs it")
    path = tmp_path / "student.onnx"
    x = np.random.default_rng(1).standard_normal((6, 4, 64)).astype(np.float32)
    options = {"external_data": False, "opset_version": 18} if dynamo else {"opset_version": 14}
    torch.onnx.export(
        _student(form), (torch.from_numpy(x[:1]),), path, dynamo=dynamo, verbose=False, **options
    )
    conversion = convert_onnx(path)
    assert check_against_onnxruntime(conversion, x).relative_error < 1e-5
    kinds = [operator.kind for operator in conversion.graph.operators]
    assert kinds.count("BATCH_MATMUL") == 2
    assert kinds.count("L2_NORMALIZATION") == 1
    assert "STRIDED_SLICE" not in kinds

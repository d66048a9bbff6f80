"""Writing a trained student: ONNX file and card."""

import tempfile
import warnings
from pathlib import Path

import torch
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from torch import nn

from models.students.pulse import INPUT_SHAPE
from ppg_deploy.card import StudentCard
from ppg_deploy.files import write_bytes, write_text

_OPSET = 17


def write_onnx(
    path: Path, network: nn.Module, input_shape: tuple[int, ...] = INPUT_SHAPE, output: str = "hr"
) -> None:
    """Export with PyTorch's TorchScript exporter: opset 17, input `x` (1, *input_shape), one output.

    The newer exporter writes opset 18 and needs onnxscript; the networks do not need either.
    """
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        exported = Path(folder) / "student.onnx"
        # It announces its deprecation on every call.
        warnings.simplefilter("ignore", DeprecationWarning)
        # Residual students' paddings: folded by the converter instead.
        warnings.filterwarnings("ignore", message="Constant folding", category=UserWarning)
        torch.onnx.export(
            network.eval(),
            (torch.zeros(1, *input_shape),),
            exported,
            opset_version=_OPSET,
            input_names=["x"],
            output_names=[output],
            dynamo=False,
        )
        write_bytes(path, exported.read_bytes())


def write_card(path: Path, card: StudentCard) -> None:
    """Write the student card."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    write_text(path, environment.get_template("student.toml.j2").render(card=card))

"""Writing a trained student: ONNX file and card."""

import tempfile
import warnings
from pathlib import Path

import torch
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from models.students.pulse import INPUT_SHAPE, PulseStudent
from models.synth import CHANNELS, SAMPLE_RATE_HZ, STRIDE_SAMPLES, WINDOW_SAMPLES
from models.training.data import Normalisation
from ppg_deploy.files import write_bytes, write_text

_OPSET = 17


def write_onnx(path: Path, student: PulseStudent) -> None:
    """Export with PyTorch's TorchScript exporter: opset 17, input `x` (1, 1, 4, 256), output `hr` (1, 1).

    The newer exporter writes opset 18 and needs onnxscript; the network does not need either.
    """
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        exported = Path(folder) / "student.onnx"
        # It announces its deprecation on every call.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            student.eval(),
            (torch.zeros(1, *INPUT_SHAPE),),
            exported,
            opset_version=_OPSET,
            input_names=["x"],
            output_names=["hr"],
            dynamo=False,
        )
        write_bytes(path, exported.read_bytes())


def write_card(path: Path, name: str, normalisation: Normalisation) -> None:
    """Write the student card with the training set's mean and standard deviation of each channel."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    channels = [
        {"name": channel, "mean": float(mean), "std": float(std)}
        for channel, mean, std in zip(CHANNELS, normalisation.mean, normalisation.std, strict=True)
    ]
    card = environment.get_template("student.toml.j2").render(
        name=name,
        sample_rate_hz=float(SAMPLE_RATE_HZ),
        window_s=WINDOW_SAMPLES / SAMPLE_RATE_HZ,
        stride_s=STRIDE_SAMPLES / SAMPLE_RATE_HZ,
        channels=channels,
    )
    write_text(path, card)

"""PyTorch's two ONNX exporters with the options that people use."""

import contextlib
import io
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

LEGACY_OPSETS = range(11, 21)
DYNAMO_OPSETS = range(18, 24)


@dataclass(frozen=True)
class Variant:
    """One way of exporting a network.

    Attributes:
        exporter: "legacy" (TorchScript) or "dynamo" (torch.export).
        opset: of the file.
        form: key of `tests.zoo.forms.FORMS`.
        dynamic_batch: the batch stays open.
        external_weights: weights in a file of their own beside the .onnx.
        raw: batch norms and constant subgraphs are left as they are.
    """

    exporter: str
    opset: int
    form: str = "plain"
    dynamic_batch: bool = False
    external_weights: bool = False
    raw: bool = False

    def __str__(self) -> str:
        options = ("dynamic_batch", "external_weights", "raw")
        words = [self.exporter, str(self.opset), self.form]
        return "-".join(words + [name.replace("_", "-") for name in options if getattr(self, name)])


def export(module: nn.Module, example: Tensor, path: Path, variant: Variant) -> None:
    """Write `module`, in evaluation mode, as an ONNX file with input `x` and output `y`."""
    silent = io.StringIO()
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    # Both exporters warn about their own deprecations and about shapes becoming constants.
    with warnings.catch_warnings(), contextlib.redirect_stdout(silent):
        warnings.simplefilter("ignore")
        if variant.exporter == "legacy":
            _export_legacy(module.eval(), example, path, variant)
        else:
            _export_dynamo(module.eval(), example, path, variant)


def _export_legacy(module: nn.Module, example: Tensor, path: Path, variant: Variant) -> None:
    mode = torch.onnx.TrainingMode.PRESERVE if variant.raw else torch.onnx.TrainingMode.EVAL
    torch.onnx.export(
        module,
        (example,),
        path,
        dynamo=False,
        opset_version=variant.opset,
        input_names=["x"],
        output_names=["y"],
        dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}} if variant.dynamic_batch else None,
        training=mode,
        do_constant_folding=not variant.raw,
    )
    if variant.external_weights:
        import onnx

        onnx.save(
            onnx.load(path),
            path,
            save_as_external_data=True,
            location=f"{path.name}.data",
            size_threshold=0,
        )


def _export_dynamo(module: nn.Module, example: Tensor, path: Path, variant: Variant) -> None:
    # torch.export takes a batch of 1 for a constant.
    batch = torch.cat([example, example]) if variant.dynamic_batch else example
    torch.onnx.export(
        module,
        (batch,),
        path,
        dynamo=True,
        verbose=False,
        opset_version=variant.opset,
        input_names=["x"],
        output_names=["y"],
        dynamic_shapes=({0: torch.export.Dim("batch")},) if variant.dynamic_batch else None,
        external_data=variant.external_weights,
        optimize=not variant.raw,
    )

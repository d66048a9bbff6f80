"""ONNX -> float graph, equal to onnxruntime."""

from ppg_deploy.convert.converter import (
    Conversion,
    FloatCheck,
    check_against_onnxruntime,
    check_answers,
    convert_onnx,
)
from ppg_deploy.convert.prepare import PreparedModel, prepare_onnx

__all__ = [
    "Conversion",
    "FloatCheck",
    "PreparedModel",
    "check_against_onnxruntime",
    "check_answers",
    "convert_onnx",
    "prepare_onnx",
]

"""ONNX -> float graph, equal to onnxruntime."""

from ppg_deploy.convert.converter import (
    Conversion,
    FloatCheck,
    check_against_onnxruntime,
    check_answers,
    convert_onnx,
)
from ppg_deploy.convert.head import HeadCut, find_head
from ppg_deploy.convert.reading import ReadModel, read_model

__all__ = [
    "Conversion",
    "FloatCheck",
    "HeadCut",
    "ReadModel",
    "check_against_onnxruntime",
    "check_answers",
    "convert_onnx",
    "find_head",
    "read_model",
]

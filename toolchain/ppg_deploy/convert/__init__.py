"""ONNX -> float graph, equal to onnxruntime."""

from ppg_deploy.convert.converter import Conversion, FloatCheck, check_against_onnxruntime, convert_onnx

__all__ = ["Conversion", "FloatCheck", "check_against_onnxruntime", "convert_onnx"]

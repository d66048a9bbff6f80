"""The second route: ONNX -> int8 TFLite by onnx2tf and TensorFlow, in a process of its own."""

from ppg_deploy.onnx2tf_route.route import Onnx2tfModel, convert_with_onnx2tf, missing_packages

__all__ = ["Onnx2tfModel", "convert_with_onnx2tf", "missing_packages"]

"""Float graph -> int8 graph: ranges from real windows, symmetric weights, and what it costs in accuracy."""

from ppg_deploy.quantization.calibration import Calibration, calibrate
from ppg_deploy.quantization.codes import dequantize_codes, quantize_windows
from ppg_deploy.quantization.preparation import QuantizeInputs
from ppg_deploy.quantization.quantizer import quantize_graph
from ppg_deploy.quantization.second_route import quantize_with_onnx2tf
from ppg_deploy.quantization.settings import QuantizeSettings
from ppg_deploy.quantization.step import QuantizedModel, quantize_student
from ppg_deploy.quantization.sweep import SweepReport, SweepRow, sweep_student

__all__ = [
    "Calibration",
    "QuantizeInputs",
    "QuantizeSettings",
    "QuantizedModel",
    "SweepReport",
    "SweepRow",
    "calibrate",
    "dequantize_codes",
    "quantize_graph",
    "quantize_student",
    "quantize_windows",
    "quantize_with_onnx2tf",
    "sweep_student",
]

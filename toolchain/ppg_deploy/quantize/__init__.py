"""Float graph -> int8 graph: ranges from real windows, symmetric weights, and what it costs in accuracy."""

from ppg_deploy.quantize.calibration import Calibration, calibrate
from ppg_deploy.quantize.codes import dequantize_codes, quantize_windows
from ppg_deploy.quantize.preparation import QuantizeInputs
from ppg_deploy.quantize.quantizer import quantize_graph
from ppg_deploy.quantize.second_route import quantize_with_onnx2tf
from ppg_deploy.quantize.settings import QuantizeSettings
from ppg_deploy.quantize.step import QuantizedModel, quantize_student
from ppg_deploy.quantize.sweep import SweepReport, SweepRow, sweep_student

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

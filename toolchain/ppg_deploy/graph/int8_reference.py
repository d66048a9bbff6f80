"""The names under which the int8 steps know `quantized_reference`."""

from ppg_deploy.graph.quantized_reference import run_quantized as run_int8
from ppg_deploy.graph.quantized_reference import run_quantized_operator as run_int8_operator
from ppg_deploy.graph.quantized_reference import run_quantized_output as run_int8_output

__all__ = ["run_int8", "run_int8_operator", "run_int8_output"]

"""The one graph that conversion, quantisation, TFLite, planning and code generation share."""

from ppg_deploy.graph.graph import Graph
from ppg_deploy.graph.tensor import DType, Quantization, Tensor

__all__ = ["DType", "Graph", "Quantization", "Tensor"]

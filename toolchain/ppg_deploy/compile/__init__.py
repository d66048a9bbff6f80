"""int8 graph -> C: checks, lowering to steps, kernel choice, memory plan, code generation."""

from ppg_deploy.compile.compiler import compile_graph
from ppg_deploy.compile.model import CompiledModel, CompiledOperator

__all__ = ["CompiledModel", "CompiledOperator", "compile_graph"]

"""int8 graph -> C: checks, lowering to steps, kernel choice, memory plan, code generation."""

from ppg_deploy.compile.compiler import compile_graph
from ppg_deploy.compile.explain import Decisions, decisions_json
from ppg_deploy.compile.model import CompiledModel, CompiledOperator
from ppg_deploy.compile.objective import Optimize
from ppg_deploy.compile.operators import operators_of

__all__ = [
    "CompiledModel",
    "CompiledOperator",
    "Decisions",
    "Optimize",
    "compile_graph",
    "decisions_json",
    "operators_of",
]

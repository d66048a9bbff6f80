"""What the compiler hands on."""

from collections.abc import Mapping
from dataclasses import dataclass

from ppg_deploy.compile.explain import Decisions
from ppg_deploy.compile.operator import CompiledOperator


@dataclass(frozen=True)
class PushFacts:
    """What ppg_model_push does for each answer.

    `hop` new samples per channel, `sample_bytes` in all, are pushed; `kept` are the bytes of the window and of the
    tensors that stay in the arena between answers, by name. `macs` are computed per answer, about
    `predicted_cycles`.
    """

    hop: int
    sample_bytes: int
    kept_bytes: int
    kept: Mapping[str, int]
    macs: int
    predicted_cycles: int


@dataclass(frozen=True)
class CompiledModel:
    """Generated C text by file name, and what it costs.

    `kernel_files` are the names in firmware/runtime/ that have to be compiled beside it.
    """

    model_sha256: str
    files: Mapping[str, str]
    kernel_files: tuple[str, ...]
    arena_bytes: int
    operators: tuple[CompiledOperator, ...]
    input_bytes: int
    output_bytes: int
    constants_bytes: int
    macs: int
    decisions: Decisions
    push: PushFacts | None = None
    runtime: str = "aot"
    arena_symbol: str = "ppg_model_arena"

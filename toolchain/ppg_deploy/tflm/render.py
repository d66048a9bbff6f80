"""A .tflite file and a TFLM tree -> the model in C and C++, and what of the tree is to be compiled."""

from dataclasses import dataclass

from ppg_deploy import handover
from ppg_deploy.audit.model import AuditModel
from ppg_deploy.audit.reading import read_for_audit
from ppg_deploy.errors import InputError, InternalError
from ppg_deploy.files import sha256
from ppg_deploy.graph import Graph
from ppg_deploy.graph.shapes import multiply_accumulates
from ppg_deploy.project import Library, ModelSources, render_template
from ppg_deploy.tflm import layout
from ppg_deploy.tflm.arena import ALIGNMENT, SMALLEST_BYTES, ArenaSize, size_arena
from ppg_deploy.tflm.operators import ResolverCall, resolver_calls
from ppg_deploy.tflm.tree import TflmTree

RUNTIME = "tflm"
ADAPTER = "tflm"
ARENA_SYMBOL = "ppg_model_arena"
_BYTES_PER_LINE = 20
# Operators that remember something from one inference to the next.
_STATEFUL = frozenset({"UNIDIRECTIONAL_SEQUENCE_LSTM", "SVDF"})


@dataclass(frozen=True)
class TflmModel:
    """A model for TFLM.

    Attributes:
        arena: how its size came about; None when the user gave it.
    """

    sources: ModelSources
    operators: handover.CompiledOperators
    calls: tuple[ResolverCall, ...]
    arena: ArenaSize | None


def render_model(graph: Graph, tflite: bytes, tree: TflmTree, *, arena_bytes: int | None = None) -> TflmModel:
    """The model as TFLM takes it.

    Args:
        graph: the model, read; it names the model and counts its operations.
        tflite: the same model's file.
        tree: TFLM.
        arena_bytes: size of the arena; None to have it estimated.

    Raises:
        UnsupportedModelError: TFLM or this tree cannot run it.
        EnvironmentProblem: the arena cannot be estimated on this machine.
        InputError: `arena_bytes` is too small for anything.
    """
    model = read_for_audit(tflite, graph.name)
    if arena_bytes is not None and arena_bytes < SMALLEST_BYTES:
        raise InputError(
            f"an arena of {arena_bytes} bytes is smaller than any that TFLM starts in",
            hint=f"give at least {SMALLEST_BYTES}, or leave --tflm-arena out",
        )
    calls = resolver_calls(model, tree)
    arena = None
    if arena_bytes is None:
        arena = size_arena(model, tflite, uses_cmsis_nn=tree.report.uses_cmsis_nn)
    total = arena.total if arena is not None else (arena_bytes or 0) + -(arena_bytes or 0) % ALIGNMENT
    context = {
        "model_name": _comment(graph.name),
        "sha256": sha256(tflite),
        "operators": len(model.operators),
        "arena_bytes": total,
        "arena_explanation": "size given by the user" if arena is None else arena.explanation,
        "input_bytes": _byte_size(model, model.inputs),
        "output_bytes": _byte_size(model, model.outputs),
        "has_state": int(_has_state(model)),
        "data_bytes": len(tflite),
        "data_lines": [
            "".join(f"{byte}," for byte in tflite[start : start + _BYTES_PER_LINE])
            for start in range(0, len(tflite), _BYTES_PER_LINE)
        ],
        "calls": calls,
        "kernels": _kernels(tree),
        "fingerprint": tree.report.fingerprint,
    }
    return TflmModel(
        sources=ModelSources(
            runtime=RUNTIME,
            files={
                name: render_template(f"tflm/{name}.j2", context)
                for name in ("model.h", "model_data.c", "ppg_tflm_resolver.h")
            },
            model_sha256=sha256(tflite),
            kernel_files=(),
            arena_bytes=total,
            arena_symbol=ARENA_SYMBOL,
            library=_library(tree),
        ),
        operators=_operators(graph, model, calls, sha256(tflite)),
        calls=calls,
        arena=arena,
    )


def _kernels(tree: TflmTree) -> str:
    return "kernels of CMSIS-NN" if tree.report.uses_cmsis_nn else "reference kernels"


def _library(tree: TflmTree) -> Library:
    cmsis = (layout.CMSIS_DEFINE,) if tree.report.uses_cmsis_nn else ()
    return Library(
        folder=tree.folder,
        adapter=ADAPTER,
        sources={path: role.value for path, role in tree.sources.items()},
        include_folders=tree.include_folders,
        defines=(*layout.DEFINES, *cmsis),
        common_flags=layout.COMMON_FLAGS,
        role_flags={role.value: flags for role, flags in layout.ROLE_FLAGS.items()},
        description=f"TFLM with {_kernels(tree)}, sources {tree.report.fingerprint}",
        fingerprint=tree.report.fingerprint,
    )


def _operators(
    graph: Graph, model: AuditModel, calls: tuple[ResolverCall, ...], model_sha256: str
) -> handover.CompiledOperators:
    """TFLM runs the file's operators as they are; reading the graph may have split one into several."""
    kernel = {call.kind: call.registration or f"Register_{call.kind}" for call in calls}
    names = _graph_names(model)
    macs: dict[str, int] = {}
    for operator in graph.operators:
        for name in operator.outputs:
            macs[name] = macs.get(name, 0) + multiply_accumulates(graph, operator)
    return handover.CompiledOperators(
        model_sha256=model_sha256,
        operators=tuple(
            handover.CompiledOperator(
                index=operator.number,
                kind=operator.kind,
                name=names[operator.outputs[0]],
                kernel=kernel[operator.kind],
                macs=macs.get(names[operator.outputs[0]], 0),
                constant_bytes=sum(
                    tensor.constant_bytes
                    for index in operator.inputs
                    if (tensor := model.tensor(index)) is not None
                ),
                in_place=False,
            )
            for operator in model.operators
        ),
    )


def _graph_names(model: AuditModel) -> tuple[str, ...]:
    """Names of the tensors as tflite.read_tflite makes them unique."""
    names: list[str] = []
    for tensor in model.tensors:
        name = tensor.name or f"tensor{tensor.index}"
        names.append(f"{name}#{tensor.index}" if name in names else name)
    return tuple(names)


def _has_state(model: AuditModel) -> bool:
    return any(tensor.is_variable for tensor in model.tensors) or any(
        operator.kind in _STATEFUL for operator in model.operators
    )


def _byte_size(model: AuditModel, indices: tuple[int, ...]) -> int:
    tensor = model.tensor(indices[0]) if len(indices) == 1 else None
    if tensor is None:
        raise InternalError("the model has not one input and one output", hint="report this as a bug")
    return tensor.byte_size


def _comment(name: str) -> str:
    """A name that may stand in a comment of C."""
    return "".join(character if character.isalnum() or character in " ._-" else "_" for character in name)

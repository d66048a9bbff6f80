"""operators.json: what the generated C consists of, for whoever looks at the image later."""

from ppg_deploy import handover
from ppg_deploy.compile.model import CompiledModel


def operators_of(compiled: CompiledModel) -> handover.CompiledOperators:
    """The operators of a compiled model, and those of a push."""
    return handover.CompiledOperators(
        model_sha256=compiled.model_sha256,
        optimize=compiled.decisions.optimize.value,
        operators=tuple(
            handover.CompiledOperator(
                index=operator.index,
                kind=operator.kind,
                name=operator.name,
                kernel=operator.kernel,
                macs=operator.macs,
                constant_bytes=operator.constant_bytes,
                in_place=operator.in_place,
            )
            for operator in compiled.operators
        ),
        push=_push(compiled),
    )


def _push(compiled: CompiledModel) -> handover.CompiledPush | None:
    facts = compiled.push
    if facts is None:
        return None
    return handover.CompiledPush(
        hop=facts.hop,
        window=facts.window,
        sample_bytes=facts.sample_bytes,
        kept_bytes=facts.kept_bytes,
        macs=facts.macs,
        operators=tuple(
            handover.PushOperator(
                index=operator.index,
                kind=operator.kind,
                name=operator.name,
                kernel=operator.kernel,
                macs=operator.macs,
            )
            for operator in facts.operators
        ),
    )

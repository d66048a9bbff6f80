"""What `build --explain` prints."""

from collections.abc import Sequence

from ppg_deploy.cli.console import Output, number
from ppg_deploy.compile.explain import Decision, Decisions
from ppg_deploy.compile.push import PushFacts, PushOperator


def print_decisions(output: Output, decisions: Decisions, *, code_bytes: int) -> None:
    """A table of all steps, the reasons below it, and the totals.

    Args:
        output: where to.
        decisions: of the compiled model.
        code_bytes: machine code of the linked image.
    """
    output.table(
        f"decisions (--optimize {decisions.optimize.value}); cycles are predicted, sizes in bytes",
        ("step", "kernel", "cycles", "per MAC", "flash", "output", "scratch", "proven"),
        [_row(step) for step in decisions.steps],
    )
    for steps in _same_reason(decisions.steps):
        first = steps[0]
        numbers = ", ".join(str(step.index) for step in steps)
        output.note(f"{numbers}: {first.kernel}: {first.why}")
        for other in first.alternatives[1:]:
            chosen = first.alternatives[0]
            output.note(
                f"    instead of {other.kernel}: {_signed(other.predicted_cycles - chosen.predicted_cycles)} cycles, "
                f"{_signed(other.constant_bytes - chosen.constant_bytes)} B of constants, "
                f"{number(other.code_bytes)} B of code"
            )
    output.note(
        f"in all: {number(decisions.predicted_cycles)} cycles predicted for {number(decisions.macs)} MAC, "
        f"arena {number(decisions.arena_bytes)} B, constants {number(decisions.constant_bytes)} B, "
        f"code {number(code_bytes)} B"
    )
    if decisions.push is not None:
        _print_push(output, decisions, decisions.push)


def _print_push(output: Output, decisions: Decisions, push: PushFacts) -> None:
    saved = 1.0 - push.macs / decisions.macs if decisions.macs else 0.0
    output.table(
        f"sliding windows (--hop {push.hop}): what {push.hop} new samples per channel cost",
        ("operator", "kernel", "pieces", "MAC", "of the whole"),
        [_push_row(operator, decisions) for operator in push.operators],
    )
    output.note(
        f"per answer: {number(push.macs)} of {number(decisions.macs)} MAC, {saved:.1%} saved; "
        f"{number(push.predicted_cycles)} of {number(decisions.predicted_cycles)} cycles predicted"
    )
    kept = ", ".join(f"{name} {number(size)} B" for name, size in push.kept.items())
    output.note(f"kept in the arena between answers: {number(push.kept_bytes)} B ({kept})")


def _push_row(operator: PushOperator, decisions: Decisions) -> tuple[str, ...]:
    whole = decisions.steps[operator.index].macs if operator.index < len(decisions.steps) else 0
    return (
        f"{operator.index} {operator.kind}",
        operator.kernel,
        number(operator.pieces),
        number(operator.macs),
        f"{operator.macs / whole:.1%}" if whole else "-",
    )


def _row(step: Decision) -> tuple[str, ...]:
    part = f" in {step.pieces} pieces" if step.pieces > 1 else ""
    place = " in place" if step.in_place else "" if step.output_in_arena else " caller's"
    return (
        f"{step.index} {step.kind}{part}",
        step.kernel,
        number(step.predicted_cycles),
        f"{step.predicted_cycles / step.macs:.2f}" if step.macs else "-",
        number(step.constant_bytes),
        f"{number(step.output_bytes)}{place}",
        number(step.scratch_bytes),
        _proof(step),
    )


def _proof(step: Decision) -> str:
    if step.proof is None:
        return "-"
    form = "short" if step.proof.short_requantization else "general"
    dead = f", {step.proof.dead_channels} dead" if step.proof.dead_channels else ""
    removed = f", {step.proof.removed_channels} removed" if step.proof.removed_channels else ""
    return f"{form}{dead}{removed}, {step.proof.lowest:,} to {step.proof.highest:,}"


def _same_reason(steps: Sequence[Decision]) -> list[list[Decision]]:
    """Steps with the same kernel, reason and alternatives together."""
    groups: dict[object, list[Decision]] = {}
    for step in steps:
        groups.setdefault((step.kernel, step.why, step.alternatives[1:]), []).append(step)
    return list(groups.values())


def _signed(value: int) -> str:
    return f"{value:+,}"

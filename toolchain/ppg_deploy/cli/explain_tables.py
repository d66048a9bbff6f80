"""What `build --explain` prints."""

from collections.abc import Iterable

from ppg_deploy.cli.console import Output, number
from ppg_deploy.compile.explain import Alternative, Decision, Decisions


def print_decisions(output: Output, decisions: Decisions, *, code_bytes: int) -> None:
    """A table of all operators, the reasons below it, and the totals.

    Args:
        output: where to.
        decisions: of the compiled model.
        code_bytes: machine code of the linked image.
    """
    output.table(
        f"decisions (--optimize {decisions.optimize.value}); cycles are predicted, sizes in bytes",
        ("operator", "kernel", "cycles", "per MAC", "flash", "output", "scratch", "proven"),
        [_row(decision) for decision in decisions.operators],
    )
    for numbers, decision in _reasons(decisions.operators):
        output.note(f"{numbers}: {decision.operator.kernel}: {decision.why}")
        for other in decision.alternatives[1:]:
            output.note(f"    instead of {_difference(other, decision.alternatives[0])}")
    output.note(
        f"in all: {number(decisions.predicted_cycles)} cycles predicted for {number(decisions.macs)} MAC, "
        f"arena {number(decisions.arena_bytes)} B, constants {number(decisions.constant_bytes)} B, "
        f"code {number(code_bytes)} B"
    )


def _row(decision: Decision) -> tuple[str, ...]:
    operator = decision.operator
    pieces = f" in {operator.pieces} pieces" if operator.pieces > 1 else ""
    place = " in place" if operator.in_place else " caller's" if operator.output_offset is None else ""
    return (
        f"{operator.index} {operator.kind}{pieces}",
        operator.kernel,
        number(decision.predicted_cycles),
        f"{decision.predicted_cycles / operator.macs:.2f}" if operator.macs else "-",
        number(operator.constant_bytes),
        f"{number(operator.output_bytes)}{place}",
        number(operator.scratch_bytes),
        _proof(decision),
    )


def _proof(decision: Decision) -> str:
    proof = decision.proof
    if proof is None:
        return "-"
    form = "short" if proof.short_requantization else "general"
    dead = f", {proof.dead_channels} dead" if proof.dead_channels else ""
    removed = f", {proof.removed_channels} removed" if proof.removed_channels else ""
    return f"{form}{dead}{removed}, {proof.lowest:,} to {proof.highest:,}"


def _reasons(decisions: Iterable[Decision]) -> list[tuple[str, Decision]]:
    """Operators with the same kernel, reason and alternatives together, by their numbers."""
    groups: dict[object, list[Decision]] = {}
    for decision in decisions:
        reason = (decision.operator.kernel, decision.why, decision.alternatives[1:])
        groups.setdefault(reason, []).append(decision)
    return [
        (", ".join(str(decision.operator.index) for decision in same), same[0]) for same in groups.values()
    ]


def _difference(other: Alternative, chosen: Alternative) -> str:
    return (
        f"{other.kernel}: {other.predicted_cycles - chosen.predicted_cycles:+,} cycles, "
        f"{other.constant_bytes - chosen.constant_bytes:+,} B of constants, {other.code_bytes:,} B of code"
    )

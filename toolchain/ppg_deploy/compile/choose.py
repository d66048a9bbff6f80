"""Which kernel computes which step.

What is minimised, over the whole model: predicted cycles of one inference, plus the price in cycles of the bytes of
flash. Constants are paid per step; the machine code of a kernel is paid once, so one that is used for a single small
layer has to earn the routines that it drags in.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from ppg_deploy.compile.kernels import Kernel, candidates
from ppg_deploy.compile.steps import Step
from ppg_deploy.errors import InternalError


@dataclass(frozen=True, eq=False)
class Candidate:
    """A kernel that could compute a step."""

    kernel: Kernel
    step: Step

    @cached_property
    def predicted_cycles(self) -> int:
        """Of one inference."""
        return self.kernel.predicted_cycles(self.step)

    @cached_property
    def constant_bytes(self) -> int:
        """Bytes of flash, equal constants of other steps not considered."""
        return self.kernel.code(self.step, in_place=False).constant_bytes

    def price(self, cycles_per_byte: float) -> float:
        """Cycles, and what the constants are worth in cycles; the kernel's machine code is not in it."""
        bytes_that_count = self.constant_bytes if cycles_per_byte else 0
        return self.predicted_cycles + cycles_per_byte * bytes_that_count


@dataclass(frozen=True, eq=False)
class Choice:
    """The candidate that computes a step, and those that could have."""

    chosen: Candidate
    others: tuple[Candidate, ...]

    @property
    def kernel(self) -> Kernel:
        """The chosen kernel."""
        return self.chosen.kernel


_GIVEN_UP_TOGETHER = 3

# The candidates of one step, in the order of KERNELS.
Able = tuple[Candidate, ...]


def choose_kernels(
    steps: Sequence[Step], cycles_per_byte: float, *, scratch_limit: int | None = None
) -> tuple[Choice, ...]:
    """A choice per step.

    Args:
        steps: of the model.
        cycles_per_byte: of one inference, that a byte of flash must save to be spent.
        scratch_limit: bytes of scratch that a kernel may need; where none needs so little, those that need least.

    Raises:
        InternalError: no kernel matches a step, although the checks accepted the graph.
    """
    able = [_frugal(_able(step), scratch_limit) for step in steps]
    allowed = _worth_their_code(able, cycles_per_byte)
    return tuple(_choice(one, allowed, cycles_per_byte) for one in able)


def _able(step: Step) -> Able:
    able = tuple(Candidate(kernel, step) for kernel in candidates(step))
    if not able:
        raise InternalError(f"no kernel computes {step.kind}", hint="report this model to the authors")
    return able


def _frugal(able: Able, scratch_limit: int | None) -> Able:
    if scratch_limit is None or len(able) == 1:
        return able
    scratch = [
        candidate.kernel.scratch_bytes(
            candidate.step, in_place=bool(candidate.kernel.in_place_inputs(candidate.step))
        )
        for candidate in able
    ]
    limit = max(scratch_limit, min(scratch))
    return tuple(candidate for candidate, needed in zip(able, scratch, strict=True) if needed <= limit)


def _choice(able: Able, allowed: frozenset[Kernel], cycles_per_byte: float) -> Choice:
    chosen = _best(able, allowed, cycles_per_byte)
    return Choice(chosen, tuple(candidate for candidate in able if candidate is not chosen))


def _best(able: Able, allowed: frozenset[Kernel], cycles_per_byte: float) -> Candidate:
    """The cheapest allowed candidate; the first one of equals."""
    left = [candidate for candidate in able if candidate.kernel in allowed]
    return left[0] if len(left) == 1 else min(left, key=lambda candidate: candidate.price(cycles_per_byte))


def _worth_their_code(able: Sequence[Able], cycles_per_byte: float) -> frozenset[Kernel]:
    """The kernels that may be used: as long as it makes the model cheaper, some are given up."""
    allowed = frozenset(candidate.kernel for one in able for candidate in one)
    if not cycles_per_byte:
        return allowed
    contested = [one for one in able if len(one) > 1]
    needed = frozenset(one[0].kernel for one in able if len(one) == 1)
    total = _total(contested, needed, allowed, cycles_per_byte)
    while True:
        cheapest = min(
            (
                (_total(contested, needed, allowed - removed, cycles_per_byte), removed)
                for removed in _dispensable(contested, needed, allowed)
            ),
            key=lambda candidate: candidate[0],
            default=(total, frozenset()),
        )
        if cheapest[0] >= total:
            return allowed
        total, allowed = cheapest[0], allowed - cheapest[1]


def _dispensable(
    contested: Sequence[Able], needed: frozenset[Kernel], allowed: frozenset[Kernel]
) -> Iterator[frozenset[Kernel]]:
    """Sets of up to three kernels without which every step still has one: some only pay off together."""
    optional = dict.fromkeys(
        candidate.kernel
        for one in contested
        for candidate in one
        if candidate.kernel in allowed and candidate.kernel not in needed
    )
    for count in range(1, _GIVEN_UP_TOGETHER + 1):
        for removed in map(frozenset, combinations(optional, count)):
            if all(any(candidate.kernel in allowed - removed for candidate in one) for one in contested):
                yield removed


def _total(
    contested: Sequence[Able], needed: frozenset[Kernel], allowed: frozenset[Kernel], cycles_per_byte: float
) -> float:
    """Price of the contested steps, and of the machine code that they add to what is needed anyway."""
    chosen = [_best(one, allowed, cycles_per_byte) for one in contested]
    added = code_bytes_of({candidate.kernel for candidate in chosen} | needed) - code_bytes_of(needed)
    return sum(candidate.price(cycles_per_byte) for candidate in chosen) + cycles_per_byte * added


def code_bytes_of(kernels: Iterable[Kernel]) -> int:
    """Machine code of some kernels together; what they share counts once."""
    own, shared = 0, dict[str, int]()
    for kernel in set(kernels):
        own += kernel.code_bytes - sum(kernel.shared_code.values())
        shared.update(kernel.shared_code)
    return own + sum(shared.values())

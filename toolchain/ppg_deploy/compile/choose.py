"""Which kernel computes which step.

What is minimised, over the whole model: predicted cycles of one inference, plus the price in cycles of the bytes of
flash. Constants are paid once however many steps share them, and so is the machine code of a kernel: one that is used
for a single small layer has to earn the routines that it drags in.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ppg_deploy.compile.kernels import Code, Kernel, candidates
from ppg_deploy.compile.objective import Optimize
from ppg_deploy.compile.sharing import content_of
from ppg_deploy.compile.steps import Step
from ppg_deploy.errors import InternalError


@dataclass(frozen=True, eq=False)
class Candidate:
    """A kernel for the steps of a unit."""

    kernel: Kernel
    steps: tuple[Step, ...]

    @cached_property
    def predicted_cycles(self) -> int:
        """Of all the steps together."""
        return sum(self.kernel.predicted_cycles(step) for step in self.steps)

    @cached_property
    def codes(self) -> tuple[Code, ...]:
        """Of each step, if it does not overwrite its input."""
        return tuple(self.kernel.code(step, in_place=False) for step in self.steps)

    @cached_property
    def constant_bytes(self) -> int:
        """Bytes of flash; arrays that several steps share count once."""
        sizes = {}
        for code in self.codes:
            sizes.update({content_of(array): array.byte_size for array in code.arrays})
        structures = sum(code.parameters.byte_size for code in self.codes if code.parameters is not None)
        return structures + sum(sizes.values())

    def price(self, optimize: Optimize) -> float:
        """Cycles, and what the constants are worth in cycles; the kernel's machine code is not in it."""
        bytes_that_count = self.constant_bytes if optimize.cycles_per_byte else 0
        return self.predicted_cycles + optimize.cycles_per_byte * bytes_that_count


@dataclass(frozen=True, eq=False)
class Unit:
    """Steps that are decided together, because they compute parts of the same operators with the same constants."""

    steps: tuple[int, ...]
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, eq=False)
class Choice:
    """What computes a step: the winner among its unit's candidates, and its code if the input is not overwritten."""

    unit: Unit
    chosen: Candidate
    code: Code

    @property
    def kernel(self) -> Kernel:
        """The chosen kernel."""
        return self.chosen.kernel


def choose_kernels(steps: Sequence[Step], optimize: Optimize) -> tuple[Choice, ...]:
    """A choice per step.

    Raises:
        InternalError: no kernel matches a step, although the checks accepted the graph.
    """
    units = _units(steps)
    allowed = _worth_their_code(units, optimize)
    choices: dict[int, Choice] = {}
    for unit in units:
        chosen = _best(unit, allowed, optimize)
        for step, code in zip(unit.steps, chosen.codes, strict=True):
            choices[step] = Choice(unit, chosen, code)
    return tuple(choices[number] for number in range(len(steps)))


def _units(steps: Sequence[Step]) -> list[Unit]:
    """Pieces of one operator that the same kernels can compute, in the order of their first step."""
    members: dict[object, list[int]] = {}
    kernels: dict[object, tuple[Kernel, ...]] = {}
    for number, step in enumerate(steps):
        able = candidates(step)
        if not able:
            raise InternalError(f"no kernel computes {step.kind}", hint="report this model to the authors")
        key = (step.operators, step.kind, id(getattr(step, "weights", step)), able)
        members.setdefault(key, []).append(number)
        kernels[key] = able
    return [
        Unit(
            steps=tuple(numbers),
            candidates=tuple(
                Candidate(kernel, tuple(steps[number] for number in numbers)) for kernel in kernels[key]
            ),
        )
        for key, numbers in members.items()
    ]


def _best(unit: Unit, allowed: frozenset[Kernel], optimize: Optimize) -> Candidate:
    """The cheapest allowed candidate; the first one of equals."""
    able = [candidate for candidate in unit.candidates if candidate.kernel in allowed]
    return min(able, key=lambda candidate: candidate.price(optimize))


def _worth_their_code(units: Sequence[Unit], optimize: Optimize) -> frozenset[Kernel]:
    """The kernels that may be used: as long as it makes the model cheaper, the one that earns least is given up."""
    allowed = frozenset(candidate.kernel for unit in units for candidate in unit.candidates)
    if not optimize.cycles_per_byte:
        return allowed
    total = _total(units, allowed, optimize)
    while True:
        without = {
            removed: _total(units, allowed - {removed}, optimize)
            for removed in _used(units, allowed, optimize)
            if _is_dispensable(removed, units, allowed)
        }
        least = min(without, key=without.__getitem__, default=None)
        if least is None or without[least] >= total:
            return allowed
        allowed, total = allowed - {least}, without[least]


def _used(units: Iterable[Unit], allowed: frozenset[Kernel], optimize: Optimize) -> Mapping[Kernel, None]:
    """The kernels of the best candidates, in the order of the steps."""
    return dict.fromkeys(_best(unit, allowed, optimize).kernel for unit in units)


def _is_dispensable(kernel: Kernel, units: Iterable[Unit], allowed: frozenset[Kernel]) -> bool:
    left = allowed - {kernel}
    return all(any(candidate.kernel in left for candidate in unit.candidates) for unit in units)


def _total(units: Sequence[Unit], allowed: frozenset[Kernel], optimize: Optimize) -> float:
    chosen = [_best(unit, allowed, optimize) for unit in units]
    code_bytes = sum(kernel.code_bytes for kernel in {candidate.kernel for candidate in chosen})
    return sum(candidate.price(optimize) for candidate in chosen) + optimize.cycles_per_byte * code_bytes

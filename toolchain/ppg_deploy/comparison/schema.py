"""What a comparison of two results says. A is the result to compare with (the baseline), B the one in question."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Unit = Literal["windows", "BPM", "", "ms", "B", "J", "A", "W", "h"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ResultFacts(_Part):
    """Which result it was."""

    folder: str
    created: str
    board: str
    model: str
    runtime: str
    port: str


class Reason(_Part):
    """A field in which two results must not differ, and both values."""

    field: str
    a: str
    b: str


class Difference(_Part):
    """A field that may differ, and does: how the two firmwares came about. Usually what is being compared."""

    field: str
    a: str
    b: str


class LeftOut(_Part):
    """Figures that are not compared, named as in the policy, and why not."""

    figures: tuple[str, ...]
    why: str


class Change(_Part):
    """`delta` is b - a and `percent` that of a; null when a is 0. What one side lacks altogether is 0 there."""

    a: float
    b: float
    delta: float
    percent: float | None


class MetricChange(_Part):
    """A headline figure of both results."""

    name: str
    unit: Unit
    change: Change


class ShareChange(_Part):
    """An operator or a function; figures that either result lacks are null.

    `kernel_a` and `kernel_b` are null for functions, for the code around the operators, and where a result has no
    such operator.
    """

    name: str
    kernel_a: str | None
    kernel_b: str | None
    instructions: Change | None
    cycles_estimated: Change | None
    ticks: Change | None


class PartChange(_Part):
    """Bytes of one part of the firmware."""

    name: str
    flash: Change
    ram: Change


Figure = Literal["ticks", "cycles_estimated", "instructions"]
Rule = Literal["max", "min", "max_increase", "max_increase_percent", "max_decrease", "max_decrease_percent"]


class Check(_Part):
    """One threshold: `found` is what was held against `limit`, null where there is no such figure."""

    metric: str
    rule: Rule
    limit: float
    found: float | None
    passed: bool
    problem: str | None


class Verdict(_Part):
    """Every threshold of the policy."""

    policy: str
    passed: bool
    checks: tuple[Check, ...]


class Comparison(_Part):
    """The whole comparison. With `reasons` it is none: everything below `differences` is empty then.

    `operators`, `functions` and `memory_parts` start with the largest change, which is that of `shares_by` or of flash
    and RAM together; equal ones keep the order of the result.
    """

    schema_version: Literal[1] = 1
    a: ResultFacts
    b: ResultFacts
    reasons: tuple[Reason, ...]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()
    metrics: tuple[MetricChange, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    shares_by: Figure | None = None
    operators: tuple[ShareChange, ...] = ()
    functions: tuple[ShareChange, ...] = ()
    memory_parts: tuple[PartChange, ...] = ()
    verdict: Verdict | None = None

    @property
    def comparable(self) -> bool:
        """Whether there are figures to look at."""
        return not self.reasons

"""policy.toml: how far a figure may move, and what a comparison makes of that."""

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self, cast

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError, model_validator

from ppg_deploy.card import describe_problems
from ppg_deploy.comparison.metrics import MetricName
from ppg_deploy.comparison.schema import Change, Check, Rule, Verdict
from ppg_deploy.errors import InputError

_HINT = "see docs/compare.md"
_Limit = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Threshold(BaseModel):
    """Section of a metric, at least one rule. `max` and `min` hold for B alone, the others for the way from A to B."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max: _Limit | None = None
    min: _Limit | None = None
    max_increase: _Limit | None = None
    max_increase_percent: _Limit | None = None
    max_decrease: _Limit | None = None
    max_decrease_percent: _Limit | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.rules():
            raise ValueError(f"give at least one of {', '.join(type(self).model_fields)}")
        return self

    def rules(self) -> dict[Rule, float]:
        """The rules that are given."""
        return {cast(Rule, name): limit for name, limit in self if limit is not None}


class Policy(RootModel[dict[MetricName, Threshold]]):
    """The whole file: a section per metric."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.root:
            raise ValueError("a policy without any threshold lets everything pass")
        return self


def load_policy(path: Path) -> Policy:
    """Read policy.toml.

    Raises:
        InputError: it cannot be read, is not TOML, or names an unknown metric or rule.
    """
    try:
        return Policy.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", hint=_HINT) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}", hint=_HINT) from error
    except ValidationError as error:
        raise InputError(f"{path}: {describe_problems(error)}", hint=_HINT) from error


def judge(policy: Policy, name: str, changes: Mapping[str, Change], left_out: Mapping[str, str]) -> Verdict:
    """Hold every rule of the policy against the changes.

    Args:
        policy: the thresholds.
        name: of the policy's file, for the verdict.
        changes: by metric.
        left_out: why a metric of either result is not among them.
    """
    checks = tuple(
        _missing(metric, rule, limit, left_out.get(metric, "neither result has it"))
        if metric not in changes
        else _check(metric, rule, limit, changes[metric])
        for metric, threshold in policy.root.items()
        for rule, limit in threshold.rules().items()
    )
    return Verdict(policy=name, passed=all(check.passed for check in checks), checks=checks)


def _missing(metric: str, rule: Rule, limit: float, why: str) -> Check:
    return Check(metric=metric, rule=rule, limit=limit, found=None, passed=False, problem=f"{metric}: {why}")


def _check(metric: str, rule: Rule, limit: float, change: Change) -> Check:
    found = _found(rule, change)
    if found is None:
        why = f"went from 0 to {change.b:g}, which is no percentage; take max or max_increase"
        return _missing(metric, rule, limit, why)
    kept = found >= limit if rule == "min" else found <= limit
    # 8.05 - 8.00 is 0.05000000000000071.
    passed = kept or math.isclose(found, limit, rel_tol=1e-9)
    problem = None if passed else f"{metric}: {_says(rule, found)}, but {rule} = {limit:g}"
    return Check(metric=metric, rule=rule, limit=limit, found=found, passed=passed, problem=problem)


def _found(rule: Rule, change: Change) -> float | None:
    percent = 0.0 if change.delta == 0 else change.percent
    if rule in ("max", "min"):
        return change.b
    if rule == "max_increase":
        return change.delta
    if rule == "max_decrease":
        return -change.delta
    if percent is None:
        return None
    return percent if rule == "max_increase_percent" else -percent


def _says(rule: Rule, found: float) -> str:
    if rule in ("max", "min"):
        return f"is {found:.10g}"
    unit = " %" if rule.endswith("percent") else ""
    return f"{'rose' if 'increase' in rule else 'fell'} by {found:.6g}{unit}"

"""The accuracy gate: figures of the evaluation against thresholds."""

from ppg_deploy.config import GateConfig
from ppg_deploy.handover import AccuracyFacts, GateCheckFacts, GateFacts, Verdict

_SEVERITY: tuple[Verdict, ...] = ("pass", "warn", "fail")


def judge(accuracy: AccuracyFacts, thresholds: GateConfig) -> GateFacts:
    """Worst verdict of all checks; "not gated" when there are too few labelled windows or subjects to tell.

    A subject of few windows is no worst subject: among many such, the worst is one by chance.
    """
    figures = (
        ("delta_mae", accuracy.delta_mae, thresholds.delta_mae),
        ("delta_mae_filtered", accuracy.delta_mae_filtered, thresholds.delta_mae),
        (
            "worst_subject_delta_mae",
            max(
                (
                    subject.delta_mae
                    for subject in accuracy.subjects
                    if subject.windows >= thresholds.min_subject_windows
                ),
                default=None,
            ),
            thresholds.worst_subject_delta_mae,
        ),
        ("mean_abs_difference", accuracy.mean_abs_difference, thresholds.mean_abs_difference),
        ("p95_abs_difference", accuracy.p95_abs_difference, thresholds.p95_abs_difference),
    )
    if accuracy.unit != "BPM":
        return GateFacts(verdict="not gated", reason="no student card: no heart rate to judge", checks=())
    checks = tuple(_check(name, value, *limits) for name, value, limits in figures if value is not None)
    reason = _reason_not_to_gate(accuracy, thresholds)
    if reason is not None:
        return GateFacts(verdict="not gated", reason=reason, checks=checks)
    return GateFacts(
        verdict=max((check.verdict for check in checks), key=_SEVERITY.index), reason=None, checks=checks
    )


def describe_failures(gate: GateFacts) -> str:
    """One sentence on the checks that failed: figure, value and threshold."""
    return "; ".join(
        f"{check.name} is {check.value:.2f} BPM, above the limit of {check.warn_up_to:g} BPM"
        for check in gate.checks
        if check.verdict == "fail"
    )


def _check(name: str, value: float, pass_up_to: float, warn_up_to: float) -> GateCheckFacts:
    return GateCheckFacts(
        name=name,
        value=value,
        pass_up_to=pass_up_to,
        warn_up_to=warn_up_to,
        verdict="pass" if value <= pass_up_to else "warn" if value <= warn_up_to else "fail",
    )


def _reason_not_to_gate(accuracy: AccuracyFacts, thresholds: GateConfig) -> str | None:
    if accuracy.delta_mae is None:
        return "no labels"
    if accuracy.windows < thresholds.min_windows:
        return f"{accuracy.windows:,} windows are fewer than {thresholds.min_windows:,}"
    if len(accuracy.subjects) < thresholds.min_subjects:
        return f"{len(accuracy.subjects)} named subjects are fewer than {thresholds.min_subjects}"
    return None

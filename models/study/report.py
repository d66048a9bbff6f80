"""study.md: tables of errors, differences, curves and costs, and the picture."""

from collections.abc import Collection, Sequence
from importlib.util import find_spec
from pathlib import Path

from models.study.by_subject import subject_differences
from models.study.costs import Cost
from models.study.joining import Joined, join, mean_error
from models.study.markdown import bullets, table
from models.study.picture import PICTURE, draw_study
from models.study.scaling import Curve, NoCurve, Parameter, Scale, fit_curves
from models.study.summary import (
    GroupSummary,
    Measure,
    PairedDifference,
    Spread,
    paired_differences,
    summarise,
)
from models.study.table import StudyRow
from ppg_deploy.files import write_bytes, write_text

REPORT = "study.md"
_AXES: dict[Scale, str] = {"log-size": "ln(n / n0)", "size": "n / n0 - 1"}
_OTHER: dict[Scale, Scale] = {"log-size": "size", "size": "log-size"}
_MEASURES: dict[Measure, str] = {"mae_int8": "int8", "mae_float": "float"}
_NONE = "-"
_NO_INTERVAL = "[no interval]"


def write_report(
    folder: Path,
    rows: Sequence[StudyRow],
    costs: Sequence[Cost],
    *,
    title: str,
    measure: Measure = "mae_int8",
    scale: Scale = "log-size",
    curve_students: Collection[str] = (),
    notes: Sequence[str] = (),
) -> Path:
    """Write `folder`/study.md, and study.svg and study.png where matplotlib is installed; return the path of the first.

    Args:
        folder: of the study.
        rows: at least one.
        costs: of `measure_costs`; empty where none were measured.
        title: first line of the report.
        measure: the error that differences, curves and the front are about.
        scale: form of the curve.
        curve_students: networks that the curve is fitted to, best of one family; all when none are named.
        notes: further parts of the report.

    Raises:
        InputError: the rows contradict each other or hold an error that is not finite.
        EnvironmentProblem: the folder cannot be written.
    """
    members = [row for row in rows if not curve_students or row.student in curve_students]
    curves: Sequence[Curve | NoCurve] = fit_curves(members, measure, scale=scale) if members else ()
    others: Sequence[Curve | NoCurve] = ()
    if members:
        others = fit_curves(members, measure, scale=_OTHER[scale], resamples=100)
    pictures = draw_study(rows, curves, costs, measure) if find_spec("matplotlib") is not None else {}
    for suffix, image in pictures.items():
        write_bytes(folder / f"{PICTURE}{suffix}", image)
    path = folder / REPORT
    text = report_text(
        rows,
        curves,
        others,
        costs,
        title=title,
        measure=measure,
        scale=scale,
        picture=bool(pictures),
        notes=notes,
    )
    write_text(path, text)
    return path


def report_text(
    rows: Sequence[StudyRow],
    curves: Sequence[Curve | NoCurve],
    others: Sequence[Curve | NoCurve],
    costs: Sequence[Cost],
    *,
    title: str,
    measure: Measure,
    scale: Scale,
    picture: bool,
    notes: Sequence[str],
) -> str:
    """The whole of study.md; `others` are the curves of the other form.

    Raises:
        InputError: as `summarise`.
    """
    summaries = summarise(rows)
    parts = [f"# {title}", _PREFACE]
    if picture:
        parts.append(f"![error against size and against cycles]({PICTURE}.png)")
    else:
        parts.append('No picture: matplotlib is not installed (`pip install "ppg-deploy[plot]"`).')
    parts += ["## Students and strategies", _error_table(summaries)]
    parts += ["## Distilled against scratch", *_difference_parts(paired_differences(rows, measure), measure)]
    parts += _subject_parts(rows)
    parts += ["## Error against size", *_curve_parts(curves, others, measure, scale)]
    parts += ["## Costs on a microcontroller", *_cost_parts(join(summaries, costs, measure), costs, measure)]
    parts += notes
    return "\n\n".join(parts) + "\n"


_PREFACE = (
    "Mean absolute errors in BPM on test subjects that neither student nor teacher has seen. A replicate is one split "
    "with one seed; ± is the sample standard deviation over replicates."
)


def _error_table(summaries: Sequence[GroupSummary]) -> str:
    return table(
        ["student", "parameters", "strategy", "teacher", "float", "int8", "always the mean", "replicates"],
        [
            [
                summary.student,
                f"{summary.parameters:,}",
                summary.strategy,
                summary.teacher or _NONE,
                _spread(summary.mae_float),
                _spread(summary.mae_int8),
                _spread(summary.mae_constant),
                str(summary.mae_int8.n),
            ]
            for summary in summaries
        ],
    )


def _difference_parts(differences: Sequence[PairedDifference], measure: Measure) -> list[str]:
    if not differences:
        return ["No student was trained both from scratch and by distillation on the same replicate."]
    said = (
        f"Distilled - scratch of the {_MEASURES[measure]} models over the replicates that both have; negative: "
        "distillation helped. The 95 % t-interval takes replicates for independent, which seeds of one split are not "
        'quite; many comparisons stand here and none is corrected for that. "No difference shown" means that the '
        "interval holds 0, not that both are equal."
    )
    rows = [
        [
            difference.student,
            difference.strategy,
            difference.teacher or _NONE,
            f"{difference.mean:+.2f}",
            _interval(difference.low, difference.high, "+.2f"),
            f"{difference.distilled_better} of {difference.n}",
            difference.verdict,
        ]
        for difference in differences
    ]
    head = ["student", "strategy", "teacher", "difference", "95 % interval", "distilled better in", "verdict"]
    return [said, table(head, rows)]


def _subject_parts(rows: Sequence[StudyRow]) -> list[str]:
    differences = subject_differences(rows)
    if not differences:
        return []
    said = (
        "The same by test subject, of the float models: each subject's difference is the mean over its seeds, and the "
        "interval is over subjects, the sample that a statement about other people rests on."
    )
    head = [
        "student",
        "strategy",
        "teacher",
        "difference",
        "95 % interval",
        "distilled better for",
        "verdict",
    ]
    cells = [
        [
            difference.student,
            difference.strategy,
            difference.teacher or _NONE,
            f"{difference.mean:+.2f}",
            _NO_INTERVAL if difference.interval is None else _interval(*difference.interval, "+.2f"),
            f"{difference.better} of {difference.subjects}",
            difference.verdict,
        ]
        for difference in differences
    ]
    return [said, table(head, cells)]


def _curve_parts(
    curves: Sequence[Curve | NoCurve], others: Sequence[Curve | NoCurve], measure: Measure, scale: Scale
) -> list[str]:
    misfit = {
        (other.teacher, other.strategy): f"{other.rms:.3f}" for other in others if isinstance(other, Curve)
    }
    rows, remarks = [], []
    for curve in curves:
        name = curve.strategy if curve.teacher is None else f"{curve.strategy} ({curve.teacher})"
        if isinstance(curve, NoCurve):
            remarks.append(f"{name}: no curve; {curve.reason}")
            continue
        rows.append(
            [
                curve.strategy,
                curve.teacher or _NONE,
                *(_parameter(parameter) for parameter in (curve.a, curve.b, curve.c)),
                f"{curve.reference_size:,}",
                f"{curve.rms:.3f}",
                misfit[curve.teacher, curve.strategy],
                str(len(curve.sizes)),
                str(curve.replicates),
            ]
        )
        remarks += [f"{name}: {remark}" for remark in curve.remarks]
    if not curves:
        return ["No curve: none of its students has been trained."]
    said = (
        f"error(n) = a + b exp(-c x), x = {_AXES[scale]}, of the {_MEASURES[measure]} models; n counts parameters, "
        "n0 is the smallest student. a: what no size removes; b: what the smallest student loses above it; c: how fast "
        "that goes away. In brackets 95 % intervals, from a bootstrap over whole replicates. The root mean square "
        f"misfit of the means is given for this form and for x = {_AXES[_OTHER[scale]]}."
    )
    head = [
        "strategy",
        "teacher",
        "a, BPM",
        "b, BPM",
        "c",
        "n0",
        "misfit, BPM",
        "other form",
        "sizes",
        "replicates",
    ]
    fitted = [table(head, rows)] if rows else []
    return [said, *fitted, *([bullets(remarks)] if remarks else [])]


def _cost_parts(joined: Sequence[Joined], costs: Sequence[Cost], measure: Measure) -> list[str]:
    if not costs:
        return ["None were measured."]
    said = (
        "Of one window, under the emulator unicorn: `instructions` are exact counts, `cycles_estimated` follow from "
        "the timing model, `energy_estimated` from these and a documented current; no board was measured. One "
        "delivered student stands for its network (models/study/costs.py says how much weights matter). Pareto: "
        "no other student of the same board and level has at most this mean error and at most these cycles, and less "
        "of one of them."
    )
    rows = [_cost_row(point, measure) for point in joined if point.cost.error is None]
    head = [
        "student",
        "strategy",
        "teacher",
        f"{_MEASURES[measure]} error, BPM",
        "board",
        "level",
        "instructions",
    ]
    head += ["cycles_estimated", "timing model", "RAM, B", "flash, B", "energy_estimated, µJ", "Pareto"]
    parts = [said, *([table(head, rows)] if rows else [])]
    bases: dict[tuple[str, ...], list[str]] = {}
    for cost in costs:
        if cost.energy_assumptions:
            boards = bases.setdefault(cost.energy_assumptions, [])
            boards += [] if cost.board in boards else [cost.board]
    for assumptions, boards in bases.items():
        parts += [
            f"energy_estimated of {', '.join(boards)} holds only if all of this does:",
            bullets(assumptions),
        ]
    failures = [
        f"{cost.student} on {cost.board}, {cost.optimize}: {cost.error}"
        for cost in costs
        if cost.error is not None
    ]
    return [*parts, *(["Without figures:", bullets(failures)] if failures else [])]


def _cost_row(point: Joined, measure: Measure) -> list[str]:
    cost = point.cost
    return [
        point.summary.student,
        point.summary.strategy,
        point.summary.teacher or _NONE,
        _spread(mean_error(point.summary, measure)),
        cost.board,
        cost.optimize,
        _count(cost.instructions),
        _count(cost.cycles_estimated),
        cost.timing_model or _NONE,
        _share(cost.ram, cost.ram_limit),
        _share(cost.flash, cost.flash_limit),
        _NONE if cost.energy_estimated_uj is None else f"{cost.energy_estimated_uj:,.0f}",
        "yes" if point.on_front else "",
    ]


def _spread(spread: Spread) -> str:
    return f"{spread.mean:.2f}" + ("" if spread.std is None else f" ± {spread.std:.2f}")


def _parameter(parameter: Parameter) -> str:
    value = f"{parameter.value:.3g}" if not parameter.at_bound else "not determined"
    return f"{value} {_interval(parameter.low, parameter.high, '.3g')}"


def _interval(low: float | None, high: float | None, form: str) -> str:
    if low is None and high is None:
        return _NO_INTERVAL
    return (
        f"[{'open' if low is None else format(low, form)}, {'open' if high is None else format(high, form)}]"
    )


def _count(value: float | None) -> str:
    return _NONE if value is None else f"{value:,.0f}"


def _share(value: int | None, limit: int | None) -> str:
    return _NONE if value is None or limit is None else f"{value:,} of {limit:,}"

"""The part of study.md that says what the figures rest on: teachers, cautions, and what is missing."""

from collections.abc import Sequence

from models.study.markdown import bullets, table
from models.study.result import StudyResult, TeacherFacts


def provenance_parts(result: StudyResult) -> list[str]:
    """Headings, tables and lists; parts without content are left out."""
    parts = []
    if result.teachers:
        head = ["teacher", "split", "networks", "validation error, BPM", "temperature"]
        parts += ["## Teachers", table(head, [_teacher_row(teacher) for teacher in result.teachers])]
        warnings = [
            f"{teacher.name}, {teacher.split}: {warning}"
            for teacher in result.teachers
            for warning in (teacher.facts["entropy"] or {}).get("warnings", ())
        ]
        parts += _listed(warnings)
    cautions = [f"{split}: {caution}" for split, texts in result.cautions.items() for caution in texts]
    missing = [f"{failure.training}: {failure.reason}" for failure in result.failures]
    missing += [
        f"{left.student} by {left.teacher}, {left.strategy}: {left.reason}" for left in result.left_out
    ]
    for heading, items in (("Cautions", cautions), ("Not trained", missing)):
        if items:
            parts += [f"## {heading}", *_listed(items)]
    return parts


def _teacher_row(teacher: TeacherFacts) -> list[str]:
    entropy = teacher.facts["entropy"]
    networks = [f"{member['network']} (seed {member['seed']})" for member in teacher.facts["members"]]
    return [
        teacher.name,
        teacher.split,
        ", ".join(networks),
        f"{teacher.facts['validation_mae']:.2f}",
        "-" if entropy is None else f"{entropy['temperature']:.2f}",
    ]


def _listed(items: Sequence[str]) -> list[str]:
    return [bullets(items)] if items else []

"""study.md, by its tables: the numbers are worked by hand."""

from pathlib import Path

import pytest

from models.study import report
from models.study.costs import Cost
from models.study.provenance import provenance_parts
from models.study.report import write_report
from models.study.result import Failure, LeftOut, StudyResult, TeacherFacts
from models.study.table import StudyRow
from tests.support.study_rows import study_cost, study_row

SIZES = {"small": 1_000, "middle": 10_000, "large": 100_000}


def rows_of(sizes: dict[str, int]) -> list[StudyRow]:
    """Means 9, 7, 6 from scratch, 1 BPM less by distillation in both replicates; float 0.5 BPM below int8."""
    level = {"small": 9.0, "middle": 7.0, "large": 6.0}
    return [
        study_row(
            name,
            strategy,
            seed=seed,
            parameters=size,
            mae_int8=level[name] + shift + gain,
            mae_float=level[name] + shift + gain - 0.5,
        )
        for name, size in sizes.items()
        for strategy, gain in (("scratch", 0.0), ("soft", -1.0))
        for seed, shift in ((1, -0.5), (2, 0.5))
    ]


COSTS = [
    study_cost("small", 1_000_000.0),
    study_cost("middle", 2_000_000.0),
    Cost("large", "nucleo-l476rg", "balanced", error="DoesNotFitError: needs 2 MB\nof flash | too much"),
]


def section(text: str, heading: str) -> list[list[str]]:
    """Cells of the table under a heading, without its head."""
    part = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert len({len(line) for line in cells}) <= 1
    return cells[2:]


def written(folder: Path, rows: list[StudyRow], costs: list[Cost]) -> str:
    path = write_report(folder, rows, costs, title="A study")
    assert path == folder / "study.md"
    return path.read_text()


def test_tables(tmp_path: Path) -> None:
    text = written(tmp_path, rows_of(SIZES), COSTS)
    assert text.startswith("# A study\n")
    errors = section(text, "Students and strategies")
    # Errors -0.5 and +0.5 around the mean: deviation sqrt(0.5) = 0.71.
    assert errors[0] == ["small", "1,000", "scratch", "-", "8.50 ± 0.71", "9.00 ± 0.71", "20.00 ± 0.00", "2"]
    assert errors[1][2:4] == ["soft", "big"]
    assert len(errors) == 6

    (small, *_) = section(text, "Distilled against scratch")
    assert small == ["small", "soft", "big", "-1.00", "[-1.00, -1.00]", "2 of 2", "better"]

    scratch, soft = section(text, "Error against size")
    # Each step of a factor of 10 halves what is left of 4 above 5; c = log10(2) = 0.301.
    assert scratch[:5] == ["scratch", "-", "5 [4.5, 5.5]", "4 [4, 4]", "0.301 [0.301, 0.301]"]
    assert scratch[5:7] == ["1,000", "0.000"] and scratch[8:] == ["3", "2"]
    assert soft[2].startswith("4 [3.5, 4.5]")
    assert "- scratch: three sizes for three parameters" in text


def test_costs_are_joined(tmp_path: Path) -> None:
    text = written(tmp_path, rows_of(SIZES), COSTS)
    costs = section(text, "Costs on a microcontroller")
    assert [(line[0], line[1], line[-1]) for line in costs] == [
        ("small", "scratch", ""),
        ("small", "soft", "yes"),
        ("middle", "scratch", ""),
        ("middle", "soft", "yes"),
    ]
    assert costs[1][3:6] == ["8.00 ± 0.71", "nucleo-l476rg", "balanced"]
    # 0.9 instructions a cycle, 4.2075e-4 microjoule a cycle: as tests/support/study_rows.py says.
    assert costs[1][6:12] == [
        "900,000",
        "1,000,000",
        "cortex-m4-zero-wait-state-v1",
        "13,752 of 98,304",
        "72,484 of 1,048,576",
        "421",
    ]
    assert "- 10.2 mA at 3.3 V and 80 MHz\n- no energy is spent between inferences" in text
    assert "- large on nucleo-l476rg, balanced: DoesNotFitError: needs 2 MB of flash | too much" in text


def test_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is missing: install the [plot] extra")
    text = written(tmp_path, rows_of(SIZES), COSTS)
    assert "![error against size and against cycles](study.png)" in text
    assert (tmp_path / "study.svg").read_bytes().startswith(b"<?xml")
    assert (tmp_path / "study.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_the_report_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "find_spec", lambda _: None)
    text = written(tmp_path, rows_of(SIZES), [])
    assert "No picture: matplotlib is not installed" in text
    assert [path.name for path in tmp_path.iterdir()] == ["study.md"]


def test_two_sizes_one_replicate_no_scratch_no_costs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "find_spec", lambda _: None)
    rows = [
        row for row in rows_of({"small": 1_000, "middle": 10_000}) if row.strategy == "soft" and row.seed == 1
    ]
    text = written(tmp_path, rows, [])
    assert section(text, "Students and strategies")[0][4:] == ["7.00", "7.50", "20.00", "1"]
    assert "No student was trained both from scratch and by distillation" in text
    assert "- soft (big): no curve; three parameters need three sizes or more, here are 2" in text
    assert text.endswith("## Costs on a microcontroller\n\nNone were measured.\n")


def test_what_the_data_do_not_say_is_not_printed_as_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "find_spec", lambda _: None)
    level = [
        study_row(name, seed=seed, parameters=size, mae_int8=5.0)
        for name, size in SIZES.items()
        for seed in (1, 2)
    ]
    (curve,) = section(written(tmp_path, level, []), "Error against size")
    assert curve[3] == curve[4] == "not determined [no interval]"


def test_names_cannot_break_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "find_spec", lambda _: None)
    text = written(tmp_path, [study_row(strategy="a|b")], [])
    assert r"| a\|b |" in text


def test_the_curve_is_fitted_to_the_chosen_students(tmp_path: Path) -> None:
    sizes = {**SIZES, "other": 20_000}
    rows = rows_of(SIZES) + [
        study_row("other", seed=seed, parameters=20_000, mae_int8=30.0 + seed) for seed in (1, 2)
    ]
    write_report(tmp_path, rows, [], title="all")
    every = section((tmp_path / "study.md").read_text(), "Error against size")
    write_report(tmp_path, rows, [], title="family", curve_students=list(SIZES))
    chosen = section((tmp_path / "study.md").read_text(), "Error against size")
    assert [row[8] for row in every if row[0] == "scratch"] == [str(len(sizes))]
    assert [row[8] for row in chosen if row[0] == "scratch"] == [str(len(SIZES))]
    write_report(tmp_path, rows, [], title="nobody", curve_students=["none"])
    assert "No curve: none of its students" in (tmp_path / "study.md").read_text()


def test_the_misfit_of_the_other_form_is_the_other_forms(tmp_path: Path) -> None:
    """Errors that are exactly exponential in the logarithm of the size, so not in the size."""
    rows = [
        study_row(f"s{step}", parameters=1_000 * 10**step, mae_int8=5.0 + 4.0 * 0.5**step)
        for step in range(5)
    ]
    misfits = {}
    for scale in ("log-size", "size"):
        text = write_report(tmp_path, rows, [], title="A study", scale=scale).read_text()
        (line,) = section(text, "Error against size")
        misfits[scale] = line[6:8]
    assert misfits["log-size"][0] == "0.000" and float(misfits["log-size"][1]) > 0.05
    assert misfits["size"] == misfits["log-size"][::-1]


def test_provenance_names_teachers_warnings_cautions_and_what_is_missing() -> None:
    facts = {
        "members": [{"network": "resnet2", "seed": 4}],
        "validation_mae": 3.456,
        "entropy": {"temperature": 1.25, "warnings": ["the teacher is too flat"]},
    }
    result = StudyResult(
        rows=(),
        failures=(Failure("pulse, seed 1", "diverged"),),
        left_out=(LeftOut("pulse", "big", "dkd", "no bins"),),
        teachers=(TeacherFacts("big", "fold 1", facts),),
        cautions={"fold 1": ("perhaps the same people",), "fold 2": ()},
    )
    parts = provenance_parts(result)
    assert [part for part in parts if part.startswith("## ")] == [
        "## Teachers",
        "## Cautions",
        "## Not trained",
    ]
    text = "\n".join(parts)
    assert "| big | fold 1 | resnet2 (seed 4) | 3.46 | 1.25 |" in text
    for line in (
        "- big, fold 1: the teacher is too flat",
        "- fold 1: perhaps the same people",
        "- pulse, seed 1: diverged",
        "- pulse by big, dkd: no bins",
    ):
        assert line in text.splitlines()
    assert provenance_parts(StudyResult((), (), (), (), {})) == []

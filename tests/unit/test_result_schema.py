"""docs/schema/result-v1.json: what is published is what the code writes and reads."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ppg_deploy.report.schema import Report
from ppg_deploy.results import json_schema, load_result
from tests.support.bench_results import emulated, measured, written
from tests.support.commands import REPOSITORY

SCHEMA = REPOSITORY / "docs" / "schema" / "result-v1.json"


@pytest.fixture(scope="module")
def validator() -> Any:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed ([dev] extra)")
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def fields_of(report: Report, folder: Path) -> dict[str, Any]:
    """result.json as a plain reader sees it."""
    return dict(json.loads((written(folder, report) / "result.json").read_text()))


def test_the_published_schema_is_up_to_date() -> None:
    assert SCHEMA.read_text() == json_schema.json_schema(), (
        "run python -m ppg_deploy.results.json_schema in a checkout"
    )


def test_the_command_writes_it(tmp_path: Path) -> None:
    # A checkout of its own, so that the one under test stays as it is.
    for name in ("toolchain", "firmware", "boards"):
        shutil.copytree(
            REPOSITORY / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "build")
        )
    command = [sys.executable, "-m", "ppg_deploy.results.json_schema"]
    subprocess.run(
        command, check=True, cwd=tmp_path, env={"PYTHONPATH": str(tmp_path / "toolchain")}, timeout=60
    )
    assert (tmp_path / "docs" / "schema" / "result-v1.json").read_bytes() == SCHEMA.read_bytes()


def test_results_fit_it(validator: Any, tmp_path: Path) -> None:
    validator.validate(fields_of(emulated(), tmp_path))
    validator.validate(fields_of(measured(), tmp_path))


@pytest.mark.parametrize(
    "missing",
    [
        "created",
        "board",
        "outputs",
        "outputs.mismatched",
        "memory.arena",
        "cost.instructions",
        "cost.instructions.p95",
        "sliding.cost",
        "firmware.build_id",
    ],
)
def test_a_result_that_lacks_a_field_does_not(validator: Any, tmp_path: Path, missing: str) -> None:
    fields = fields_of(emulated(), tmp_path)
    *folders, name = missing.split(".")
    place = fields
    for folder in folders:
        place = place[folder]
    del place[name]
    # Optional objects stand beside null, so the field is named in the context of the failure.
    failures = [
        inner for failure in validator.iter_errors(fields) for inner in (failure, *(failure.context or ()))
    ]
    assert any(f"'{name}' is a required property" in failure.message for failure in failures)


@pytest.mark.parametrize(
    ("name", "value"),
    [("schema_version", 2), ("board", 7), ("resumed_windows", "three"), ("mood", "good"), ("memory", None)],
)
def test_a_result_with_a_wrong_or_an_unknown_field_does_not(
    validator: Any, tmp_path: Path, name: str, value: Any
) -> None:
    assert list(validator.iter_errors({**fields_of(emulated(), tmp_path), name: value}))


def test_schema_and_reader_agree_on_unknown_fields_inside(validator: Any, tmp_path: Path) -> None:
    fields = fields_of(emulated(), tmp_path)
    fields["cost"]["latency"] = 1.0
    assert list(validator.iter_errors(fields))
    with pytest.raises(ValueError, match="latency"):
        Report.model_validate(fields)


def test_what_fits_is_read(tmp_path: Path) -> None:
    folder = written(tmp_path, measured())
    assert load_result(folder).report == measured()

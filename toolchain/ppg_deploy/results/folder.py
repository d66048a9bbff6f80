"""The folder of one bench: written once as a whole, never changed afterwards, and checked when it is read."""

import contextlib
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ppg_deploy import files
from ppg_deploy.errors import EnvironmentProblem, InputError
from ppg_deploy.report.schema import Report
from ppg_deploy.results.samples import Samples, read_samples
from ppg_deploy.results.trace import TRACE_NAME, EnergyTrace, read_trace

RESULT_NAME = "result.json"
SAMPLES_NAME = "samples.npz"
MANIFEST_NAME = "manifest.json"
_BENCH_AGAIN = "run ppg-deploy bench"

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")]


class ResultManifest(BaseModel):
    """manifest.json of a result: every other file of the folder and the SHA-256 of its contents."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = Field(default=1, alias="schema")
    made_by: Literal["ppg-deploy"] = "ppg-deploy"
    files: dict[FileName, Sha256]


@dataclass(frozen=True)
class Result:
    """A result as it was read: `folder` and its contents, checked against the manifest."""

    folder: Path
    report: Report
    samples: Samples
    trace: EnergyTrace | None


def write_result(root: Path, report: Report, samples: Samples, trace: EnergyTrace | None = None) -> Path:
    """Write `root`/<UTC time>-<board>-<model>/. The folder appears complete or not at all.

    Args:
        root: folder of all results, usually OUT/results.
        report: becomes result.json; its `created` gives the folder its time.
        samples: becomes samples.npz.
        trace: becomes energy.npz.

    Returns:
        The folder. A second result of the same second gets "-2" behind its name.

    Raises:
        EnvironmentProblem: the folder cannot be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=root, prefix=".unfinished-"))
    except OSError as error:
        raise EnvironmentProblem(
            f"cannot write {root}: {error.strerror}", hint="choose another folder with --out"
        ) from error
    try:
        files.write_text(unfinished / RESULT_NAME, report.model_dump_json(indent=2) + "\n")
        files.write_npz(unfinished / SAMPLES_NAME, samples.arrays())
        if trace is not None:
            files.write_npz(unfinished / TRACE_NAME, trace.arrays())
        sums = {path.name: files.sha256_of_file(path) for path in sorted(unfinished.iterdir())}
        files.write_text(
            unfinished / MANIFEST_NAME, ResultManifest(files=sums).model_dump_json(indent=2, by_alias=True) + "\n"
        )
        # mkdtemp makes the folder private.
        umask = os.umask(0)
        os.umask(umask)
        unfinished.chmod(0o777 & ~umask)
        return _rename(unfinished, root / folder_name(report))
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def folder_name(report: Report) -> str:
    """<UTC time>-<board>-<model>, of letters that every file system takes."""
    created = datetime.fromisoformat(report.created).astimezone(UTC)
    model = re.sub(r"[^A-Za-z0-9_.]+", "-", report.model.name).strip("-.") or "model"
    return f"{created:%Y%m%dT%H%M%SZ}-{report.board}-{model[:60]}"


def _rename(unfinished: Path, wanted: Path) -> Path:
    for number in range(1, 1000):
        place = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        if place.exists():
            continue
        # Another process may have taken the name since: a folder with files in it cannot be replaced.
        with contextlib.suppress(OSError):
            unfinished.rename(place)
            return place
    raise EnvironmentProblem(
        f"cannot name the result {wanted}", hint="check the permissions of its folder, or remove old results"
    )


def point_to(link: Path, target: Path) -> None:
    """Make `link` a relative symbolic link to `target`, in place of whatever file was there.

    Raises:
        EnvironmentProblem: the file system takes no symbolic links.
    """
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    try:
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(os.path.relpath(target.resolve(), link.parent.resolve()))
        temporary.replace(link)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise EnvironmentProblem(
            f"cannot make {link} a symbolic link: {error.strerror}",
            hint="choose a folder on a file system with symbolic links with --out",
        ) from error


def newest_result(root: Path) -> Path:
    """The newest folder in `root`, by the time in its name.

    Raises:
        InputError: there is none.
    """
    found = [path.parent for path in root.glob(f"[0-9]*/{RESULT_NAME}")]
    if not found:
        raise InputError(f"{root} holds no results", hint=_BENCH_AGAIN)
    return max(found, key=lambda path: (path.name[:16], path.stat().st_mtime_ns))


def problems_of(folder: Path) -> tuple[str, ...]:
    """What is wrong with a result's files, one sentence each; empty when all are as they were written.

    Files that the manifest does not name are not looked at.

    Raises:
        InputError: no manifest, or a damaged one.
    """
    path = folder / MANIFEST_NAME
    try:
        manifest = ResultManifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"{folder} is no result: it has no {MANIFEST_NAME}",
            hint=f"give a folder of OUT/results, or {_BENCH_AGAIN}",
        ) from error
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise InputError(
            f"{path} is not a result's manifest: {field or 'file'}: {problem['msg']}", hint=_BENCH_AGAIN
        ) from error
    problems = []
    for name in (RESULT_NAME, SAMPLES_NAME):
        if name not in manifest.files:
            problems.append(f"{path} does not name {name}")
    for name, expected in manifest.files.items():
        if not (folder / name).is_file():
            problems.append(f"{folder / name} is missing")
        elif files.sha256_of_file(folder / name) != expected:
            problems.append(f"{folder / name} was changed after the bench")
    return tuple(problems)


def load_result(path: Path) -> Result:
    """Read and check a result.

    Args:
        path: its folder, or its result.json, or a link to either (OUT/report.json).

    Raises:
        InputError: no result, or a file that is missing, was changed or is of another version.
    """
    folder = path.resolve() if path.is_dir() else path.resolve().parent
    if not path.exists():
        raise InputError(f"{path}: no such result", hint=_BENCH_AGAIN)
    problems = problems_of(folder)
    if problems:
        raise InputError("; ".join(problems), hint=f"take the original files, or {_BENCH_AGAIN} again")
    try:
        report = Report.model_validate_json((folder / RESULT_NAME).read_bytes())
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise InputError(
            f"{folder / RESULT_NAME}: field {field}: {problem['msg']}",
            hint="it is of another version of ppg-deploy: bench again, or use that version",
        ) from error
    return Result(
        folder=folder,
        report=report,
        samples=read_samples(folder / SAMPLES_NAME),
        trace=read_trace(folder / TRACE_NAME) if (folder / TRACE_NAME).is_file() else None,
    )

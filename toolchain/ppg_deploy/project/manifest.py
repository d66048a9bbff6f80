"""manifest.json of a rendered project: what was rendered, from what, and which files are ours."""

from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ppg_deploy.errors import InputError
from ppg_deploy.files import write_text_if_changed
from ppg_deploy.project.application import Dialect
from ppg_deploy.project.sources import Optimization

MANIFEST_NAME = "manifest.json"

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def _stays_inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or name != path.as_posix() or not path.name:
        raise ValueError(f"{name!r} is not a path inside the project")
    return name


RelativePath = Annotated[str, AfterValidator(_stays_inside)]


class Manifest(BaseModel):
    """Contents of manifest.json. Paths are relative to the project, with forward slashes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = Field(default=1, alias="schema")
    made_by: Literal["ppg-deploy"] = "ppg-deploy"
    version: str
    """Of ppg-deploy."""
    build_id: Sha256
    board: str
    runtime: str
    dialect: Dialect = "ppg"
    """What the firmware answers."""
    model_sha256: Sha256
    arena_bytes: int
    arena_symbol: str
    optimize: Optimization = "balanced"
    """What the kernels were chosen for."""
    hop: int | None = None
    """New samples per channel that a push takes; null without sliding windows."""
    ram_budget: int | None = None
    """Most bytes of the arena that were allowed; null for the fewest that cost no cycles."""
    library: str | None = None
    """Sources of others that the runtime consists of; null for aot."""
    clock_hz: int
    baud: int | None = None
    """Of the console; null in projects of versions that always took the board's own."""
    flags: tuple[str, ...]
    """Compiler flags of every file, core flags left out."""
    kernel_flags: tuple[str, ...]
    """Compiler flags added for src/runtime."""
    files: dict[RelativePath, Sha256]
    """Every rendered file but this one."""


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write manifest.json; an unchanged one keeps its timestamp."""
    write_text_if_changed(folder / MANIFEST_NAME, manifest.model_dump_json(indent=2, by_alias=True) + "\n")


def load_manifest(folder: Path) -> Manifest:
    """The manifest of a rendered project.

    Raises:
        InputError: there is none, or it is damaged.
    """
    path = folder / MANIFEST_NAME
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"{folder} holds no firmware project: cannot read {MANIFEST_NAME}",
            hint="run ppg-deploy build first",
        ) from error
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise InputError(
            f"{path} is not a manifest of ppg-deploy: {field or 'file'}: {problem['msg']}",
            hint="choose another folder, or remove this one",
        ) from error

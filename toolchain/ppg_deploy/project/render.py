"""Rendering a project into a folder without touching what is not ours."""

from dataclasses import dataclass
from pathlib import Path

from ppg_deploy import __version__
from ppg_deploy.boards import Board
from ppg_deploy.errors import EnvironmentProblem, InputError
from ppg_deploy.files import sha256, write_text_if_changed
from ppg_deploy.project.application import BENCH_APPLICATION, Application
from ppg_deploy.project.contents import project_texts
from ppg_deploy.project.manifest import MANIFEST_NAME, Manifest, load_manifest, write_manifest
from ppg_deploy.project.sources import ModelSources

DEFAULT_FLAGS = ("-O2", "-g", "-Wall", "-Wextra", "-ffunction-sections", "-fdata-sections", "-fno-common")
DEFAULT_KERNEL_FLAGS = ("-O2",)
SMALL_FLAGS = (*("-Os" if flag == "-O2" else flag for flag in DEFAULT_FLAGS), "-DPPG_SMALL_IMAGE")
"""For the smallest image: only the kernels stay fast."""

POWER_FLAG = "-DPPG_POWER_RUN"
"""Makes an image that takes POWER_RUN."""

_REFUSED_FLAGS = ("-ffreestanding", "-fno-builtin", "-flto")


@dataclass(frozen=True)
class Project:
    """A rendered firmware project on disk."""

    folder: Path
    board: Board
    manifest: Manifest

    @property
    def build_id(self) -> str:
        """SHA-256 over every rendered source and the flags, as the firmware reports it."""
        return self.manifest.build_id


def _check_flags(flags: tuple[str, ...]) -> None:
    for flag in flags:
        if flag.startswith(_REFUSED_FLAGS):
            raise InputError(
                f"compiler flag {flag} is refused: kernels get several times slower without built-in functions, "
                "and the size report cannot tell parts apart after link-time optimisation",
                hint="leave it out",
            )
        if not flag.startswith("-") or any(character in flag for character in "\r\n\t $\"'"):
            raise InputError(f"{flag!r} is not one compiler flag", hint="give each flag as one word like -O3")


def _previous_files(folder: Path) -> frozenset[str]:
    """Files of an earlier rendering; empty for a folder that is new or empty."""
    if not folder.exists():
        return frozenset()
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder", hint="choose another folder with --out")
    if (folder / MANIFEST_NAME).is_file():
        return frozenset(load_manifest(folder).files)
    if any(folder.iterdir()):
        raise InputError(
            f"{folder} holds files that ppg-deploy did not write; nothing was changed",
            hint="choose another folder with --out, or empty this one",
        )
    return frozenset()


def _remove(folder: Path, names: frozenset[str]) -> None:
    """Remove files of an earlier rendering, then the folders that became empty."""
    for name in sorted(names):
        path = folder / name
        try:
            path.unlink(missing_ok=True)
            for parent in path.parents:
                if parent == folder or any(parent.iterdir()):
                    break
                parent.rmdir()
        except OSError as error:
            raise EnvironmentProblem(
                f"cannot remove {path}: {error.strerror}", hint="check the permissions of the folder"
            ) from error


def render_project(
    *,
    board: Board,
    model: ModelSources,
    folder: Path,
    application: Application = BENCH_APPLICATION,
    flags: tuple[str, ...] = DEFAULT_FLAGS,
    kernel_flags: tuple[str, ...] = DEFAULT_KERNEL_FLAGS,
) -> Project:
    """Render `model` for `board` into `folder`, which is new, empty, or an earlier rendering.

    A file is written only when its text differs, so that a build recompiles only what changed. Files of the earlier
    rendering that are no longer part of the project are removed; other files in the folder are left alone.

    Args:
        board: where the firmware will run.
        model: the model in C.
        folder: the project's folder.
        application: what answers the host.
        flags: compiler flags for every file, one option each.
        kernel_flags: compiler flags added for src/runtime.

    Raises:
        InputError: `folder` holds something else (nothing is touched), or a flag is refused.
        EnvironmentProblem: `folder` cannot be written.
        InternalError: a file of the installed package is missing.
    """
    if model.library is not None:
        flags = (*flags, *(f"-D{name}" for name in model.library.defines))
    _check_flags(flags + kernel_flags)
    previous = _previous_files(folder)
    # PlatformIO links a platform by its folder's name; a name of its own keeps two projects apart that are built at
    # the same time with one PlatformIO core directory.
    platform_folder = f"platform-{board.id}-{sha256(str(folder.resolve()).encode())[:8]}"
    texts, build_id = project_texts(
        board=board,
        model=model,
        application=application,
        platform_folder=platform_folder,
        flags=flags,
        kernel_flags=kernel_flags,
    )
    manifest = Manifest(
        version=__version__,
        build_id=build_id,
        board=board.id,
        runtime=model.runtime,
        dialect=application.dialect,
        model_sha256=model.model_sha256,
        arena_bytes=model.arena_bytes,
        arena_symbol=model.arena_symbol,
        optimize=model.optimize,
        hop=model.hop,
        ram_budget=model.ram_budget,
        library=None if model.library is None else model.library.description,
        clock_hz=board.clock_hz,
        baud=board.uart.baud,
        flags=flags,
        kernel_flags=kernel_flags,
        files={name: sha256(texts[name].encode()) for name in sorted(texts)},
    )
    obsolete = previous.difference(texts)
    # Until the new files are complete, the manifest owns the old and the new ones: an interrupted rendering can be
    # taken up again, and is never mistaken for a user's folder.
    owned = {name: sha256(b"") for name in obsolete} | manifest.files
    write_manifest(folder, manifest.model_copy(update={"files": owned}))
    for name, text in texts.items():
        write_text_if_changed(folder / name, text)
    _remove(folder, obsolete)
    write_manifest(folder, manifest)
    return Project(folder=folder, board=board, manifest=manifest)

"""A tree of TFLM sources on the user's disk: what is there, and whether a firmware can be built from it."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from ppg_deploy.errors import InputError
from ppg_deploy.files import sha256, sha256_of_file
from ppg_deploy.tflm import layout
from ppg_deploy.tflm.layout import Role

_MOST_FILES = 20_000
_KEPT_SUFFIXES = (*layout.SOURCE_SUFFIXES, ".h", ".hpp", ".inc")
_REGISTRATION = re.compile(r"\b(Register_[A-Z0-9_]+?_(?:INT8|INT16))\s*\(")
_METHOD = re.compile(r"\bTfLiteStatus\s+(Add\w+)\s*\(([^)]*)")
# Both came in 2022 with the constructor that takes no error reporter.
_INTERPRETER_API = ("MicroProfilerInterface", "MicroResourceVariables", "arena_used_bytes")

HOW_TO_GET_A_TREE = """\
git clone https://github.com/tensorflow/tflite-micro && cd tflite-micro
python3 tensorflow/lite/micro/tools/project_generation/create_tflm_tree.py \
--makefile_options="TARGET=cortex_m_generic OPTIMIZED_KERNEL_DIR=cmsis_nn TARGET_ARCH=project_generation" ../tflm-tree
export PPG_TFLM_DIR=$PWD/../tflm-tree"""
"""Three lines for a shell."""


class TreeReport(BaseModel):
    """What `tflm check` found. Without problems the tree can be built.

    `cmsis_nn_kernels` are the operators that CMSIS-NN computes, by their file; `narrow_registrations` those of a
    single type; `methods` how many operators the resolver knows; `fingerprint` is the SHA-256 over all sources.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: str
    problems: tuple[str, ...]
    uses_cmsis_nn: bool
    cmsis_nn_kernels: tuple[str, ...]
    reference_kernels: tuple[str, ...]
    narrow_registrations: tuple[str, ...]
    methods: int
    sources: int
    headers: int
    fingerprint: str


@dataclass(frozen=True)
class TflmTree:
    """A complete tree.

    Attributes:
        sources: what to compile and how; paths relative to `folder`.
        include_folders: for the compiler; relative to `folder`.
        methods: of MicroMutableOpResolver; True for those that take a registration.
        registrations: of a single type, such as Register_CONV_2D_INT8.
    """

    folder: Path
    sources: Mapping[str, Role]
    include_folders: tuple[str, ...]
    methods: Mapping[str, bool]
    registrations: frozenset[str]
    report: TreeReport


def find_tree(option: Path | None, configured: Path | None) -> Path:
    """The folder to take: --tflm-dir, else [tflm] dir of ppg.toml, else $PPG_TFLM_DIR.

    Raises:
        InputError: none of them is given.
    """
    named = option or configured
    if named is None and os.environ.get("PPG_TFLM_DIR"):
        named = Path(os.environ["PPG_TFLM_DIR"])
    if named is None:
        raise InputError(
            "no TFLM sources: neither --tflm-dir nor [tflm] dir in ppg.toml nor $PPG_TFLM_DIR is given",
            hint=f"they are no part of ppg-deploy; get them so:\n{HOW_TO_GET_A_TREE}",
        )
    return named


def check_tree(folder: Path) -> TreeReport:
    """Everything that can be said about `folder` without compiling it.

    Raises:
        InputError: it is not a folder, or it cannot be read.
    """
    return _read(folder).report


def open_tree(folder: Path) -> TflmTree:
    """The tree in `folder`.

    Raises:
        InputError: it is not a folder, cannot be read, or is not complete.
    """
    tree = _read(folder)
    problems = tree.report.problems
    if problems:
        more = f" (and {len(problems) - 1} more: ppg-deploy tflm check)" if len(problems) > 1 else ""
        raise InputError(
            f"{folder} is no complete tree of TFLM: {problems[0]}{more}",
            hint=f"make one so:\n{HOW_TO_GET_A_TREE}",
        )
    return tree


def _read(folder: Path) -> TflmTree:
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder", hint=f"make a tree of TFLM so:\n{HOW_TO_GET_A_TREE}")
    names, is_too_large = _names(folder)
    try:
        sources = {
            name: role
            for name in names
            if name.endswith(layout.SOURCE_SUFFIXES)
            for role in [layout.role_of(name)]
            if role
        }
        headers = [name for name in names if not name.endswith(layout.SOURCE_SUFFIXES)]
        resolver = _text(folder, layout.RESOLVER_HEADER, names)
        methods = {found[1]: "Registration" in found[2] for found in _METHOD.finditer(resolver)}
        registrations = _registrations(folder, headers)
        fingerprint = _fingerprint(folder, sorted([*sources, *headers]))
        problems = _problems(folder, names, sources, methods, is_too_large=is_too_large)
    except OSError as error:
        raise InputError(
            f"cannot read {error.filename}: {error.strerror}", hint="check permissions"
        ) from error
    cmsis = _kernel_names(sources, f"{layout.CMSIS_KERNELS}/")
    return TflmTree(
        folder=folder,
        sources=sources,
        include_folders=tuple(name for name in layout.INCLUDE_FOLDERS if (folder / name).is_dir()),
        methods=methods,
        registrations=registrations,
        report=TreeReport(
            folder=str(folder),
            problems=problems,
            uses_cmsis_nn=bool(cmsis),
            cmsis_nn_kernels=cmsis,
            reference_kernels=_kernel_names(sources, f"{layout.KERNELS}/"),
            narrow_registrations=tuple(sorted(registrations)),
            methods=len([name for name in methods if name not in ("AddBuiltin", "AddCustom")]),
            sources=len(sources),
            headers=len(headers),
            fingerprint=fingerprint,
        ),
    )


def _names(folder: Path) -> tuple[frozenset[str], bool]:
    """Paths of sources and headers below `folder`, and whether there are more than any tree has."""
    names: set[str] = set()
    for base, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if name.endswith(_KEPT_SUFFIXES):
                names.add((Path(base) / name).relative_to(folder).as_posix())
        if len(names) > _MOST_FILES:
            return frozenset(names), True
    return frozenset(names), False


def _text(folder: Path, name: str, names: frozenset[str]) -> str:
    return (folder / name).read_text(encoding="utf-8", errors="replace") if name in names else ""


def _registrations(folder: Path, headers: list[str]) -> frozenset[str]:
    found: set[str] = set()
    for name in headers:
        if name.startswith(f"{layout.KERNELS}/") and name.count("/") == layout.KERNELS.count("/") + 1:
            found.update(_REGISTRATION.findall((folder / name).read_text(encoding="utf-8", errors="replace")))
    return frozenset(found)


def _fingerprint(folder: Path, names: list[str]) -> str:
    return sha256("".join(f"{name} {sha256_of_file(folder / name)}\n" for name in names).encode())


def _kernel_names(sources: Mapping[str, Role], prefix: str) -> tuple[str, ...]:
    """Stems of the sources directly in one folder of kernels."""
    return tuple(
        sorted(
            name.removeprefix(prefix).partition(".")[0]
            for name in sources
            if name.startswith(prefix) and "/" not in name.removeprefix(prefix)
        )
    )


def _problems(
    folder: Path,
    names: frozenset[str],
    sources: Mapping[str, Role],
    methods: Mapping[str, bool],
    *,
    is_too_large: bool,
) -> tuple[str, ...]:
    if not names:
        return ("it holds no C or C++ file",)
    signs = [sign for sign in layout.CHECKOUT_SIGNS if (folder / sign).exists()]
    if is_too_large or signs:
        sign = signs[0] if signs else f"more than {_MOST_FILES} files"
        return (f"it is a checkout, not a tree made with create_tflm_tree.py (it has {sign})",)
    problems = [f"{name} is missing" for name in layout.REQUIRED_HEADERS if name not in names]
    stems = {name.rpartition(".")[0] for name in sources}
    problems += [f"{stem}.cc is missing" for stem in layout.REQUIRED_SOURCES if stem not in stems]
    interpreter = _text(folder, layout.INTERPRETER_HEADER, names)
    absent = [word for word in _INTERPRETER_API if word not in interpreter]
    if interpreter and absent:
        problems.append(f"{layout.INTERPRETER_HEADER} knows no {absent[0]}: it is older than 2022")
    if layout.RESOLVER_HEADER in names and not methods:
        problems.append(f"{layout.RESOLVER_HEADER} declares no operators")
    return (*problems, *_cmsis_problems(names, sources))


def _cmsis_problems(names: frozenset[str], sources: Mapping[str, Role]) -> list[str]:
    cmsis = _kernel_names(sources, f"{layout.CMSIS_KERNELS}/")
    if not cmsis:
        return []
    problems = []
    if not any(f"{folder}/Include/arm_nnfunctions.h" in names for folder in layout.CMSIS_FOLDERS):
        problems.append(f"{layout.CMSIS_FOLDERS[0]}/Include/arm_nnfunctions.h is missing")
    if not any(name.startswith(f"{folder}/Source/") for name in sources for folder in layout.CMSIS_FOLDERS):
        problems.append(f"{layout.CMSIS_FOLDERS[0]}/Source holds no C file")
    twice = sorted(set(cmsis) & set(_kernel_names(sources, f"{layout.KERNELS}/")))
    if twice:
        problems.append(f"kernel {twice[0]} is there twice: for CMSIS-NN and as a reference")
    return problems

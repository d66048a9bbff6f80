"""What a firmware project consists of: every file's text, from templates, firmware/, the board and the model."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ppg_deploy import __version__
from ppg_deploy.boards import Board, Bootloader, Usb
from ppg_deploy.errors import InputError, InternalError
from ppg_deploy.files import sha256
from ppg_deploy.project.application import Application
from ppg_deploy.project.macros import hardware_macros
from ppg_deploy.project.sources import Library, ModelSources
from ppg_deploy.project.templates import render_template
from ppg_deploy.shipped import shipped_folder

BUILD_OUTPUTS = ("firmware.elf", "firmware.bin", "firmware.hex", "firmware.map", "size.json", "build.json")
"""Files that a build adds to the project's folder."""

_NO_BUILD_ID = "0" * 64
_CONFIG_HEADER = "include/ppg_board_config.h"


def _copies(folder: Path, destination: str) -> dict[str, str]:
    """Every text file below `folder`, by its path below `destination`."""
    if not folder.is_dir():
        raise InternalError(
            f"the installed package has no {folder.name}/ folder", hint="reinstall ppg-deploy"
        )
    return {
        f"{destination}/{path.relative_to(folder).as_posix()}": path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def _application_texts(application: Application) -> dict[str, str]:
    firmware = shipped_folder("firmware")
    texts = {f"include/{name}": text for name, text in application.headers.items()}
    for name in application.folders:
        texts |= _copies(firmware / name, f"src/{name}")
    for name in application.files:
        texts[f"src/{name}"] = (firmware / name).read_text(encoding="utf-8")
    return texts


def _kernel_copies(model: ModelSources) -> dict[str, str]:
    if model.library is not None:
        return {}
    folder = shipped_folder("firmware") / "runtime"
    headers = {path.relative_to(folder).as_posix() for path in folder.rglob("*.h")}
    texts = {}
    for name in sorted(headers.union(model.kernel_files)):
        if not (folder / name).is_file():
            raise InternalError(f"firmware/runtime has no file {name!r}", hint="reinstall ppg-deploy")
        texts[f"src/runtime/{name}"] = (folder / name).read_text(encoding="utf-8")
    return texts


def _usb_ids(usb: Usb | None) -> list[tuple[int, int]]:
    return [] if usb is None else [(usb.vendor_id, product_id) for product_id in usb.product_ids]


def _bootloader_facts(bootloader: Bootloader | None) -> dict[str, list[tuple[int, int]]]:
    if bootloader is None:
        return {}
    return {
        "bootloader_usb": _usb_ids(bootloader.usb),
        "application_usb": _usb_ids(bootloader.application_usb),
    }


def _library_texts(library: Library | None) -> dict[str, str]:
    """The adapter of a library, and library.json, which the platform's builder reads."""
    if library is None:
        return {}
    description = {
        "fingerprint": library.fingerprint,
        "include_folders": library.include_folders,
        "common_flags": library.common_flags,
        "flags": dict(library.role_flags),
        "sources": dict(sorted(library.sources.items())),
    }
    return {
        **_copies(shipped_folder("firmware") / library.adapter, f"src/{library.adapter}"),
        "library.json": json.dumps(description, indent=1) + "\n",
    }


def _library_folders(library: Library | None) -> tuple[str, ...]:
    """The library's folder as platformio.ini can spell it; none without a library.

    Raises:
        InputError: it cannot.
    """
    if library is None:
        return ()
    folder = str(library.folder.absolute())
    if not folder.isprintable() or any(character in folder for character in ";#$\"'"):
        raise InputError(
            f"the folder {folder!r} has a character in its name that platformio.ini cannot hold",
            hint="move it to a folder without ; # $ and quotes in its name",
        )
    return (folder,)


def _model_folders(library: Library | None) -> tuple[tuple[str, str], ...]:
    """Folders of the runtime, and what they are, for README.md."""
    if library is None:
        return (
            ("src/model", "the model: constants, one function per inference"),
            ("src/runtime", "the kernels that the model calls"),
        )
    return (
        ("src/model", "the model: the .tflite file, its operators"),
        (f"src/{library.adapter}", "what stands between `ppg_model_api.h` and the sources of others"),
        ("library.json", "which of those are compiled, and how; `platformio.ini` says where they are"),
    )


def _own_use(library: Library | None) -> str:
    if library is None:
        return "`src/model` and `src/runtime`"
    return f"`src/model`, `src/{library.adapter}` and what `library.json` lists"


def _platformio_board(board: Board) -> str:
    flashing = board.flashing
    facts = {
        "name": board.name,
        "vendor": board.vendor,
        "url": board.url,
        "build": {
            "mcu": board.mcu,
            "cpu": board.core.cpu,
            "fpu": board.core.fpu,
            "float_abi": board.core.float_abi,
            "f_cpu": f"{board.clock_hz}L",
        },
        "debug": {
            "openocd_target": flashing.openocd_target,
            "pyocd_target": flashing.pyocd_target,
            "jlink_device": flashing.jlink_device,
        },
        "upload": {
            "maximum_size": board.code_memory.size_bytes,
            "maximum_ram_size": board.data_memory.size_bytes,
            "protocol": flashing.default_method,
            "offset_address": f"0x{board.code_memory.origin:08x}",
            "protocols": list(flashing.methods),
            **_bootloader_facts(board.bootloader),
        },
    }
    return json.dumps(facts, indent=2) + "\n"


def _header_folders(paths: Mapping[str, str]) -> list[str]:
    """Folders below src/ that hold a header, for -I."""
    return sorted(
        {name.rpartition("/")[0] for name in paths if name.startswith("src/") and name.endswith(".h")}
    )


def _regions(board: Board) -> list[dict[str, Any]]:
    return [
        {
            "name": region.name,
            "kind": region.kind,
            "access": "rx" if region.kind == "flash" else "rw",
            "origin": f"0x{region.origin:08X}",
            "size_bytes": region.size_bytes,
        }
        for region in board.memory
    ]


def project_texts(
    *,
    board: Board,
    model: ModelSources,
    application: Application,
    platform_folder: str,
    flags: tuple[str, ...],
    kernel_flags: tuple[str, ...],
) -> tuple[dict[str, str], str]:
    """Every file of a project (path -> text, manifest left out) and the build id.

    The build id is the SHA-256 over all paths, texts and flags. The platform folder's name does not enter it, so the
    same inputs give the same id wherever the project lies.

    Raises:
        InputError: the folder of the model's library cannot be written into platformio.ini.
        InternalError: a file of the installed package is missing.
    """
    firmware = shipped_folder("firmware")
    linker_script = f"linker/{board.platformio_id}.ld"
    sources = {
        linker_script: "",
        "include/ppg_hardware.h": "",
        "src/bsp/ppg_bsp.h": (firmware / "bsp" / "ppg_bsp.h").read_text(encoding="utf-8"),
        **_application_texts(application),
        **_kernel_copies(model),
        **_library_texts(model.library),
        **{f"src/model/{name}": text for name, text in model.files.items()},
    }
    for name in board.bsp_folders:
        sources |= _copies(firmware / "bsp" / name, f"src/bsp/{name}")

    context: dict[str, Any] = {
        "version": __version__,
        "board": board,
        "model": model,
        "platform_folder": platform_folder,
        "linker_script": linker_script,
        "flags": flags,
        "kernel_flags": kernel_flags,
        "include_folders": _header_folders(sources),
        "regions": _regions(board),
        "code_memory": board.code_memory.name,
        "data_memory": board.data_memory.name,
        "macro_groups": hardware_macros(board),
        "build_outputs": BUILD_OUTPUTS,
        "library_folders": _library_folders(model.library),
        "model_folders": _model_folders(model.library),
        "own_use": _own_use(model.library),
        "application_folders": application.folders,
        "build_id": _NO_BUILD_ID,
    }
    sources[linker_script] = render_template("linker.ld.j2", context)
    sources["include/ppg_hardware.h"] = render_template("ppg_hardware.h.j2", context)
    sources[_CONFIG_HEADER] = render_template("ppg_board_config.h.j2", context)
    platform = {
        **_copies(firmware / "platformio", "platform"),
        f"platform/boards/{board.platformio_id}.json": _platformio_board(board),
    }

    identity = {"sources": {**sources, **platform}, "flags": flags, "kernel_flags": kernel_flags}
    build_id = sha256(json.dumps(identity, sort_keys=True).encode())

    context["build_id"] = build_id
    texts = dict(sources)
    texts[_CONFIG_HEADER] = render_template("ppg_board_config.h.j2", context)
    for name, text in platform.items():
        texts[platform_folder + name.removeprefix("platform")] = text
    texts["platformio.ini"] = render_template("platformio.ini.j2", context)
    texts["README.md"] = render_template("README.md.j2", context)
    texts[".gitignore"] = render_template("gitignore.j2", context)
    return texts, build_id

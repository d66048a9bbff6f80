"""The firmware's application and protocol as host programs that can be fuzzed."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[2]
_HARNESS = Path(__file__).parent / "firmware"
_FAKES = _CHECKOUT / "tests" / "host_c" / "app"
_APP = _CHECKOUT / "firmware" / "app"
_PROTOCOL = _CHECKOUT / "firmware" / "protocol"
_OPTIONS = ["-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion"]
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
COVERAGE = ("--coverage",)
_WRAPPED = ("ppg_bsp_uart_write", "ppg_bsp_reset", "ppg_model_init", "ppg_model_run", "ppg_model_run_profiled")
_DRIVER = [_HARNESS / "driver.c", _HARNESS / "mutate.c"]
_FORMAT = [_HARNESS / "program.c", _HARNESS / "reference.c"]


class CannotBuildError(Exception):
    """gcc is absent or refuses the sources; the message is its own."""


@dataclass(frozen=True)
class Target:
    """One program to fuzz. `share` of the executions of a campaign are its own, in percent."""

    name: str
    share: int
    sources: tuple[Path, ...]
    tested: tuple[Path, ...]
    options: tuple[str, ...] = ()


def _application(name: str, share: int, defines: tuple[str, ...], wrapped: tuple[str, ...]) -> Target:
    tested = [path for path in sorted(_APP.glob("ppg_*.c")) if path.name != "ppg_eembc.c"]
    return Target(
        name=name,
        share=share,
        sources=(
            _HARNESS / "target_app.c",
            _HARNESS / "shadow.c",
            _FAKES / "fake_bsp.c",
            _FAKES / "fake_model.c",
        ),
        tested=(*tested, *sorted(_PROTOCOL.glob("*.c"))),
        options=(*defines, *(f"-Wl,--wrap={symbol}" for symbol in wrapped)),
    )


def targets() -> tuple[Target, ...]:
    """The application with a small sliding model, with one whose output and profile need several replies; the codec."""
    small = ("-DFAKE_INPUT_BYTES=64", "-DFAKE_OUTPUT_BYTES=16", "-DFAKE_OPERATORS=5", "-DFAKE_HOP=8")
    wide = ("-DFAKE_INPUT_BYTES=8", "-DFAKE_OUTPUT_BYTES=530", "-DFAKE_OPERATORS=130")
    return (
        _application("app", 60, small, (*_WRAPPED, "ppg_model_push")),
        _application("app-wide", 20, wide, _WRAPPED),
        Target("codec", 20, (_HARNESS / "target_codec.c",), tuple(sorted(_PROTOCOL.glob("*.c")))),
    )


def build(target: Target, folder: Path, instrumentation: tuple[str, ...] = SANITIZERS) -> Path:
    """The program of `target`, with `instrumentation` for the code under test and for the harness.

    Raises:
        CannotBuildError: see there.
    """
    compiler = shutil.which("gcc")
    if compiler is None:
        raise CannotBuildError("gcc is not installed")
    includes = [f"-I{each}" for each in (_HARNESS, _FAKES, _PROTOCOL, _APP, _CHECKOUT / "firmware" / "bsp")]
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / target.name
    command = [compiler, *_OPTIONS, *instrumentation, *includes, *target.options]
    sources = [*target.sources, *target.tested, *_DRIVER, *_FORMAT]
    # The driver needs the sanitizers' run-time library, so coverage builds have them too.
    finished = subprocess.run(
        [*command, *map(str, sources), "-o", str(program)],
        cwd=folder, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    if finished.returncode != 0:
        raise CannotBuildError(finished.stderr)
    return program

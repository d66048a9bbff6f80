"""The firmware's application and protocol as host programs that can be fuzzed."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[2]
_HARNESS = Path(__file__).parent / "firmware"
_FAKES = _CHECKOUT / "tests" / "host_c" / "app"
_APP = _CHECKOUT / "firmware" / "app"
_PROTOCOL = _CHECKOUT / "firmware" / "protocol"
_EEMBC = _CHECKOUT / "firmware" / "eembc"
_COMMON = _CHECKOUT / "firmware" / "bsp" / "common"
_OPTIONS = ["-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion"]
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
_COVERAGE = ("--coverage", "-O0")
_COVERAGE_INPUTS = 20_000
_WRAPPED = (
    "ppg_bsp_uart_write", "ppg_bsp_reset", "ppg_bsp_restart_cause", "ppg_bsp_last_fault", "fake_board_crash",
    "ppg_model_init", "ppg_model_run", "ppg_model_run_profiled",
)  # fmt: skip
_FAKE_BOARD = (_FAKES / "fake_bsp.c", _FAKES / "fake_model.c")
_TOOLS = (_HARNESS / "mutate.c", _HARNESS / "program.c", _HARNESS / "reference.c")


class CannotBuildError(Exception):
    """gcc is absent or refuses the sources; the message is its own."""


@dataclass(frozen=True)
class Target:
    """One program to fuzz, from the corpus of the folder `corpus`.

    `share` of the executions of a campaign are its own, in percent. `entry` holds LLVMFuzzerTestOneInput; with `tested`
    it is compiled with the sanitizers, `plain` without them, because it is not under test and has to be fast.
    """

    name: str
    share: int
    corpus: str
    entry: Path
    tested: tuple[Path, ...]
    plain: tuple[Path, ...] = ()
    options: tuple[str, ...] = ()


def _application(name: str, share: int, defines: tuple[str, ...], wrapped: tuple[str, ...]) -> Target:
    return Target(
        name=name,
        share=share,
        corpus="protocol",
        entry=_HARNESS / "target_app.c",
        plain=(_HARNESS / "shadow.c", _HARNESS / "shadow_model.c", *_FAKE_BOARD),
        tested=(*sorted(_APP.glob("ppg_*.c")), *sorted(_PROTOCOL.glob("*.c"))),
        options=(*defines, *_wrapping(*wrapped)),
    )


def _wrapping(*symbols: str) -> tuple[str, ...]:
    return tuple(f"-Wl,--wrap={symbol}" for symbol in symbols)


def targets() -> tuple[Target, ...]:
    """Every program.

    The application with a small sliding model, and as --power builds it, with a model whose output and profile need
    several replies; the codec alone; the receive ring; the text commands of the EEMBC dialect.
    """
    small = ("-DFAKE_INPUT_BYTES=64", "-DFAKE_OUTPUT_BYTES=16", "-DFAKE_OPERATORS=5")
    wide = ("-DFAKE_INPUT_BYTES=8", "-DFAKE_OUTPUT_BYTES=530", "-DFAKE_OPERATORS=130", "-DPPG_POWER_RUN")
    return (
        _application("app", 50, (*small, "-DFAKE_HOP=8"), (*_WRAPPED, "ppg_model_push")),
        _application("app-wide", 12, wide, _WRAPPED),
        Target("codec", 20, "protocol", _HARNESS / "target_codec.c", tuple(sorted(_PROTOCOL.glob("*.c")))),
        Target("ring", 2, "protocol", _HARNESS / "target_ring.c", (_COMMON / "ppg_receive_ring.c",)),
        Target(
            "eembc",
            16,
            "eembc",
            _HARNESS / "target_eembc.c",
            tuple(sorted(_EEMBC.glob("*.c"))),
            _FAKE_BOARD,
            (*small, *_wrapping("ppg_bsp_uart_write", "fake_board_crash", "ppg_model_init", "ppg_model_run")),
        ),
    )


def build(target: Target, folder: Path, instrumentation: tuple[str, ...] = SANITIZERS) -> Path:
    """The program of `target`, with `instrumentation` for the code under test.

    Raises:
        CannotBuildError: see there.
    """
    program = folder / target.name
    folder.mkdir(parents=True, exist_ok=True)
    plain = [*target.plain, *_TOOLS]
    objects = [folder / f"{target.name}-{path.stem}.o" for path in plain]
    for path, compiled in zip(plain, objects, strict=True):
        _gcc(folder, *target.options, "-c", path, "-o", compiled)
    # The driver and the entry know the sanitizers' run-time library.
    sources = (target.entry, *target.tested, _HARNESS / "driver.c")
    _gcc(folder, *instrumentation, *target.options, *sources, *objects, "-o", program)
    return program


def _gcc(folder: Path, *arguments: str | Path) -> None:
    compiler = shutil.which("gcc")
    if compiler is None:
        raise CannotBuildError("gcc is not installed")
    folders = (_HARNESS, _FAKES, _PROTOCOL, _APP, _EEMBC, _COMMON, _COMMON.parent)
    command = [compiler, *_OPTIONS, *(f"-I{each}" for each in folders), *map(str, arguments)]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    if finished.returncode != 0:
        raise CannotBuildError(finished.stderr)


def line_coverage(corpus: Path, folder: Path) -> dict[str, str]:
    """Lines that each tested file has and that were reached, as gcov counts them: "93 of 95 (97.9 %)".

    A line counts when any target reaches it.

    Raises:
        CannotBuildError: gcc or gcov is absent, or a program complains.
    """
    gcov = shutil.which("gcov")
    if gcov is None:
        raise CannotBuildError("gcov is not installed")
    lines: dict[str, dict[int, bool]] = {}
    for target in targets():
        place = folder / f"coverage-{target.name}"
        program = build(target, place, (*SANITIZERS, *_COVERAGE))
        seeds = sorted((corpus / target.corpus).glob("*.bin"))
        more = ["fuzz", str(corpus / target.corpus), "0", str(_COVERAGE_INPUTS), str(place / "crash")]
        for arguments in (["play", *map(str, seeds)], more):
            done = subprocess.run([str(program), *arguments], capture_output=True, text=True, timeout=600)
            if done.returncode != 0:
                raise CannotBuildError(done.stderr)
        notes = map(str, place.glob("*.gcno"))
        done = subprocess.run(
            [gcov, "--json-format", "--stdout", *notes], cwd=place, capture_output=True, timeout=60
        )
        wanted = {str(path) for path in target.tested}
        for report in map(json.loads, done.stdout.splitlines()):
            for file in report["files"]:
                if file["file"] in wanted:
                    reached = lines.setdefault(Path(file["file"]).name, {})
                    for line in file["lines"]:
                        number = line["line_number"]
                        reached[number] = reached.get(number, False) or line["count"] > 0
    return {name: _share(reached) for name, reached in sorted(lines.items())}


def _share(reached: dict[int, bool]) -> str:
    missed = [number for number, hit in sorted(reached.items()) if not hit]
    share = 100.0 * (len(reached) - len(missed)) / len(reached)
    names = f", not {missed}" if missed else ""
    return f"{len(reached) - len(missed)} of {len(reached)} ({share:.1f} %){names}"

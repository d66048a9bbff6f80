"""What went wrong on the device, in terms of its program: function, file and line, and the window it was at."""

from collections.abc import Callable
from dataclasses import dataclass

from ppg_deploy.benching.places import CodePlaces
from ppg_deploy.errors import DeviceError, InputError
from ppg_deploy.ports import CodePlace
from ppg_deploy.wire import FaultError, FaultReport, NoAnswerError
from ppg_deploy.wire.faults import describe, what_happened


@dataclass(frozen=True)
class Scene:
    """What is known about the device.

    Attributes:
        places: names of its addresses.
        board_id: whose board.toml has the size of the stack.
        stack_bytes: reserved for the stack.
        run_limit_ms: of an inference, in ms, after which the firmware reports a hang; 0 for none.
        locate: stops an emulated processor and tells where it was; None on a board.
    """

    places: CodePlaces
    board_id: str
    stack_bytes: int
    run_limit_ms: int
    locate: Callable[[], CodePlace | None] | None


def restate(error: DeviceError, scene: Scene, doing: str) -> None:
    """Add to `error` what is known about it.

    Args:
        error: as the wire protocol or the port raised it.
        scene: what it happened on. An emulator is stopped by this when its device did not answer.
        doing: what the bench was at, for example "window 17".
    """
    try:
        if isinstance(error, FaultError):
            message, hint = _fault(error, scene)
        elif isinstance(error, NoAnswerError):
            message, hint = error.message + _whereabouts(scene), None
        else:
            message, hint = error.message, None
    except InputError as unreadable:
        message, hint = f"{error.message} ({unreadable.message})", None
    error.restate(f"{message}; {doing}", hint=hint)


def _fault(error: FaultError, scene: Scene) -> tuple[str, str]:
    report, places = error.report, scene.places
    what = f"{what_happened(report)} {_where(report, places)}"
    match report.kind_name:
        case "stack_overflow":
            return (
                f"{what}: {scene.stack_bytes:,} bytes are reserved for it (from _stack_limit to _estack), "
                f"{describe(report)}",
                f"raise stack_bytes in board.toml of {scene.board_id} and build again; see docs/add-a-board.md",
            )
        case "hang":
            return (
                f"{what}: an inference took longer than {scene.run_limit_ms / 1000:g} s",
                "look for an endless loop there; a slow model needs a higher limit in the firmware",
            )
        case _:
            return (
                f"{what}: {describe(report)}",
                f"look at that line; {report.runs} inferences had begun since the board's start",
            )


def _where(report: FaultReport, places: CodePlaces) -> str:
    caller = places.caller(report.program_counter, report.link_register)
    if report.program_counter:
        return f"in {places.name(report.program_counter)}" + (f", called from {caller}" if caller else "")
    # The frame of the innermost function could not be saved; what it was called by is still on the stack.
    return (
        f"in {caller}, or in what is called there" if caller else "at an address that the core could not save"
    )


def _whereabouts(scene: Scene) -> str:
    if scene.locate is None:
        return ""
    place = scene.locate()
    if place is None:
        return "; the processor waits for input"
    caller = scene.places.caller(place.program_counter, place.link_register)
    called = f", called from {caller}" if caller else ""
    return f"; the processor was in {scene.places.name(place.program_counter)}{called}"

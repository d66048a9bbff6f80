"""Is everything there that building, flashing and emulating need? See docs/doctor.md."""

from collections.abc import Callable, Iterator, Sequence

from ppg_deploy.boards import Board
from ppg_deploy.doctor.compiler import check_gcc, check_gxx, check_newlib
from ppg_deploy.doctor.connected import check_ports, check_probes
from ppg_deploy.doctor.emulators import check_qemu, check_renode, check_unicorn
from ppg_deploy.doctor.finding import Diagnosis, Finding, Level
from ppg_deploy.doctor.flashers import check_flashers
from ppg_deploy.doctor.packages import check_extras
from ppg_deploy.doctor.platformio import check_platformio, check_scons


def _checks(
    board: Board | None, known: Sequence[Board], renode: str | None
) -> Iterator[Callable[[], Finding | tuple[Finding, ...]]]:
    yield check_gcc
    yield check_newlib
    yield check_gxx
    yield check_platformio
    yield check_scons
    yield lambda: check_flashers(board, known)
    yield lambda: check_probes(board, known)
    yield lambda: check_ports(board, known)
    yield check_unicorn
    yield lambda: check_qemu(board, known)
    yield lambda: check_renode(renode, board, known)
    yield check_extras


def diagnose(board: Board | None, known: Sequence[Board], *, renode: str | None = None) -> Diagnosis:
    """Run every check, each call of a program at most 5 s.

    Args:
        board: what is needed for this board becomes an error when missing; None for no board in particular.
        known: all boards, to tell what is plugged in.
        renode: Renode's program; $RENODE or PATH when None.
    """
    findings: list[Finding] = []
    for check in _checks(board, known, renode):
        result = check()
        findings += [result] if isinstance(result, Finding) else result
    return Diagnosis(board=None if board is None else board.id, findings=tuple(findings))


__all__ = ["Diagnosis", "Finding", "Level", "diagnose"]

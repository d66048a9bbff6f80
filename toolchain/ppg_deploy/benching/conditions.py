"""The conditions of a measurement, as board.toml and the board support state them."""

from ppg_deploy.boards import Board
from ppg_deploy.report.conditions import Conditions

_WAIT_STATES = "flash_wait_states"
# What firmware/bsp/<family>/clock.c writes to FLASH_ACR: prefetch, instruction and data cache.
_FLASH_ACCELERATOR = "flash prefetch, instruction cache and data cache on"
_FAMILIES = {"stm32f4": _FLASH_ACCELERATOR, "stm32l4": _FLASH_ACCELERATOR, "stm32wb": _FLASH_ACCELERATOR}


def conditions_of(board: Board) -> Conditions:
    """What the firmware of this board sets before it measures."""
    settings = board.clock.settings
    return Conditions(
        clock_source=board.clock.source,
        clock_settings=dict(settings),
        flash_wait_states=settings.get(_WAIT_STATES),
        caches=_caches(board),
        flash_banks=board.clock.flash_banks,
    )


def _caches(board: Board) -> str:
    if "cortexm7" in board.bsp_folders:  # firmware/bsp/cortexm7/caches.c
        return "the core's instruction and data caches on"
    if "instruction_cache" in board.clock.settings:
        return f"flash instruction cache {'on' if board.clock.settings['instruction_cache'] else 'off'}"
    return _FAMILIES.get(board.family, "not recorded for this family of chips")

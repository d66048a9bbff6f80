"""What must be consistent in the board.toml of an STM32 board: the PLL must make the clock that the board promises."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ClockTree:
    """How firmware/bsp/<family>/clock.c makes the core clock: oscillator / pll_m * pll_n / output.

    `limited` names a setting that must be 1 above a core clock in hertz; `most_wait_states` is what LATENCY of
    FLASH_ACR can hold.
    """

    oscillator_hz: int
    output: str
    settings: tuple[str, ...]
    most_wait_states: int
    limited: tuple[str, int] | None = None


_BUSES = ("apb1_divider", "apb2_divider")

CLOCK_TREES = {
    # RM0351 and RM0432: HSI16; boost of range 1 above 80 MHz, on L4+; LATENCY has 4 bits on L4+
    "stm32l4": ClockTree(
        16_000_000,
        "pll_r",
        ("boost", "flash_wait_states", "pll_m", "pll_n", "pll_r", *_BUSES),
        most_wait_states=15,
        limited=("boost", 80_000_000),
    ),
    # RM0090, RM0383, RM0390: HSI; over-drive above 168 MHz
    "stm32f4": ClockTree(
        16_000_000,
        "pll_p",
        ("voltage_scale", "over_drive", "flash_wait_states", "pll_m", "pll_n", "pll_p", "pll_q", *_BUSES),
        most_wait_states=15,
        limited=("over_drive", 168_000_000),
    ),
    # RM0433: HSI
    "stm32h7": ClockTree(
        64_000_000,
        "pll_p",
        (
            *("voltage_scale", "flash_wait_states", "flash_programming_delay"),
            *("pll_m", "pll_n", "pll_p", "pll_q", "pll_r", "ahb_divider", *_BUSES),
        ),
        most_wait_states=15,
    ),
    # RM0434: HSI16; LATENCY has 3 bits
    "stm32wb": ClockTree(
        16_000_000, "pll_r", ("flash_wait_states", "pll_m", "pll_n", "pll_r", *_BUSES), most_wait_states=7
    ),
}
"""By family; a family of the user's own that is not here is not checked."""


def check_stm32_clock(family: str, *, clock_hz: int, settings: Mapping[str, int]) -> None:
    """Refuse clock settings that do not make `clock_hz`, or that firmware/bsp/<family>/clock.c would miss.

    Args:
        family: the board's family.
        clock_hz: the core clock that the board promises, hertz.
        settings: [clock.settings].

    Raises:
        ValueError: naming the field.
    """
    tree = CLOCK_TREES.get(family)
    if tree is None:
        return
    for name in tree.settings:
        if name not in settings:
            raise ValueError(f"clock.settings.{name}: missing, firmware/bsp/{family}/clock.c needs it")
    for name in (*_BUSES, "pll_m", tree.output):
        if settings[name] == 0:
            raise ValueError(f"clock.settings.{name}: must not be 0")
    if not 0 <= settings["flash_wait_states"] <= tree.most_wait_states:
        raise ValueError(
            f"clock.settings.flash_wait_states: {settings['flash_wait_states']} does not fit into FLASH_ACR, "
            f"whose field holds 0 to {tree.most_wait_states}"
        )
    multiplied = tree.oscillator_hz * settings["pll_n"]
    divided = settings["pll_m"] * settings[tree.output]
    if multiplied != clock_hz * divided:
        raise ValueError(
            f"clock_hz: {clock_hz} differs from what the PLL makes: {tree.oscillator_hz} / pll_m * pll_n / "
            f"{tree.output} = {multiplied / divided:.0f}"
        )
    if tree.limited is not None and clock_hz > tree.limited[1] and not settings[tree.limited[0]]:
        raise ValueError(f"clock.settings.{tree.limited[0]}: must be 1 above {tree.limited[1]} Hz")

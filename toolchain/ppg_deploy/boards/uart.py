"""The console UART: one table for each kind of peripheral, told apart by `peripheral`."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from ppg_deploy.boards.fields import Address, Flag, Table, parse_pin

STM32_USART = "stm32-usart"
NORDIC_UARTE = "nordic-uarte"

NORDIC_BAUD_RATES = (9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 1_000_000)
"""Rates that an nRF52 makes to within 1 %. Its 921600 is really 941176 (nRF52840 product specification,
chapter UARTE, register BAUDRATE)."""


MOST_BAUD_ERROR = 0.02
"""Of the rate: half of what a frame of 10 bits bears, the other half is the host's."""
_LEAST_USART_DIVIDER, _MOST_USART_DIVIDER = 16, 0xFFFF
"""With 16-fold oversampling "USARTDIV must be greater than or equal to 16" (RM0367, USART baud rate generation)."""
_LEAST_LPUART_DIVIDER, _MOST_LPUART_DIVIDER = 0x300, 0xFFFFF
"""Of 256 * clock / baud: LPUART_BRR_MIN and LPUART_BRR_MAX of ST's HAL, as public copies of it have them."""
STM32_DEBUG_PINS = ("PA13", "PA14")
"""SWDIO and SWCLK after reset, in every family (reference manuals, chapter Debug support). As outputs they keep the
probe out (readme of ST's example GPIO_JTAG_Remap)."""


class _CommonUart(Table):
    instance: str
    base: Address
    interrupt: Annotated[int, Field(strict=True, ge=0, lt=240)]
    """Number of its interrupt, counted from the first one behind the core's 16 vectors."""
    tx_pin: str
    rx_pin: str
    baud: Annotated[int, Field(strict=True, ge=1200, le=4_000_000)]
    max_baud: Annotated[int, Field(strict=True, ge=1200, le=4_000_000)] | None = None
    """Fastest rate that everything between the chip and the host takes; left out where nobody has found out."""

    @field_validator("tx_pin", "rx_pin")
    @classmethod
    def _is_a_pin(cls, value: str) -> str:
        parse_pin(value)
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.tx_pin == self.rx_pin:
            raise ValueError(f"tx_pin and rx_pin are both {self.tx_pin}")
        if self.max_baud is not None and self.baud > self.max_baud:
            raise ValueError(f"baud: {self.baud} is more than max_baud")
        return self


class Stm32Usart(_CommonUart):
    """USART or LPUART of an STM32: its clock is switched on and divided, its pins get an alternate function."""

    peripheral: Literal["stm32-usart"] = "stm32-usart"
    enable_offset: Annotated[int, Field(strict=True, ge=0, lt=0x1000)]
    """Offset of the clock-enable register from the clock controller's base."""
    enable_bit: Annotated[int, Field(strict=True, ge=0, le=31)]
    kernel_clock: Literal["pclk1", "pclk2"]
    """Clock that the baud rate is divided from."""
    low_power: Flag = False
    """LPUART: another divider formula."""
    alternate_function: Annotated[int, Field(strict=True, ge=0, le=15)]

    @field_validator("tx_pin", "rx_pin")
    @classmethod
    def _is_an_stm32_pin(cls, value: str) -> str:
        if "." in value:
            raise ValueError(f"{value!r} is not a pin of an STM32, like PA2")
        if value in STM32_DEBUG_PINS:
            raise ValueError(f"{value} is the debug port's, and the probe would lose the chip")
        return value

    def check_baud(self, baud: int, *, clock_hz: int, settings: Mapping[str, int]) -> None:
        """Refuse a rate that firmware/bsp/stm32 cannot set.

        Args:
            baud: the rate, bit/s.
            clock_hz: core clock, hertz.
            settings: [clock.settings]; buses without a divider there run with the core.

        Raises:
            ValueError: the divider has no value for it, or it is more than 2 % off.
        """
        bus = "apb1_divider" if self.kernel_clock == "pclk1" else "apb2_divider"
        scaled = (
            clock_hz / settings.get("ahb_divider", 1) / settings.get(bus, 1) * (256 if self.low_power else 1)
        )
        divider = int(scaled / baud + 0.5)
        least, most = (
            (_LEAST_LPUART_DIVIDER, _MOST_LPUART_DIVIDER)
            if self.low_power
            else (_LEAST_USART_DIVIDER, _MOST_USART_DIVIDER)
        )
        if not least <= divider <= most:
            raise ValueError(f"the divider of {self.instance} has no value for {baud} baud")
        made = scaled / divider
        if abs(made - baud) > MOST_BAUD_ERROR * baud:
            raise ValueError(
                f"{self.instance} makes {made:.0f} instead of {baud} baud, more than {MOST_BAUD_ERROR:.0%} apart"
            )


class NordicUarte(_CommonUart):
    """UARTE of an nRF52: always clocked with 16 MHz, and any pin can be chosen in the peripheral itself."""

    peripheral: Literal["nordic-uarte"]

    @field_validator("tx_pin", "rx_pin")
    @classmethod
    def _is_a_nordic_pin(cls, value: str) -> str:
        if "." not in value:
            raise ValueError(f"{value!r} is not a pin of an nRF52, like P0.06")
        return value

    @field_validator("baud")
    @classmethod
    def _is_exact_enough(cls, value: int) -> int:
        if value not in NORDIC_BAUD_RATES:
            rates = ", ".join(str(rate) for rate in NORDIC_BAUD_RATES)
            raise ValueError(f"an nRF52 does not make {value} baud to within 1 %; choose one of {rates}")
        return value


def without_kinds(location: Sequence[int | str]) -> list[str]:
    """Where an error lies as the file spells it: pydantic puts the kind that it took [uart] for into the path."""
    return [str(part) for part in location if part not in (STM32_USART, NORDIC_UARTE)]


def _kind(value: Any) -> str:
    """Tables without `peripheral` are from before there were two kinds."""
    if isinstance(value, dict):
        return str(value.get("peripheral", STM32_USART))
    return str(getattr(value, "peripheral", None))


Uart = Annotated[
    Annotated[Stm32Usart, Tag(STM32_USART)] | Annotated[NordicUarte, Tag(NORDIC_UARTE)],
    Discriminator(
        _kind,
        custom_error_type="peripheral",
        custom_error_message=f"peripheral must be {STM32_USART} or {NORDIC_UARTE}",
    ),
]
"""The console UART of a board."""

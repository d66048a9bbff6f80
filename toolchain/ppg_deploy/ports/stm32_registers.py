"""How the registers of each STM32 family answer: the smallest model on which the firmware's start-up succeeds.

A register remembers what was written to it. On top of that, ready bits follow their enable bits, and the few bits
that the hardware sets by itself are set. A new family is one more entry of FAMILIES.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Following:
    """Field of a register that hardware copies from another field: READY follows ON, the clock in use the switch."""

    address: int
    source_bit: int
    target_bit: int
    width_bits: int = 1

    def applied_to(self, value: int) -> int:
        """`value` as the processor reads it."""
        mask = (1 << self.width_bits) - 1
        field = (value >> self.source_bit) & mask
        return (value & ~(mask << self.target_bit)) | (field << self.target_bit)


@dataclass(frozen=True)
class UartLayout:
    """Offsets from the UART's base. The bits used are the same in both generations of the peripheral."""

    status: int
    receive: int
    transmit: int


@dataclass(frozen=True)
class FamilyRegisters:
    """Register behaviour of one family: `always_set` gives bits that read as 1 at an address."""

    uart: UartLayout
    following: tuple[Following, ...]
    always_set: dict[int, int]


UART_RECEIVED = 1 << 5
UART_SENT_AND_CAN_SEND = (1 << 6) | (1 << 7)

# RM0351 (L47x) and RM0432 (L4+): RCC 6.4, USART 40.8.
_STM32L4_RCC = 0x40021000
STM32L4 = FamilyRegisters(
    uart=UartLayout(status=0x1C, receive=0x24, transmit=0x28),
    following=(
        Following(_STM32L4_RCC + 0x00, source_bit=0, target_bit=1),  # MSI
        Following(_STM32L4_RCC + 0x00, source_bit=8, target_bit=10),  # HSI16
        Following(_STM32L4_RCC + 0x00, source_bit=16, target_bit=17),  # HSE
        Following(_STM32L4_RCC + 0x00, source_bit=24, target_bit=25),  # PLL
        Following(_STM32L4_RCC + 0x08, source_bit=0, target_bit=2, width_bits=2),  # SW, SWS
    ),
    always_set={},
)

# RM0090 (F405): RCC 7.3, PWR 5.4.2, USART 30.6.
_STM32F4_RCC = 0x40023800
_STM32F4_PWR_STATUS = 0x40007004
STM32F4 = FamilyRegisters(
    uart=UartLayout(status=0x00, receive=0x04, transmit=0x04),
    following=(
        Following(_STM32F4_RCC + 0x00, source_bit=0, target_bit=1),  # HSI
        Following(_STM32F4_RCC + 0x00, source_bit=16, target_bit=17),  # HSE
        Following(_STM32F4_RCC + 0x00, source_bit=24, target_bit=25),  # PLL
        Following(_STM32F4_RCC + 0x08, source_bit=0, target_bit=2, width_bits=2),  # SW, SWS
    ),
    always_set={_STM32F4_PWR_STATUS: (1 << 14) | (1 << 16) | (1 << 17)},  # VOSRDY; ODRDY, ODSWRDY (F446)
)

FAMILIES: dict[str, FamilyRegisters] = {
    "stm32l4": STM32L4,
    "stm32f4": STM32F4,
}

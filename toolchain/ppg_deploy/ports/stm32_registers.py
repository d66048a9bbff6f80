"""How the registers of each STM32 family answer: the smallest model on which the firmware's start-up succeeds.

A register remembers what was written to it. On top of that, ready bits follow their enable bits, and the few bits
that the hardware sets by itself are set. A new family is one more entry of FAMILIES.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Following:
    """Field of a register that hardware copies from another field: READY follows ON, the clock in use the switch.

    `source_address` is the register that the field is copied from; None for the same register.
    """

    address: int
    source_bit: int
    target_bit: int
    width_bits: int = 1
    source_address: int | None = None

    def applied_to(self, value: int, source: int) -> int:
        """`value` as the processor reads it, when `source` was written to the register copied from."""
        mask = (1 << self.width_bits) - 1
        copied = (source >> self.source_bit) & mask
        return (value & ~(mask << self.target_bit)) | (copied << self.target_bit)


@dataclass(frozen=True)
class UartLayout:
    """Offsets from the UART's base. The bits used are the same in both generations of the peripheral."""

    control: int
    status: int
    receive: int
    transmit: int


@dataclass(frozen=True)
class RestartFlags:
    """The register that tells why the chip restarted: its value after power-on, the flags that a reset asked for by
    software adds to it, and the bit (RMVF) that, written as 1, clears all of `flags`."""

    address: int
    after_power_on: int
    by_software: int
    flags: int
    clear: int


@dataclass(frozen=True)
class FamilyRegisters:
    """Register behaviour of one family.

    `always_set` gives bits that read as 1 at an address, `after_reset` what a register holds before it is written; 0
    where it says nothing.
    """

    uart: UartLayout
    restart: RestartFlags
    following: tuple[Following, ...]
    always_set: dict[int, int]
    after_reset: dict[int, int] = field(default_factory=dict)


UART_RECEIVED = 1 << 5
UART_RECEIVE_INTERRUPT = 1 << 5
UART_SENT_AND_CAN_SEND = (1 << 6) | (1 << 7)

_FIRST_USART = UartLayout(control=0x0C, status=0x00, receive=0x04, transmit=0x04)
_SECOND_USART = UartLayout(control=0x00, status=0x1C, receive=0x24, transmit=0x28)

# RM0351 (L47x) and RM0432 (L4+): RCC 6.4, USART 40.8. PWR_CR5 on L4+ only: normal mode of range 1, no boost.
_STM32L4_RCC = 0x40021000
_STM32L4_PWR_CR1 = 0x40007000
_STM32L4_PWR_CR5 = 0x40007080
STM32L4 = FamilyRegisters(
    uart=_SECOND_USART,
    restart=RestartFlags(  # RCC_CSR; SFTRSTF with PINRSTF, which every internal reset sets by way of NRST
        _STM32L4_RCC + 0x94,
        after_power_on=0x0C000600,
        by_software=0x14000000,
        flags=0xFF000000,
        clear=1 << 23,
    ),
    following=(
        Following(_STM32L4_RCC + 0x00, source_bit=0, target_bit=1),  # MSI
        Following(_STM32L4_RCC + 0x00, source_bit=8, target_bit=10),  # HSI16
        Following(_STM32L4_RCC + 0x00, source_bit=16, target_bit=17),  # HSE
        Following(_STM32L4_RCC + 0x00, source_bit=24, target_bit=25),  # PLL
        Following(_STM32L4_RCC + 0x08, source_bit=0, target_bit=2, width_bits=2),  # SW, SWS
    ),
    always_set={},
    after_reset={_STM32L4_RCC: 0x63, _STM32L4_PWR_CR1: 0x200, _STM32L4_PWR_CR5: 0x100},
)

# RM0090 (F405), RM0383 (F411), RM0390 (F446): RCC 7.3, PWR 5.4.2, USART 30.6. Over-drive on F446 only.
_STM32F4_RCC = 0x40023800
_STM32F4_PWR_CONTROL = 0x40007000
_STM32F4_PWR_STATUS = 0x40007004
STM32F4 = FamilyRegisters(
    uart=_FIRST_USART,
    restart=RestartFlags(  # RCC_CSR
        _STM32F4_RCC + 0x74,
        after_power_on=0x0E000000,
        by_software=0x14000000,
        flags=0xFE000000,
        clear=1 << 24,
    ),
    following=(
        Following(_STM32F4_RCC + 0x00, source_bit=0, target_bit=1),  # HSI
        Following(_STM32F4_RCC + 0x00, source_bit=16, target_bit=17),  # HSE
        Following(_STM32F4_RCC + 0x00, source_bit=24, target_bit=25),  # PLL
        Following(_STM32F4_RCC + 0x08, source_bit=0, target_bit=2, width_bits=2),  # SW, SWS
        # ODEN and ODSWEN, ODRDY and ODSWRDY
        Following(
            _STM32F4_PWR_STATUS,
            source_bit=16,
            target_bit=16,
            width_bits=2,
            source_address=_STM32F4_PWR_CONTROL,
        ),
    ),
    always_set={_STM32F4_PWR_STATUS: 1 << 14},  # VOSRDY
    after_reset={_STM32F4_RCC: 0x83},
)

# RM0433 (H743): PWR, RCC.
_STM32H7_RCC = 0x58024400
_STM32H7_PWR_CSR1 = 0x58024804
_STM32H7_PWR_D3CR = 0x58024818
STM32H7 = FamilyRegisters(
    uart=_SECOND_USART,
    restart=RestartFlags(  # RCC_RSR: SFTRSTF, PINRSTF, CPURSTF
        _STM32H7_RCC + 0xD0,
        after_power_on=0x00E80000,
        by_software=0x01420000,
        flags=0xFFFE0000,
        clear=1 << 16,
    ),
    following=(
        Following(_STM32H7_RCC + 0x00, source_bit=0, target_bit=2),  # HSI
        Following(_STM32H7_RCC + 0x00, source_bit=7, target_bit=8),  # CSI
        Following(_STM32H7_RCC + 0x00, source_bit=16, target_bit=17),  # HSE
        Following(_STM32H7_RCC + 0x00, source_bit=24, target_bit=25),  # PLL1
        Following(_STM32H7_RCC + 0x10, source_bit=0, target_bit=3, width_bits=3),  # SW, SWS
        # ACTVOS is VOS
        Following(
            _STM32H7_PWR_CSR1, source_bit=14, target_bit=14, width_bits=2, source_address=_STM32H7_PWR_D3CR
        ),
    ),
    always_set={
        _STM32H7_PWR_CSR1: 1 << 13,  # ACTVOSRDY
        _STM32H7_PWR_D3CR: 1 << 13,  # VOSRDY
    },
    after_reset={
        _STM32H7_RCC: 0x1,
        _STM32H7_RCC + 0x2C: 0x01FF0000,  # PLLCFGR: all outputs on
        _STM32H7_PWR_CSR1 + 0x08: 0x6,  # CR3: LDO, not chosen yet
        _STM32H7_PWR_D3CR: 0x4000,  # voltage scale 3
        0x52002000: 0x37,  # FLASH_ACR: 7 wait states
    },
)

# RM0434 (WB55): RCC, FLASH.
_STM32WB_RCC = 0x58000000
STM32WB = FamilyRegisters(
    uart=_SECOND_USART,
    restart=RestartFlags(  # RCC_CSR
        _STM32WB_RCC + 0x94,
        after_power_on=0x0C000000,
        by_software=0x14000000,
        flags=0xFE000000,
        clear=1 << 23,
    ),
    following=(
        Following(_STM32WB_RCC + 0x00, source_bit=0, target_bit=1),  # MSI
        Following(_STM32WB_RCC + 0x00, source_bit=8, target_bit=10),  # HSI16
        Following(_STM32WB_RCC + 0x00, source_bit=16, target_bit=17),  # HSE
        Following(_STM32WB_RCC + 0x00, source_bit=24, target_bit=25),  # PLL
        Following(_STM32WB_RCC + 0x08, source_bit=0, target_bit=2, width_bits=2),  # SW, SWS
    ),
    always_set={
        _STM32WB_RCC + 0x08: 7 << 16,  # HPREF, PPRE1F, PPRE2F: prescalers applied
        _STM32WB_RCC + 0x108: 3 << 16,  # SHDHPREF, C2HPREF
    },
    after_reset={_STM32WB_RCC: 0x61, 0x58004000: 0x600},  # FLASH_ACR: both caches on
)

FAMILIES: dict[str, FamilyRegisters] = {
    "stm32l4": STM32L4,
    "stm32f4": STM32F4,
    "stm32h7": STM32H7,
    "stm32wb": STM32WB,
}

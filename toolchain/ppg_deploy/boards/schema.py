"""What board.toml holds: the facts about a board that rendering, building, flashing and measuring need."""

import itertools
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from ppg_deploy.boards.fields import (
    Address,
    Flag,
    Identifier,
    MemoryName,
    PositiveInt,
    SettingName,
    Table,
    parse_pin,
)
from ppg_deploy.boards.nrf52 import check_nrf52
from ppg_deploy.boards.stm32 import CLOCK_TREES, check_stm32_clock
from ppg_deploy.boards.uart import STM32_DEBUG_PINS, NordicUarte, Stm32Usart, Uart

CORE_VECTORS = 16
"""Entries of the vector table before the chip's own interrupts, the initial stack pointer included."""


class Core(Table):
    """Processor core, in the compiler's words (`-mcpu`, `-mfpu`, `-mfloat-abi`)."""

    cpu: Literal["cortex-m4", "cortex-m7"]
    fpu: Literal["fpv4-sp-d16", "fpv5-sp-d16", "fpv5-d16"]
    float_abi: Literal["hard", "softfp"]
    dsp: Flag
    interrupts: Annotated[int, Field(strict=True, ge=1, le=240)]
    """Interrupt vectors of the chip beyond the 16 of the core."""


class Clock(Table):
    """Core clock: what runs after reset, and the family's own settings to reach `Board.clock_hz`."""

    reset_hz: PositiveInt
    source: str
    flash_banks: str | None = None
    """How the flash is divided and read, where that is the board's and not the image's to choose."""
    settings: dict[SettingName, Annotated[int, Field(strict=True, ge=0, lt=2**32)]]
    """Rendered as `PPG_CLOCK_<NAME>` for firmware/bsp/<family>."""


class MemoryRegion(Table):
    """One contiguous memory, as the linker sees it."""

    name: MemoryName
    kind: Literal["flash", "ram"]
    origin: Address
    size_bytes: PositiveInt


class Flashing(Table):
    """How the image gets onto the chip."""

    default_method: str
    methods: tuple[str, ...]
    openocd_target: str
    pyocd_target: str
    jlink_device: str

    @model_validator(mode="after")
    def _default_is_offered(self) -> Self:
        if self.default_method not in self.methods:
            raise ValueError(f"default_method {self.default_method!r} is not among methods")
        return self


class Usb(Table):
    """USB identity of the board's own serial port, to find it among others."""

    vendor_id: Annotated[int, Field(strict=True, ge=0, le=0xFFFF)]
    product_ids: tuple[Annotated[int, Field(strict=True, ge=0, le=0xFFFF)], ...]


class Bootloader(Table):
    """A program that lies in flash before the image, starts it, and writes it when asked over its own USB port."""

    name: str
    size_bytes: PositiveInt
    """What it occupies, from the start of the chip's flash up to the image."""
    usb: Usb
    """Its serial port, which is not the console."""
    application_usb: Usb | None = None
    """Serial port of applications that enter the bootloader when it is opened at 1200 baud."""


class Power(Table):
    """Run-mode supply figures, an overridable default for energy estimates."""

    supply_v: Annotated[float, Field(strict=True, gt=0, le=6)]
    run_current_ma: Annotated[float, Field(strict=True, gt=0)]
    conditions: str
    source: str
    verified: Flag


class Gate(Table):
    """An output of the chip that is high during the inferences of a power run, for an instrument's digital input."""

    pin: str
    connector: str
    """Where the pin is on the board."""

    @field_validator("pin")
    @classmethod
    def _is_a_pin(cls, value: str) -> str:
        parse_pin(value)
        return value


class UnicornEmulator(Table):
    """Model of this package that unicorn runs with."""

    model: Identifier
    timing_model: Identifier | None = None
    """Estimates cycles of counted inferences; the core's own model when left out."""


class QemuEmulator(Table):
    """QEMU's own model of the board."""

    machine: str
    serial: Annotated[int, Field(strict=True, ge=0, le=7)]
    """Index of the `-serial` option that is the console UART."""
    systick_hz: PositiveInt


class RenodeEmulator(Table):
    """The board's own description for Renode, renode.repl in the board's folder."""

    uart: Identifier
    """Name of the console UART in renode.repl."""


class Emulators(Table):
    """Emulators that can run this board's image; one left out cannot."""

    unicorn: UnicornEmulator | None = None
    qemu: QemuEmulator | None = None
    renode: RenodeEmulator | None = None


class Board(Table):
    """One board. Sizes in bytes, frequencies in hertz, addresses as the core sees them."""

    schema_version: Literal[1] = Field(alias="schema")
    id: Identifier
    aliases: tuple[Identifier, ...] = ()
    name: str
    vendor: str
    url: str
    mcu: Identifier
    family: Identifier
    bsp_folders: tuple[Identifier, ...]
    """Folders of firmware/bsp that this board's image is built from."""
    clock_hz: PositiveInt
    stack_bytes: Annotated[int, Field(strict=True, ge=1024, multiple_of=8)] = 4096
    run_limit_ms: Annotated[int, Field(strict=True, ge=1, le=3_600_000)] = 20_000
    """An inference that takes longer is reported as a hang, milliseconds."""
    core: Core
    clock: Clock
    memory: tuple[MemoryRegion, ...]
    uart: Uart
    flashing: Flashing
    usb: Usb | None = None
    bootloader: Bootloader | None = None
    gate: Gate | None = None
    """None: power runs cannot be cut by a digital input."""
    power: Power | None = None
    """None: no energy is estimated."""
    emulators: Emulators = Emulators()

    @model_validator(mode="after")
    def _memory_is_usable(self) -> Self:
        kinds = [region.kind for region in self.memory]
        for kind in ("flash", "ram"):
            if kind not in kinds:
                raise ValueError(f"memory: no region of kind {kind!r}")
        names = [region.name for region in self.memory]
        if len(set(names)) != len(names):
            raise ValueError("memory: two regions have the same name")
        if self.stack_bytes >= self.data_memory.size_bytes:
            raise ValueError(f"stack_bytes: larger than {self.data_memory.name}")
        ordered = sorted(self.memory, key=lambda region: region.origin)
        for lower, upper in itertools.pairwise(ordered):
            if lower.origin + lower.size_bytes > upper.origin:
                raise ValueError(f"memory: {lower.name} and {upper.name} overlap")
        return self

    @model_validator(mode="after")
    def _vector_table_is_aligned(self) -> Self:
        # ARMv7-M ARM, B3.2.5: aligned to the number of vectors, rounded up to a power of two, times 4 bytes.
        alignment = 4 << (self.core.interrupts + CORE_VECTORS - 1).bit_length()
        if self.code_memory.origin % alignment:
            raise ValueError(f"memory: {self.code_memory.name} must begin at a multiple of {alignment} bytes")
        return self

    @model_validator(mode="after")
    def _uart_has_a_vector(self) -> Self:
        if self.uart.interrupt >= self.core.interrupts:
            raise ValueError(
                f"uart.interrupt: {self.uart.interrupt}, but core.interrupts gives the chip {self.core.interrupts}"
            )
        return self

    @model_validator(mode="after")
    def _is_a_nordic_board_throughout(self) -> Self:
        is_nordic = self.family == "nrf52"
        if isinstance(self.uart, NordicUarte) != is_nordic:
            raise ValueError(
                f"uart.peripheral: {self.uart.peripheral!r} is not what family {self.family!r} has"
            )
        if is_nordic:
            check_nrf52(
                mcu=self.mcu,
                pins=(self.uart.tx_pin, self.uart.rx_pin, *(() if self.gate is None else (self.gate.pin,))),
                clock_settings=frozenset(self.clock.settings),
                image_origin=self.code_memory.origin,
                bootloader_bytes=self.bootloader.size_bytes if self.bootloader else 0,
            )
        return self

    @model_validator(mode="after")
    def _gate_is_a_pin_of_its_own(self) -> Self:
        if self.gate is not None:
            if ("." in self.gate.pin) != (self.family == "nrf52"):
                raise ValueError(f"gate.pin: a chip of family {self.family!r} has no pin {self.gate.pin}")
            if self.gate.pin in STM32_DEBUG_PINS:
                raise ValueError(
                    f"gate.pin: {self.gate.pin} is the debug port's, and the probe would lose the chip"
                )
            if self.gate.pin in (self.uart.tx_pin, self.uart.rx_pin):
                raise ValueError(f"gate.pin: {self.gate.pin} belongs to the console UART")
        return self

    @model_validator(mode="after")
    def _clock_is_reachable(self) -> Self:
        check_stm32_clock(self.family, clock_hz=self.clock_hz, settings=self.clock.settings)
        # The dividers of a family of the user's own may have other names.
        if self.family in CLOCK_TREES and isinstance(self.uart, Stm32Usart):
            try:
                self.uart.check_baud(self.uart.baud, clock_hz=self.clock_hz, settings=self.clock.settings)
            except ValueError as error:
                raise ValueError(f"uart.baud: {error}") from error
        return self

    @property
    def code_memory(self) -> MemoryRegion:
        """The flash region that holds the image: the first one."""
        return next(region for region in self.memory if region.kind == "flash")

    @property
    def data_memory(self) -> MemoryRegion:
        """The RAM region that holds data, arena and stack: the first one."""
        return next(region for region in self.memory if region.kind == "ram")

    @property
    def platformio_id(self) -> str:
        """The id as PlatformIO's environments and board files spell it."""
        return self.id.replace("-", "_")

    def names(self) -> tuple[str, ...]:
        """Every name this board answers to."""
        return (self.id, *self.aliases)

    def facts(self) -> dict[str, Any]:
        """The contents of board.toml as plain values, for records and hashes."""
        return self.model_dump(mode="json", by_alias=True)

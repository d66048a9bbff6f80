"""What board.toml holds: the facts about a board that rendering, building, flashing and measuring need."""

import itertools
import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
MemoryName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")]
SettingName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Address = Annotated[int, Field(ge=0, lt=2**32)]
PositiveInt = Annotated[int, Field(gt=0, lt=2**32)]

_STM32_PIN = re.compile(r"^P([A-K])(\d{1,2})$")
_NRF_PIN = re.compile(r"^P([01])\.(\d{2})$")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Core(_Table):
    """Processor core, in the compiler's words (`-mcpu`, `-mfpu`, `-mfloat-abi`)."""

    cpu: Literal["cortex-m4", "cortex-m7"]
    fpu: Literal["fpv4-sp-d16", "fpv5-sp-d16", "fpv5-d16"]
    float_abi: Literal["hard", "softfp"]
    dsp: bool
    interrupts: Annotated[int, Field(ge=1, le=240)]
    """Interrupt vectors of the chip beyond the 16 of the core."""


class Clock(_Table):
    """Core clock: what runs after reset, and the family's own settings to reach `Board.clock_hz`."""

    reset_hz: PositiveInt
    source: str
    settings: dict[SettingName, Annotated[int, Field(ge=0, lt=2**32)]]
    """Rendered as `PPG_CLOCK_<NAME>` for firmware/bsp/<family>."""


class MemoryRegion(_Table):
    """One contiguous memory, as the linker sees it."""

    name: MemoryName
    kind: Literal["flash", "ram"]
    origin: Address
    size_bytes: PositiveInt


class Pin(_Table):
    """A chip pin: port number (A or P0 is 0) and number within the port."""

    port: int
    number: int


def parse_pin(text: str) -> Pin:
    """Pin of an STM32 name ("PA2") or a Nordic one ("P0.06").

    Raises:
        ValueError: the name is neither.
    """
    if match := _STM32_PIN.match(text):
        port, limit = ord(match[1]) - ord("A"), 16
    elif match := _NRF_PIN.match(text):
        port, limit = int(match[1]), 32
    else:
        raise ValueError(f"{text!r} is not a pin name like PA2 or P0.06")
    if int(match[2]) >= limit:
        raise ValueError(f"{text!r}: a port has pins 0 to {limit - 1}")
    return Pin(port=port, number=int(match[2]))


class Uart(_Table):
    """The console UART. Boards whose UART needs no clock enable, divider or pin function leave those out."""

    instance: str
    base: Address
    enable_offset: Annotated[int, Field(ge=0, lt=0x1000)] | None = None
    """Offset of the clock-enable register from the clock controller's base."""
    enable_bit: Annotated[int, Field(ge=0, le=31)] | None = None
    kernel_clock: Literal["pclk1", "pclk2"] | None = None
    """Clock that the baud rate is divided from."""
    low_power: bool = False
    """STM32 LPUART: another divider formula."""
    tx_pin: str
    rx_pin: str
    alternate_function: Annotated[int, Field(ge=0, le=15)] | None = None
    baud: Annotated[int, Field(ge=1200, le=4_000_000)]

    @field_validator("tx_pin", "rx_pin")
    @classmethod
    def _is_a_pin(cls, value: str) -> str:
        parse_pin(value)
        return value


class Flashing(_Table):
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


class Usb(_Table):
    """USB identity of the board's own serial port, to find it among others."""

    vendor_id: Annotated[int, Field(ge=0, le=0xFFFF)]
    product_ids: tuple[Annotated[int, Field(ge=0, le=0xFFFF)], ...]


class Power(_Table):
    """Run-mode supply figures, an overridable default for energy estimates."""

    supply_v: Annotated[float, Field(gt=0, le=6)]
    run_current_ma: Annotated[float, Field(gt=0)]
    conditions: str
    source: str
    verified: bool


class UnicornEmulator(_Table):
    """Model of this package that unicorn runs with."""

    model: Identifier
    timing_model: Identifier | None = None
    """Estimates cycles of counted inferences; the core's own model when left out."""


class QemuEmulator(_Table):
    """QEMU's own model of the board."""

    machine: str
    serial: Annotated[int, Field(ge=0, le=7)]
    """Index of the `-serial` option that is the console UART."""
    systick_hz: PositiveInt


class Emulators(_Table):
    """Emulators that can run this board's image; one left out cannot."""

    unicorn: UnicornEmulator | None = None
    qemu: QemuEmulator | None = None


class Board(_Table):
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
    stack_bytes: Annotated[int, Field(ge=1024, multiple_of=8)] = 4096
    core: Core
    clock: Clock
    memory: tuple[MemoryRegion, ...]
    uart: Uart
    flashing: Flashing
    usb: Usb | None = None
    power: Power
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

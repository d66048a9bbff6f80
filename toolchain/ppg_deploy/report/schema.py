"""result.json. Figures name their source: `instructions` are counted exactly, `cycles_estimated` come from a timing
model, `cycles` and `latency_ms` are measured on a board and absent for emulated runs."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from ppg_deploy.report.conditions import Conditions
from ppg_deploy.report.spread import Spread


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BoardFacts(_Part):
    """The board as the device described itself, checked against board.toml."""

    id: str
    mcu: str
    clock_hz: int
    clock_hz_reached: int
    counter: str
    cpuid: str
    problems: tuple[str, ...]


class ModelFacts(_Part):
    """The model that ran."""

    name: str
    sha256: str
    macs: int
    constant_bytes: int
    input_bytes: int
    output_bytes: int
    operators: int
    activations: str = "int8"


class FirmwareFacts(_Part):
    """What was built."""

    build_id: str
    elf_sha256: str
    compiler: str
    platformio: str
    flags: tuple[str, ...]
    kernel_flags: tuple[str, ...]
    optimize: Literal["speed", "balanced", "size"] = "balanced"
    hop: int | None = None
    ram_budget: int | None = None
    library: str | None = None
    """Sources of others in the image: which TFLM, with which kernels."""


class InputFacts(_Part):
    """The windows that were streamed."""

    file: str
    sha256: str
    windows: int
    labelled: bool


class FirstMismatch(_Part):
    """The first window whose bytes differ: where the differing code starts, and its two values."""

    window: int
    byte: int
    expected: int
    answered: int


class Outputs(_Part):
    """Device bytes against the golden reference."""

    golden: str
    compared: int
    mismatched: int
    first_mismatch: FirstMismatch | None


class Accuracy(_Part):
    """Mean absolute error in BPM; null without labels or without a card. `filtered` is after the post-filter.

    `mae_int8` is that of the quantised model on the host, also when its activations are int16.
    """

    mae_float: float | None
    mae_int8: float | None
    mae_device: float | None
    mae_float_filtered: float | None
    mae_int8_filtered: float | None
    mae_device_filtered: float | None
    note: str | None


class Share(_Part):
    """Part of one inference that an operator or a function takes; `macs` is null for functions."""

    name: str
    macs: int | None
    instructions: float | None
    cycles_estimated: float | None
    ticks: float | None


class TimingCalibration(_Part):
    """What a calibrated timing model was fitted to. Its estimates hold for no other chip or clock."""

    chip: str
    clock_hz: int
    leave_one_out_error_percent: float
    fitted_on: str


class Cost(_Part):
    """Cost of one inference. `cycles_estimated` are estimates of `timing_model`, everywhere in this object."""

    instructions: Spread | None
    instructions_source: str | None
    cycles_estimated: Spread | None
    timing_model: str | None
    timing_calibration: TimingCalibration | None = None
    flash_lines: Spread | None = None
    cycles: Spread | None
    latency_ms: Spread | None
    by_operator: tuple[Share, ...]
    by_function: tuple[Share, ...]
    note: str | None


class Sliding(_Part):
    """The same windows as a stream of pushes of `hop` new samples per channel.

    There was an answer for each window; `restarts` of them needed a stream of their own, because the window was not
    the one before it moved on by `hop`. `cost` is that of the other answers, by_operator and macs those of a push.
    """

    hop: int
    macs: int
    kept_bytes: int
    answers: int
    restarts: int
    outputs: Outputs
    cost: Cost


class MemoryPart(_Part):
    """Flash and RAM of one part of the firmware."""

    name: str
    flash: int
    ram: int


class Memory(_Part):
    """Bytes. `ram_static` holds everything reserved but the stack; `arena` excludes the caller's input and output."""

    arena: int
    stack_high_water: int
    stack_reserved: int
    flash: int
    flash_constants: int
    flash_code: int
    ram_static: int
    flash_limit: int
    ram_limit: int
    by_part: tuple[MemoryPart, ...]


class Report(_Part):
    """The whole file."""

    schema_version: Literal[1] = 1
    created: str
    board: str
    emulator: str | None
    port: str
    runtime: str
    device: BoardFacts
    conditions: Conditions | None = None
    """Null in results of versions that did not record them."""
    model: ModelFacts
    firmware: FirmwareFacts
    input: InputFacts
    resumed_windows: int = 0
    """Windows whose answers an interrupted bench had left."""
    outputs: Outputs
    accuracy: Accuracy
    cost: Cost
    sliding: Sliding | None = None
    memory: Memory
    link: dict[str, int]
    tool_versions: dict[str, str]

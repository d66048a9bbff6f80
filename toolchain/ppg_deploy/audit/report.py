"""Schema of inspect.json."""

from enum import Enum
from typing import Literal

from pydantic import BaseModel, ConfigDict

FILE_NAME = "inspect.json"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Severity(Enum):
    """What a finding means: it cannot run or answers wrongly; it costs something; good to know."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Finding(_Record):
    """One thing that the audit noticed. `code` is stable; docs/inspect.md lists all of them."""

    severity: Severity
    code: str
    message: str
    hint: str
    operator: int | None = None
    tensor: str | None = None


class PortFacts(_Record):
    """An input or output of the model."""

    name: str
    type: str
    shape: tuple[int, ...]
    scale: float | None
    zero_point: int | None


class OperatorRow(_Record):
    """One operator. `in_tflm`: TFLM has an int8 kernel; `in_aot`: our compiler knows the kind."""

    index: int
    kind: str
    output: str
    output_shape: tuple[int, ...]
    macs: int
    constant_bytes: int
    in_tflm: bool
    in_aot: bool


class TflmFacts(_Record):
    """How TFLM's interpreter takes the model. Sizes in bytes; None where nothing was measured.

    `arena_host_bytes` is what TFLM allocated on this 64-bit host; `arena_32bit_estimate_bytes` an estimate for
    microcontrollers (docs/inspect.md), without the scratch buffers of CMSIS-NN.
    """

    accepted: bool | None
    reason: str | None
    version: str | None
    arena_host_bytes: int | None
    arena_tensors_bytes: int | None
    arena_32bit_estimate_bytes: int | None


class AotFacts(_Record):
    """How `ppg-deploy build` takes the model. Sizes in bytes."""

    accepted: bool
    reason: str | None
    arena_bytes: int | None
    constant_bytes: int | None


class BoardFit(_Record):
    """Estimated need of an image with one runtime against one board. Bytes."""

    board: str
    runtime: Literal["aot", "tflm"]
    flash_bytes: int
    flash_limit_bytes: int
    ram_bytes: int
    ram_limit_bytes: int
    fits: bool


class AuditReport(_Record):
    """The whole file."""

    schema_version: Literal[1] = 1
    path: str
    sha256: str
    model_bytes: int
    subgraphs: int
    inputs: tuple[PortFacts, ...]
    outputs: tuple[PortFacts, ...]
    macs: int
    constant_bytes: int
    operators: tuple[OperatorRow, ...]
    tflm: TflmFacts
    aot: AotFacts
    boards: tuple[BoardFit, ...]
    assumptions: tuple[str, ...]
    findings: tuple[Finding, ...]

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        """Findings of one severity."""
        return tuple(finding for finding in self.findings if finding.severity is severity)

    @property
    def verdict(self) -> Literal["pass", "warn", "fail"]:
        """fail with any error, warn with any warning."""
        if self.of(Severity.ERROR):
            return "fail"
        return "warn" if self.of(Severity.WARNING) else "pass"

"""What every current meter offers, whatever it speaks: settings in, samples with their losses out."""

from dataclasses import dataclass
from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

Mode = Literal["source", "ampere"]
"""`source`: the instrument supplies the board. `ampere`: another supply does, through the instrument."""


@dataclass(frozen=True)
class Identity:
    """What an instrument says of itself, and what it can do.

    Attributes:
        name: kind of instrument.
        details: serial number, firmware, calibration, as far as it tells; for reports.
        digital_inputs: how many inputs it samples together with the current.
        max_current_a: more than this it cannot measure.
    """

    name: str
    details: str
    digital_inputs: int
    max_current_a: float


@dataclass(frozen=True)
class Setting:
    """How to measure. `voltage_v` is what the instrument supplies, or in mode `ampere` what the other supply does."""

    voltage_v: float
    mode: Mode = "source"


@dataclass(frozen=True)
class Samples:
    """Samples in a row. Frozen; nobody writes into the arrays.

    Attributes:
        sample_hz: samples per second of the instrument's clock.
        index: (N,) number of each sample since the start, lost ones counted: where it jumps, samples were lost.
        current_a: (N,) current in A.
        digital: (N,) digital inputs: bit k is input k.
        voltage_v: (N,) voltage in V where the instrument measures it; else None.
    """

    sample_hz: float
    index: NDArray[np.int64]
    current_a: NDArray[np.float64]
    digital: NDArray[np.uint8]
    voltage_v: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.index)

    @property
    def time_s(self) -> NDArray[np.float64]:
        """(N,) time since the first sample of the run, in s."""
        return self.index / self.sample_hz

    @property
    def lost(self) -> int:
        """Samples lost between the first and the last one here, and before the first of the run."""
        return int(self.index[-1]) + 1 - len(self.index) if len(self.index) else 0

    @classmethod
    def none(cls, sample_hz: float) -> Self:
        """Not one sample."""
        return cls(sample_hz, np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.uint8))

    @classmethod
    def joined(cls, chunks: "list[Samples]", sample_hz: float) -> Self:
        """Chunks of one run in their order."""
        if not chunks:
            return cls.none(sample_hz)
        voltages = [chunk.voltage_v for chunk in chunks if chunk.voltage_v is not None]
        return cls(
            sample_hz,
            np.concatenate([chunk.index for chunk in chunks]),
            np.concatenate([chunk.current_a for chunk in chunks]),
            np.concatenate([chunk.digital for chunk in chunks]),
            np.concatenate(voltages) if len(voltages) == len(chunks) else None,
        )


class Instrument(Protocol):
    """An open instrument. Not safe for use from several threads.

    Order of calls: `identify`, `configure`, `power`, `start`, `read` as often as needed, `stop`, `close`. Every call
    comes back within a few seconds and raises DeviceError when the instrument is gone, silent, or answers nonsense;
    InputError when a setting is beyond it.
    """

    @property
    def sample_hz(self) -> float:
        """Samples per second."""
        ...

    @property
    def loss_check(self) -> str:
        """How lost samples are noticed, for the report."""
        ...

    def identify(self) -> Identity:
        """Ask what it is; brings it into a known state, whatever it did before."""
        ...

    def configure(self, setting: Setting) -> None:
        """Voltage and mode."""
        ...

    def power(self, *, on: bool) -> None:
        """Connect the board to its supply, or disconnect it."""
        ...

    def start(self) -> None:
        """Begin a run: samples flow, and have to be fetched by `read` at least every 50 ms or so."""
        ...

    def read(self, timeout_s: float) -> Samples:
        """What came since the last call; waits up to `timeout_s` for the first sample, and may return none."""
        ...

    def stop(self) -> Samples:
        """End the run; what was still on its way."""
        ...

    def close(self) -> None:
        """Leave the instrument as it was found and release it. Never raises; may be called twice."""
        ...

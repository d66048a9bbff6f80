"""A current over time that is known by construction, for simulated instruments to report."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class KnownTrace:
    """`lead` seconds asleep, then `bursts` times: gate high, awake, asleep. Currents in A.

    `gates_a` holds the current of each gate; digital input `bit` is high in gates.
    """

    gates_a: tuple[float, ...]
    gate_s: float = 0.02
    awake_a: float = 0.003
    awake_s: float = 0.01
    sleep_a: float = 0.0008
    sleep_s: float = 0.02
    lead_s: float = 0.05
    bit: int = 0
    clock: float = 1.0
    """The board's seconds per second of the instrument."""

    @property
    def period_s(self) -> float:
        return self.gate_s + self.awake_s + self.sleep_s

    def at(self, time_s: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
        """Current and digital inputs at times of the instrument."""
        since = (time_s - self.lead_s) * self.clock
        burst = np.floor(since / self.period_s).astype(np.int64)
        within = since - burst * self.period_s
        runs = (burst >= 0) & (burst < len(self.gates_a))
        high = runs & (within < self.gate_s)
        awake = runs & ~high & (within < self.gate_s + self.awake_s)
        current = np.where(awake, self.awake_a, self.sleep_a)
        gates = np.array(self.gates_a)[np.clip(burst, 0, len(self.gates_a) - 1)]
        return np.where(high, gates, current), (high.astype(np.uint8) << self.bit).astype(np.uint8)

"""energy.npz: the supply current over time and the inferences in it. Only a bench with an instrument writes it."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.errors import InputError

Floats = NDArray[np.float64]
TRACE_NAME = "energy.npz"


@dataclass(frozen=True)
class EnergyTrace:
    """Measured current.

    Attributes:
        time_s: (M,) rising, seconds since the start of the trace.
        current_a: (M,) supply current, amperes.
        gates_s: (G, 2) start and end of each inference, seconds on the same clock.
        supply_v: supply voltage, volts.
        instrument: what measured.
        gates_by: how the gates were found: "digital input" or "time alignment".
    """

    time_s: Floats
    current_a: Floats
    gates_s: Floats
    supply_v: float
    instrument: str
    gates_by: str

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Contents of the file."""
        return {
            "time_s": self.time_s,
            "current_a": self.current_a,
            "gates_s": self.gates_s,
            "supply_v": np.float64(self.supply_v).reshape(()),
            "instrument": np.array(self.instrument),
            "gates_by": np.array(self.gates_by),
        }


def read_trace(path: Path) -> EnergyTrace:
    """Read energy.npz.

    Raises:
        InputError: it cannot be read, or an array is missing or misshapen.
    """
    hint = "docs/results.md says what the file holds"
    try:
        with np.load(path, allow_pickle=False) as archive:
            trace = EnergyTrace(
                time_s=archive["time_s"].astype(np.float64),
                current_a=archive["current_a"].astype(np.float64),
                gates_s=archive["gates_s"].astype(np.float64).reshape(-1, 2),
                supply_v=float(archive["supply_v"]),
                instrument=str(archive["instrument"]),
                gates_by=str(archive["gates_by"]),
            )
    except (OSError, ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is not an energy trace: {error}", hint=hint) from error
    if trace.time_s.ndim != 1 or trace.time_s.shape != trace.current_a.shape or len(trace.time_s) < 2:
        raise InputError(f"{path}: time_s and current_a must be of one length, two or more", hint=hint)
    return trace

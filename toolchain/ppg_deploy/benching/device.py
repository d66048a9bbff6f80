"""What every measurement on a device needs."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ppg_deploy.graph.quantized_reference import Codes


@dataclass
class Position:
    """What the bench is at, for messages."""

    doing: str = "connecting"


# Called with (windows done, windows in all).
Progress = Callable[[int, int], None]


def counted_rows(rows: int, count: int) -> frozenset[int]:
    """Rows to count: the first, the others spread evenly."""
    return frozenset(np.linspace(0, rows - 1, min(count, rows)).round().astype(int).tolist())


def to_wire(codes: Codes) -> bytes:
    """Codes as they are sent: little-endian."""
    return codes.astype(codes.dtype.newbyteorder("<")).tobytes()


def from_wire(data: bytes, dtype: "np.dtype[np.int8] | np.dtype[np.int16]") -> Codes:
    """Received codes in the type that numpy computes with."""
    return np.frombuffer(data, dtype.newbyteorder("<")).astype(dtype)

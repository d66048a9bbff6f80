"""What a timing model is."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ppg_deploy.timing.calibrated import Calibration


class TimingModel(Protocol):
    """Turns executed basic blocks into an estimate of core cycles."""

    @property
    def name(self) -> str:
        """Name and version, recorded with every estimate: another table gets another name."""
        ...

    @property
    def calibration(self) -> "Calibration | None":
        """How to get from core cycles to those of one chip; None for a model of the core alone."""
        ...

    def cycles(self, address: int, code: bytes, next_address: int) -> int:
        """Core cycles of one execution of the block `code` at `address` that was followed by the one at `next_address`.

        Raises:
            InternalError: `code` holds an instruction that the model has no cost for.
        """
        ...

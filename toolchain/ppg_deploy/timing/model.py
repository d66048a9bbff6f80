"""What a timing model is."""

from typing import Protocol


class TimingModel(Protocol):
    """Turns executed basic blocks into an estimate of core cycles."""

    @property
    def name(self) -> str:
        """Name and version, recorded with every estimate: another table gets another name."""
        ...

    def cycles(self, address: int, code: bytes, next_address: int) -> int:
        """Cycles of one execution of the block `code` at `address` that was followed by the one at `next_address`.

        Raises:
            InternalError: `code` holds an instruction that the model has no cost for.
        """
        ...

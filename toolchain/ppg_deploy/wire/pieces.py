"""How large the pieces are in which an input is sent: the longer a frame, the likelier a bad line loses it."""

from ppg_deploy.wire import table

_LARGEST_BYTES = table.MAX_DATA - table.LOAD_INPUT.request.min_bytes
_LEAST_BYTES = 64
_CLEAN_PIECES = 16
"""After so many pieces without a repetition, larger ones are tried again."""


class PieceSize:
    """`bytes` of the next piece."""

    def __init__(self) -> None:
        self.bytes = _LARGEST_BYTES
        self._clean = 0

    @property
    def is_least(self) -> bool:
        """Whether there are no smaller ones."""
        return self.bytes <= _LEAST_BYTES

    def note(self, *, repeated: bool) -> None:
        """Learn from a piece that has arrived at once, or late or not at all (`repeated`)."""
        if repeated:
            self.bytes, self._clean = max(self.bytes // 2, _LEAST_BYTES), 0
            return
        self._clean += 1
        if self._clean == _CLEAN_PIECES:
            self.bytes, self._clean = min(2 * self.bytes, _LARGEST_BYTES), 0

"""What a network answers for a batch, and what losses may look at besides."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Answers:
    """Answers of a student or a teacher for N windows.

    Attributes:
        output: (N, 180) logits, or (N, 1) heart rates in BPM.
        hidden: (N, H) what the last dense layer reads.
        features: (N, C, ...) output of the layer chosen for feature distillation; None when no loss wants it.
    """

    output: Tensor
    hidden: Tensor
    features: Tensor | None = None

    @property
    def classes(self) -> bool:
        """True for logits, False for heart rates."""
        return int(self.output.shape[1]) > 1

    def rows(self, rows: Tensor) -> "Answers":
        """The answers for some of the windows."""
        return Answers(
            self.output[rows], self.hidden[rows], None if self.features is None else self.features[rows]
        )

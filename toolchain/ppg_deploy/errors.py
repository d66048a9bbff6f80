"""One exception tree, sorted by whose fault it is. The command line turns each branch into an exit code."""


class PpgDeployError(Exception):
    """Base of every error this package raises on purpose.

    Args:
        message: what went wrong, naming the file and the field.
        hint: what the user can do about it.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def restate(self, message: str, *, hint: str | None = None) -> None:
        """Say it in other words, once more is known; what kind of error it is, and its cause, stay as they are."""
        self.args = (message,)
        self.message = message
        self.hint = hint or self.hint


class InputError(PpgDeployError):
    """The user's file, option or data is wrong: fixing it is up to the user."""

    exit_code = 2


class UnsupportedModelError(InputError):
    """The model is valid but holds something that cannot be converted, quantised or compiled."""


class EnvironmentProblem(PpgDeployError):
    """A tool, package or permission is missing on this machine."""

    exit_code = 3


class DoesNotFitError(PpgDeployError):
    """The firmware needs more flash or RAM than the board has."""

    exit_code = 4


class DeviceError(PpgDeployError):
    """The board, emulator or serial line did not answer, or answered nonsense."""

    exit_code = 5


class OutputMismatchError(PpgDeployError):
    """The device's output bytes differ from the golden reference."""

    exit_code = 6


class AccuracyError(PpgDeployError):
    """A numerical check failed: the model is not equivalent to the user's, or int8 costs more accuracy than allowed."""

    exit_code = 7


class AuditError(PpgDeployError):
    """`inspect` or `quantize` found something in a .tflite file that cannot run, or cannot run right."""

    exit_code = 9


class NotComparableError(PpgDeployError):
    """Two results were measured under conditions too different for their figures to stand side by side."""

    exit_code = 11


class PolicyError(PpgDeployError):
    """A comparison broke a threshold of the policy, or the results lack a figure that the policy names."""

    exit_code = 12


class IncompleteSweepError(PpgDeployError):
    """Points of a sweep or study failed; the others are in its result."""

    exit_code = 10


class InternalError(PpgDeployError):
    """A broken invariant of this package: a bug of ours, not of the user."""

    exit_code = 70

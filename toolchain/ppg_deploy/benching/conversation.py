"""One answer a window, from a device that may fail: bounded retries, new sessions, and what stays missing.

A session is open or lost. Any failure but a dead line loses it; the next attempt opens another one first. A window is
tried a few times; when none brought an answer, it is missing. Several missing windows in a row end the conversation.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ppg_deploy.errors import DeviceError
from ppg_deploy.ports import InstructionCounter
from ppg_deploy.wire import Client, LineError, RunResult

TRIES_PER_WINDOW = 3
MOST_MISSING_IN_A_ROW = 3


@dataclass(frozen=True)
class MissingWindow:
    """A window without an answer, and why."""

    window: int
    reason: str


class Conversation:
    """Asks for answers one by one.

    Args:
        client: connected to the device.
        reconnect: opens a new session, in bounded time.
        keep_going: a failure costs a window, not the whole conversation.

    Attributes:
        missing: windows without an answer so far.
        sessions_lost: how often a new session had to be opened.
    """

    def __init__(self, client: Client, *, reconnect: Callable[[], object], keep_going: bool) -> None:
        self.missing: list[MissingWindow] = []
        self.sessions_lost = 0
        self._client = client
        self._reconnect = reconnect
        self._keep_going = keep_going
        self._is_lost = False
        self._missing_in_a_row = 0

    def answer(self, row: int, codes: bytes, counter: InstructionCounter | None = None) -> RunResult | None:
        """The device's answer to window `row`; None when it is missing.

        Args:
            row: number of the window, from 0.
            codes: its bytes.
            counter: armed for the inference, after one that is not counted; None leaves it uncounted. The caller takes
                its result.

        Raises:
            LineError: the line is gone.
            DeviceError: any failure without `keep_going`, and too many missing windows with it.
        """
        failure: DeviceError | None = None
        for _ in range(TRIES_PER_WINDOW):
            try:
                self._open_session()
                self._client.load_input(codes)
                if counter is not None:
                    # A counted inference is so slow that a hang would take minutes to show.
                    self._client.run()
                    counter.arm()
                result = self._client.run()
                if result.status != 0:
                    raise _model_failed(result.status)
            except LineError:
                raise
            except DeviceError as error:
                if not self._keep_going:
                    raise
                self._is_lost, failure = True, error
            else:
                self._missing_in_a_row = 0
                return result
        assert failure is not None
        self._note_missing(row, failure)
        return None

    def load(self, codes: bytes) -> None:
        """Fill the device's input buffer, for requests other than an answer.

        Raises:
            DeviceError: the device does not take it.
        """
        self._open_session()
        self._client.load_input(codes)

    def _open_session(self) -> None:
        if self._is_lost:
            self.sessions_lost += 1
            self._reconnect()
            self._is_lost = False

    def _note_missing(self, row: int, failure: DeviceError) -> None:
        self.missing.append(MissingWindow(row, failure.message))
        self._missing_in_a_row += 1
        if self._missing_in_a_row >= MOST_MISSING_IN_A_ROW:
            failure.restate(
                f"{self._missing_in_a_row} windows in a row have no answer, each tried {TRIES_PER_WINDOW} times; "
                f"at last: {failure.message}"
            )
            raise failure


def _model_failed(status: int) -> DeviceError:
    return DeviceError(
        f"the model failed with the runtime's code {status}",
        hint="build the firmware again; if it persists, report this model",
    )

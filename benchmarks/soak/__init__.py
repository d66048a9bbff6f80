"""Thousands of windows over a line that damages frames, to a board that restarts: `python -m benchmarks.soak`."""

import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.soak.device import SoakDevice
from benchmarks.soak.line import SoakLine, Weather
from ppg_deploy.benching.conversation import Conversation
from ppg_deploy.wire import Client, LinkStatistics

INPUT_BYTES, OUTPUT_BYTES = 600, 4
_CONNECT_S = 10.0
_RESTART_WAIT_S = 1.0
_LARGEST_FIRST_CODE = 125
"""The fake model fails on purpose when the first code is larger."""


@dataclass(frozen=True)
class SoakFigures:
    """What became of the windows.

    Attributes:
        windows: sent.
        right: answered with the bytes that the model has to give.
        wrong: answered with others.
        missing: reported as without an answer.
        sessions: opened anew, after a failure.
        faults: injected, by kind.
        link: as the host counted.
        line_s: simulated time on the line.
        wall_s: time it took, in seconds.
    """

    windows: int
    right: int
    wrong: int
    missing: int
    sessions: int
    faults: Counter[str]
    link: LinkStatistics
    line_s: float
    wall_s: float

    @property
    def silently_lost(self) -> int:
        """Windows that are in none of the three groups."""
        return self.windows - self.right - self.wrong - self.missing


def expected_output(window: bytes) -> bytes:
    """What tests/host_c/app/fake_model.c computes, written down a second time."""
    codes = np.frombuffer(window, np.int8).astype(np.int64)
    places = np.arange(1, len(codes) + 1)
    return bytes(int((codes * (places + i)).sum()) % 256 for i in range(OUTPUT_BYTES))


def run_soak(windows: int, *, seed: int, weather: Weather | None = None) -> SoakFigures:
    """Ask for the answers to `windows` random windows; the same seed gives the same run.

    Raises:
        DeviceError: several windows in a row had no answer: the weather is too bad.
    """
    started = time.monotonic()
    source = random.Random(seed + 1)
    with tempfile.TemporaryDirectory() as folder:
        device = SoakDevice(Path(folder), input_bytes=INPUT_BYTES, output_bytes=OUTPUT_BYTES)
    line = SoakLine(device, seed=seed, weather=weather or Weather())
    client = Client(line, clock=lambda: line.now, random_below=source.randrange)

    def reconnect() -> None:
        client.connect(boot_wait_s=_RESTART_WAIT_S, timeout_s=_CONNECT_S)

    reconnect()
    conversation = Conversation(client, reconnect=reconnect, keep_going=True)
    right = wrong = 0
    for row in range(windows):
        window = bytes([source.randrange(_LARGEST_FIRST_CODE)]) + source.randbytes(INPUT_BYTES - 1)
        answer = conversation.answer(row, window)
        if answer is not None:
            is_right = answer.output == expected_output(window)
            right, wrong = right + is_right, wrong + (not is_right)
    return SoakFigures(
        windows=windows,
        right=right,
        wrong=wrong,
        missing=len(conversation.missing),
        sessions=conversation.sessions_lost,
        faults=line.faults,
        link=client.link,
        line_s=line.now,
        wall_s=time.monotonic() - started,
    )

"""Training data: recordings kept whole, so that every epoch can cut its windows elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.synth import WINDOW_SAMPLES, WindowSet, generate_recording

_HR_BIN_BPM = 10.0


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation of each channel over the training recordings, (4,) float64 each."""

    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    def apply(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 1, 4, 256) sensor units to the same shape without units."""
        return ((x - self.mean[:, None]) / self.std[:, None]).astype(np.float32)


@dataclass(frozen=True)
class TrainingRecordings:
    """Whole recordings of S training subjects.

    Attributes:
        signals: (S, 4, T) float32 in sensor units.
        beats: (S, T + 1) float64 beats since the start of the recording.
    """

    signals: NDArray[np.float32]
    beats: NDArray[np.float64]

    def normalisation(self) -> Normalisation:
        """Statistics over all subjects and samples, rounded to the six digits that the card shows."""
        signals = self.signals.astype(np.float64)
        mean, std = signals.mean(axis=(0, 2)), signals.std(axis=(0, 2))
        return Normalisation(np.round(mean, 6), np.round(std, 6))

    def draw(
        self, rng: np.random.Generator, windows_per_subject: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Windows at random places: x (N, 1, 4, 256) in sensor units and hr (N,) in BPM, in random order."""
        subjects = np.repeat(np.arange(self.signals.shape[0]), windows_per_subject)
        starts = rng.integers(0, self.signals.shape[2] - WINDOW_SAMPLES + 1, subjects.size)
        order = rng.permutation(subjects.size)
        subjects, starts = subjects[order], starts[order]
        samples = starts[:, None] + np.arange(WINDOW_SAMPLES)
        x = self.signals[subjects[:, None, None], np.arange(4)[None, :, None], samples[:, None, :]]
        window_minutes = WINDOW_SAMPLES / 32.0 / 60.0
        hr = (self.beats[subjects, starts + WINDOW_SAMPLES] - self.beats[subjects, starts]) / window_minutes
        return x[:, None], hr.astype(np.float32)


def training_recordings(seeds: Sequence[int], duration_s: float) -> TrainingRecordings:
    """One recording a seed."""
    recordings = [generate_recording(seed, duration_s) for seed in seeds]
    rate_hz = np.stack([recording.hr_bpm for recording in recordings]).astype(np.float64) / 60.0
    beats = np.pad(np.cumsum(rate_hz / 32.0, axis=1), ((0, 0), (1, 0)))
    return TrainingRecordings(np.stack([recording.signal for recording in recordings]), beats)


def spread_over_heart_rate(window_set: WindowSet, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Indices of `count` windows that cover the heart rates present as evenly as they allow, in file order.

    Takes one random window from every 10 BPM bin in turn until there are enough.
    """
    bins = np.floor(window_set.hr / _HR_BIN_BPM).astype(int)
    shuffled = rng.permutation(window_set.hr.size)
    queues = [list(shuffled[bins[shuffled] == number]) for number in np.unique(bins)]
    chosen: list[int] = []
    while len(chosen) < min(count, window_set.hr.size):
        for queue in queues:
            if queue and len(chosen) < count:
                chosen.append(int(queue.pop()))
    return np.array(sorted(chosen), np.intp)

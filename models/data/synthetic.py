"""Generated wearers (models/synth) as recordings: the source that needs no download and has no restriction."""

from collections.abc import Iterator, Sequence

import numpy as np

from models.data.recording import HrOrigin, RawRecording, Units
from models.synth import SAMPLE_RATE_HZ, generate_recording, windows

DATASET = "synth"


def load(seeds: Sequence[int], seconds: float) -> Iterator[RawRecording]:
    """One recording a seed, `synth_<seed>`; the heart rate is the mean instantaneous one over each window.

    Raises:
        InputError: the generator refuses a seed or the duration.
    """
    for seed in seeds:
        generated = generate_recording(seed, seconds)
        yield RawRecording(
            dataset=DATASET,
            subject=f"{DATASET}_{seed}",
            name=f"seed {seed}",
            ppg=generated.signal[:1].astype(np.float64),
            ppg_rate_hz=SAMPLE_RATE_HZ,
            acceleration=generated.signal[1:].astype(np.float64),
            acceleration_rate_hz=SAMPLE_RATE_HZ,
            hr=windows(generated)[1],
            units=Units(ppg="counts of a signed 12-bit converter", acceleration="g"),
            hr_origin=HrOrigin.GENERATED,
        )

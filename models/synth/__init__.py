"""Synthetic wrist PPG and accelerometer recordings with a known heart rate (see docs/synthetic-data.md)."""

from models.synth.activity import Activity, Segment, draw_schedule
from models.synth.recording import (
    CHANNELS,
    SAMPLE_RATE_HZ,
    STRIDE_SAMPLES,
    WINDOW_SAMPLES,
    Recording,
    generate_recording,
    windows,
)
from models.synth.subject import SubjectSettings, draw_subject
from models.synth.windows_file import WindowSet, generate_window_set, save_window_set

__all__ = [
    "CHANNELS",
    "SAMPLE_RATE_HZ",
    "STRIDE_SAMPLES",
    "WINDOW_SAMPLES",
    "Activity",
    "Recording",
    "Segment",
    "SubjectSettings",
    "WindowSet",
    "draw_schedule",
    "draw_subject",
    "generate_recording",
    "generate_window_set",
    "save_window_set",
    "windows",
]

"""Recordings of public data sets and of the generator in one form, windows, and splits (see README.md here)."""

from models.data.cutting import Layout, cut, window_set
from models.data.normalisation import Normalisation, Rule, fit_normalisation
from models.data.processing import BAND_HZ, Processing, Resampling
from models.data.recording import CHANNELS, HrOrigin, Recording, Units, dataset_of
from models.data.sources import SOURCES, Source, generate_recordings, load_recordings
from models.data.splits import (
    Division,
    Split,
    by_parts,
    cross_dataset,
    k_fold,
    leave_one_subject_out,
    pulse_folds,
    subjects_of,
)

__all__ = [
    "BAND_HZ",
    "CHANNELS",
    "SOURCES",
    "Division",
    "HrOrigin",
    "Layout",
    "Normalisation",
    "Processing",
    "Recording",
    "Resampling",
    "Rule",
    "Source",
    "Split",
    "Units",
    "by_parts",
    "cross_dataset",
    "cut",
    "dataset_of",
    "fit_normalisation",
    "generate_recordings",
    "k_fold",
    "leave_one_subject_out",
    "load_recordings",
    "pulse_folds",
    "subjects_of",
    "window_set",
]

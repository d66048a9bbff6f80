"""Command line: python -m models.data SOURCE --folder FOLDER --out windows.npz --rate 32"""

import argparse
import sys
from pathlib import Path

from models.data.cutting import Layout, window_set
from models.data.processing import BAND_HZ, Processing, Resampling
from models.data.recording import CHANNELS, Recording
from models.data.sources import SOURCES, generate_recordings, load_recordings
from models.exit_codes import with_exit_codes
from models.synth import WindowSet, save_window_set
from ppg_deploy.errors import InputError

_SYNTH = "synth"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m models.data", description="Write a windows file (docs/windows.md) from recordings."
    )
    parser.add_argument(
        "source", choices=[*SOURCES, _SYNTH, "list"], help="data set; list describes them all"
    )
    parser.add_argument("--folder", type=Path, help="where you unpacked the data set")
    parser.add_argument("--out", type=Path, help="windows file (.npz) to write")
    parser.add_argument("--rate", type=int, choices=(25, 32), default=32, help="samples a second")
    parser.add_argument(
        "--resampling",
        choices=[how.value for how in Resampling],
        default=Resampling.POLYPHASE.value,
        help="every-nth drops samples without a filter, as the PULSE authors do with PPG-DaLiA",
    )
    parser.add_argument(
        "--band-pass", action="store_true", help="causal band-pass of 0.5 to 4 Hz, all channels"
    )
    parser.add_argument(
        "--channels", choices=("all", "ppg"), default="all", help="PPG and acceleration, or PPG"
    )
    parser.add_argument(
        "--layout",
        choices=[layout.value for layout in Layout],
        default=Layout.IMAGE.value,
        help="shape of a window: image is (1, channels, samples), sequence is (channels, samples)",
    )
    parser.add_argument(
        "--subjects", nargs="+", metavar="ID", help="only these subjects, for example dalia_06"
    )
    parser.add_argument("--without", nargs="+", metavar="ID", default=[], help="leave these subjects out")
    parser.add_argument(
        "--seeds", type=int, nargs=2, metavar=("FIRST", "COUNT"), help="synth: wearers to generate"
    )
    parser.add_argument("--seconds", type=float, default=150.0, help="synth: length of each recording")
    return parser


def _recordings(options: argparse.Namespace) -> list[Recording]:
    processing = Processing(
        rate_hz=options.rate,
        resampling=Resampling(options.resampling),
        band_hz=BAND_HZ if options.band_pass else None,
    )
    if options.source == _SYNTH:
        first, count = options.seeds or (1, 4)
        return generate_recordings(range(first, first + count), options.seconds, processing)
    if options.folder is None:
        raise InputError(f"source {options.source} needs --folder", hint=SOURCES[options.source].where)
    return load_recordings(
        options.source, options.folder, processing, subjects=options.subjects, without=options.without
    )


def _describe_sources() -> None:
    for name, source in SOURCES.items():
        print(f"{name}: {source.title}")
        print(f"  get it      {source.where}")
        print(f"  licence     {source.licence}")
        print(f"  cite        {source.citation}")
        print(f"  heart rate  {source.heart_rate}")
    print(f"{_SYNTH}: generated wearers (docs/synthetic-data.md), no download, no restriction")


def _report(options: argparse.Namespace, recordings: list[Recording], windows: WindowSet) -> None:
    subjects = {recording.subject for recording in recordings}
    unlabelled = sum(recording.hr.size for recording in recordings) - windows.hr.size
    print(
        f"{options.out}: {windows.hr.size} windows {windows.x.shape[1:]} of {len(subjects)} subjects at "
        f"{options.rate} Hz, heart rate {windows.hr.min():.0f} to {windows.hr.max():.0f} BPM, "
        f"{recordings[0].hr_origin.value}; {unlabelled} windows without reference left out"
    )
    for units in dict.fromkeys(recording.units for recording in recordings):
        print(f"units: PPG {units.ppg}; acceleration {units.acceleration}")
    for steps in dict.fromkeys(recording.steps for recording in recordings):
        print(f"done: {'; '.join(steps) or 'nothing'}")
    if options.source != _SYNTH:
        source = SOURCES[options.source]
        print(f"licence: {source.licence}\ncite: {source.citation}")


@with_exit_codes
def main(arguments: list[str] | None = None) -> int:
    """Write one windows file and return the exit code."""
    options = _parser().parse_args(arguments)
    if options.source == "list":
        _describe_sources()
        return 0
    if options.out is None:
        raise InputError("no --out", hint="name the windows file to write, for example --out windows.npz")
    recordings = _recordings(options)
    channels = range(len(CHANNELS)) if options.channels == "all" else (0,)
    windows = window_set(recordings, Layout(options.layout), channels)
    save_window_set(options.out, windows)
    _report(options, recordings, windows)
    return 0


if __name__ == "__main__":
    sys.exit(main())

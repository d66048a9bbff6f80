"""Every data set by name: how it is read, where the user gets it, and what its owners ask for."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from models.data import bami, dalia, galaxyppg, ieee, shared, synthetic, wesad, wildppg
from models.data.finding import Wanted
from models.data.people import check_distinct
from models.data.processing import Processing, process
from models.data.recording import RawRecording, Recording
from ppg_deploy.errors import InputError


@dataclass(frozen=True)
class Source:
    """One data set in one published form.

    Attributes:
        title: its name in words.
        load: yields the recordings below a folder.
        where: what to download and which folder to name.
        licence: terms, and whether they were read or are from hearsay.
        citation: publication to cite.
        heart_rate: how the reference is defined.
    """

    title: str
    load: Callable[[Path, Wanted], Iterator[RawRecording]]
    where: str
    licence: str
    citation: str
    heart_rate: str


_BAMI1_CITATION = (
    "H. Lee, H. Chung, J. Lee, Motion artifact cancellation in wearable photoplethysmography using gyroscope, "
    "IEEE Sensors J. 19(3):1166-1175, 2019"
)
_DALIA_CITATION = (
    "A. Reiss, I. Indlekofer, P. Schmidt, K. Van Laerhoven, Deep PPG: Large-scale heart rate estimation with "
    "convolutional neural networks, Sensors 19(14):3079, 2019, doi 10.3390/s19143079"
)
_IEEE_CITATION = (
    "Z. Zhang, Z. Pi, B. Liu, TROIKA: A general framework for heart rate monitoring using wrist-type "
    "photoplethysmographic signals during intensive physical exercise, IEEE Trans. Biomed. Eng. 62(2):522-531, 2015, "
    "doi 10.1109/TBME.2014.2359372"
)
_ACADEMIC = (
    "copyrighted; free for academic research if cited (the data set's own readme); not redistributable"
)
_EVERY_WINDOW = "published, one value for each 8 s every 2 s, from chest ECG"
_SHARED_LICENCE = "as the data sets in it: academic research only, nothing derived may leave the machine"

SOURCES: dict[str, Source] = {
    "dalia": Source(
        title="PPG-DaLiA",
        load=dalia.load,
        where=dalia.HINT,
        licence="CC BY 4.0 as reported of its UCI page (not read here)",
        citation=_DALIA_CITATION,
        heart_rate=_EVERY_WINDOW,
    ),
    "wesad": Source(
        title="WESAD",
        load=wesad.load,
        where=wesad.HINT,
        licence="not read here: see its page and the readme in the archive before use",
        citation="P. Schmidt, A. Reiss, R. Duerichen, C. Marberger, K. Van Laerhoven, Introducing WESAD, a multimodal "
        "dataset for wearable stress and affect detection, ICMI 2018",
        heart_rate="derived here from the chest ECG (700 Hz); WESAD itself publishes none",
    ),
    "wildppg": Source(
        title="WildPPG (wrist, green)",
        load=wildppg.load,
        where=wildppg.HINT,
        licence="CC BY-NC-SA 4.0 by LICENSE.md of eth-siplab/WildPPG; its Hugging Face card says MIT: take the "
        "stricter",
        citation="M. Meier, B. U. Demirel, C. Holz, WildPPG: A real-world PPG dataset of long continuous recordings, "
        "NeurIPS 2024 Datasets and Benchmarks, arXiv 2412.17540",
        heart_rate="derived here from the ECG at the sternum (128 Hz); the participants' files hold none",
    ),
    "galaxyppg": Source(
        title="GalaxyPPG (Galaxy Watch)",
        load=galaxyppg.load,
        where=galaxyppg.HINT,
        licence="not read here: see the data set's page before use",
        citation="the GalaxyPPG paper, Scientific Data, 2025 (KAIST IC Lab); take the reference from the data "
        "set's page",
        heart_rate="published: mean over the window of what the Polar H10 chest strap reported every second",
    ),
    "ieee": Source(
        title="IEEE Signal Processing Cup 2015",
        load=ieee.load,
        where=ieee.HINT,
        licence=_ACADEMIC,
        citation=_IEEE_CITATION,
        heart_rate=_EVERY_WINDOW,
    ),
    "bami1": Source(
        title="BAMI-1 (one heart rate a window)",
        load=bami.load_bami1,
        where=bami.HINT,
        licence=_ACADEMIC,
        citation=_BAMI1_CITATION,
        heart_rate=_EVERY_WINDOW,
    ),
    "bami1-original": Source(
        title="BAMI-1 (heart rates with times)",
        load=bami.load_bami1_original,
        where=bami.HINT,
        licence=_ACADEMIC,
        citation=_BAMI1_CITATION,
        heart_rate="published, from chest ECG at times of its own; mean of those inside the window",
    ),
    "bami2": Source(
        title="BAMI-2",
        load=bami.load_bami2,
        where=bami.HINT,
        licence="none stated; treat it like BAMI-1: academic research, cite, do not redistribute",
        citation="BAMI laboratory, Wonkwang University (no paper is named)",
        heart_rate=_EVERY_WINDOW,
    ),
    **{
        name: Source(
            title=title,
            load=partial(shared.load, part=part),
            where=shared.HINT,
            licence=_SHARED_LICENCE,
            citation=f"{_IEEE_CITATION}; {_BAMI1_CITATION}",
            heart_rate=_EVERY_WINDOW,
        )
        for name, title, part in (
            ("shared", "development recordings of ../shared", None),
            ("shared-train", "development recordings of ../shared, part train", "train"),
            ("shared-val", "development recordings of ../shared, part val", "val"),
        )
    },
    "shared-stairs": Source(
        title="PPG-DaLiA S6 on stairs, fragment of ../shared",
        load=shared.load_stairs,
        where=shared.HINT,
        licence="CC BY 4.0 as reported of its UCI page (not read here)",
        citation=_DALIA_CITATION,
        heart_rate=_EVERY_WINDOW,
    ),
}


def load_recordings(
    name: str,
    folder: Path,
    processing: Processing,
    *,
    subjects: Collection[str] | None = None,
    without: Collection[str] = (),
) -> list[Recording]:
    """Read and process the recordings of one source, one after the other.

    Args:
        name: a key of SOURCES.
        folder: where the user unpacked it.
        processing: rate, kind of resampling, band-pass.
        subjects: the only subject ids to read; None for all.
        without: subject ids whose files are not opened.

    Raises:
        InputError: no such source or subject, or a file is missing, damaged or not as published.
    """
    if name not in SOURCES:
        raise InputError(f"no data set {name!r}", hint=f"choose one of {', '.join(SOURCES)}")

    def wanted(subject: str) -> bool:
        return subject not in without and (subjects is None or subject in subjects)

    recordings = [process(raw, processing) for raw in SOURCES[name].load(folder, wanted)]
    missing = set(subjects or ()) - {recording.subject for recording in recordings}
    if missing or not recordings:
        raise InputError(
            f"{folder} holds no recording of {', '.join(sorted(missing)) or 'any subject'}",
            hint="subject ids look like dalia_06; " + SOURCES[name].where,
        )
    check_distinct(recordings)
    return recordings


def generate_recordings(seeds: Sequence[int], seconds: float, processing: Processing) -> list[Recording]:
    """Recordings of generated wearers, one a seed.

    Raises:
        InputError: the generator refuses a seed or the duration.
    """
    return [process(raw, processing) for raw in synthetic.load(seeds, seconds)]

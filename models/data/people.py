"""Who may be the same person under two subject ids."""

from collections.abc import Iterable, Sequence

import numpy as np

from models.data.recording import Recording, dataset_of
from ppg_deploy.errors import InputError

# The same people in two forms of one data set, with numbers that need not agree.
SAME_PEOPLE = (frozenset({"bami1", "bami1-original"}),)
# Data sets of one laboratory, for which nobody says whether they share participants.
PERHAPS_SAME_PEOPLE = (
    frozenset({"bami1", "bami2"}),
    frozenset({"bami1-original", "bami2"}),
    frozenset({"dalia", "wesad"}),
)

# So many successive reference heart rates, equal to 0.01 BPM and not constant, are no coincidence.
_RUN = 16
_FEWEST_DIFFERENT = 8


def shared_people(
    first: Iterable[str], second: Iterable[str], pairs: Sequence[frozenset[str]]
) -> frozenset[str] | None:
    """A pair of data sets of which one is among the subjects `first` and the other among `second`, if any."""
    here, there = ({dataset_of(subject) for subject in subjects} for subjects in (first, second))
    for pair in pairs:
        one, other = sorted(pair)
        if (one in here and other in there) or (other in here and one in there):
            return pair
    return None


def check_distinct(recordings: Iterable[Recording]) -> None:
    """Refuse recordings that are the same under two subject ids, also when one is a part of the other.

    They are recognised by their reference heart rates: 16 successive equal ones.

    Raises:
        InputError: names both recordings.
    """
    owners: dict[bytes, Recording] = {}
    for recording in recordings:
        hundredths = np.round(recording.hr.astype(np.float64) * 100.0)
        for start in range(hundredths.size - _RUN + 1):
            run = hundredths[start : start + _RUN]
            if not np.isfinite(run).all() or np.unique(run).size < _FEWEST_DIFFERENT:
                continue
            owner = owners.setdefault(run.astype(np.int64).tobytes(), recording)
            if owner.subject != recording.subject:
                raise InputError(
                    f"{owner.name} ({owner.subject}) and {recording.name} ({recording.subject}) share "
                    f"{_RUN} successive heart rates: they are one recording",
                    hint="keep one of the two copies, or give both the same subject id",
                )

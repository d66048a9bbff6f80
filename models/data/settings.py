"""Which recordings and which split, as tables of a TOML file."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

from models.data.processing import BAND_HZ, Processing, Resampling

_STRICT = ConfigDict(extra="forbid", frozen=True)
_Names = Annotated[tuple[str, ...], Field(min_length=1)]


class SourceTable(BaseModel):
    """One data set on this disk.

    Attributes:
        name: a key of `models.data.SOURCES` (`python -m models.data list`).
        folder: where it lies; relative to the folder of the TOML file.
        without: subject ids to leave out.
    """

    model_config = _STRICT
    name: str
    folder: Path
    without: tuple[str, ...] = ()


class KFoldTable(BaseModel):
    """Fold number `fold` (from 1) of `folds` is tested on, the next one validates; see `k_fold`."""

    model_config = _STRICT
    kind: Literal["k-fold"]
    folds: PositiveInt = 5
    fold: PositiveInt = 1
    seed: NonNegativeInt = 1


class LeaveOneOutTable(BaseModel):
    """One subject is tested on; see `leave_one_subject_out`."""

    model_config = _STRICT
    kind: Literal["leave-one-subject-out"]
    subject: str
    validation_subjects: PositiveInt = 3
    seed: NonNegativeInt = 1


class PulseFoldTable(BaseModel):
    """One subject of PPG-DaLiA is tested on, the rest of its group validates; see `pulse_folds`."""

    model_config = _STRICT
    kind: Literal["pulse"]
    subject: str


class CrossDatasetTable(BaseModel):
    """Whole data sets are tested on; see `cross_dataset`."""

    model_config = _STRICT
    kind: Literal["cross-data-set"]
    train: _Names
    test: _Names
    validation_subjects: PositiveInt
    seed: NonNegativeInt = 1
    allow_related: bool = False


SplitTable = Annotated[
    KFoldTable | LeaveOneOutTable | PulseFoldTable | CrossDatasetTable, Field(discriminator="kind")
]


class RecordingsTable(BaseModel):
    """Recordings in one form, and who is trained, validated and tested on.

    Attributes:
        sources: data sets; several may be joined.
        rate_hz: 25 or 32 samples a second.
        resampling: "polyphase", or "every-nth", which drops samples without a filter.
        band_pass: causal band-pass of 0.5 to 4 Hz over all channels; a device must do the same.
        train_every: keep every n-th window of each training recording: neighbours share 6 of their 8 s, and fewer of
            them train faster. Validation and test always use all windows.
        split: how the subjects are parted.
    """

    model_config = _STRICT
    sources: Annotated[tuple[SourceTable, ...], Field(min_length=1)]
    rate_hz: Literal[25, 32] = 32
    resampling: Resampling = Resampling.POLYPHASE
    band_pass: bool = False
    train_every: PositiveInt = 1
    split: SplitTable

    @property
    def processing(self) -> Processing:
        """What is done to every recording."""
        return Processing(self.rate_hz, self.resampling, BAND_HZ if self.band_pass else None)

    def relative_to(self, folder: Path) -> "RecordingsTable":
        """The same with the folders of the sources relative to `folder`."""
        sources = tuple(
            source.model_copy(update={"folder": folder / source.folder}) for source in self.sources
        )
        return self.model_copy(update={"sources": sources})

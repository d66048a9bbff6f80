"""What the wearer does when: a schedule of rest, walking, running and recovery."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from models.synth.processes import FloatArray
from ppg_deploy.errors import InputError


class Activity(StrEnum):
    """What the wearer does during one segment of a recording."""

    REST = "rest"
    WALK = "walk"
    RUN = "run"
    RECOVERY = "recovery"


@dataclass(frozen=True)
class ActivityTraits:
    """How an activity drives heart and arm.

    Attributes:
        effort: lowest and highest fraction of the heart-rate reserve that the heart settles at.
        gestures_per_minute: arm movements that have nothing to do with steps.
        next: what may follow; a run is preceded by a walk and followed by walking or standing.
    """

    effort: tuple[float, float]
    gestures_per_minute: float
    next: tuple[Activity, ...]


TRAITS = {
    Activity.REST: ActivityTraits(effort=(0.0, 0.15), gestures_per_minute=1.5, next=(Activity.WALK,)),
    Activity.WALK: ActivityTraits(
        effort=(0.15, 0.50), gestures_per_minute=1.0, next=(Activity.REST, Activity.RUN, Activity.RUN)
    ),
    Activity.RUN: ActivityTraits(
        effort=(0.50, 1.00), gestures_per_minute=0.5, next=(Activity.WALK, Activity.RECOVERY)
    ),
    Activity.RECOVERY: ActivityTraits(
        effort=(0.10, 0.45), gestures_per_minute=2.5, next=(Activity.REST, Activity.WALK)
    ),
}


@dataclass(frozen=True)
class Segment:
    """One activity kept up for `duration_s` seconds."""

    activity: Activity
    duration_s: float

    def __post_init__(self) -> None:
        if not self.duration_s > 0.0:
            raise InputError(
                f"Segment.duration_s is {self.duration_s}, it must be above 0",
                hint="give every segment a length in seconds",
            )


def draw_schedule(rng: np.random.Generator, duration_s: float) -> tuple[Segment, ...]:
    """Random segments of 40 to 100 s that cover at least `duration_s`, each a sensible sequel."""
    choices: tuple[Activity, ...] = tuple(Activity)
    segments: list[Segment] = []
    covered_s = 0.0
    while covered_s < duration_s:
        activity = choices[int(rng.integers(len(choices)))]
        segments.append(Segment(activity, float(rng.uniform(40.0, 100.0))))
        covered_s += segments[-1].duration_s
        choices = TRAITS[activity].next
    return tuple(segments)


def segment_starts(schedule: tuple[Segment, ...]) -> FloatArray:
    """(S + 1,) start of every segment in seconds, and the end of the last one."""
    return np.concatenate(([0.0], np.cumsum([segment.duration_s for segment in schedule])))


def segment_at(schedule: tuple[Segment, ...], time_s: FloatArray) -> NDArray[np.intp]:
    """(T,) index of the segment in force at each time; times outside belong to the first or last segment."""
    inner_starts = segment_starts(schedule)[1:-1]
    return np.searchsorted(inner_starts, time_s, side="right")

"""What one process of a study is asked to do, and what it answers. Both are files in the job's folder."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from models.distil.settings import DistilSettings

JOB_NAME = "job.json"
ERROR_NAME = "error.json"
LOG_NAME = "log.txt"
DONE_NAME = "teacher.json"


class StudyJob(BaseModel):
    """Train a teacher into the cache, or a student into the job's folder.

    Attributes:
        kind: which of the two.
        settings: of the student; a teacher's are among them.
        cache: folder of trained teachers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["teacher", "student"]
    settings: DistilSettings
    cache: Path


class JobError(BaseModel):
    """Why a job failed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    message: str
    hint: str

"""What a check of this machine says."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Level(StrEnum):
    """How bad it is: `error` only for what the chosen board, or every build, cannot do without."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Finding(BaseModel):
    """One line of the doctor's report."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    group: str
    check: str
    level: Level
    found: str
    hint: str | None = None


class Diagnosis(BaseModel):
    """The whole report; `board` is the chosen board's id."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    board: str | None
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Nothing that is needed is missing."""
        return all(finding.level is not Level.ERROR for finding in self.findings)


def version_line(output: str) -> str:
    """The first line of a tool's output, shortened for a table."""
    line = next((line for line in output.splitlines() if line.strip()), "said nothing")
    return line if len(line) <= 100 else line[:97] + "..."

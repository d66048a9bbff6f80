"""What a section of the page consists of."""

from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True)
class Table:
    """`columns` of the figures in `rows`; the first column is text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    is_facts: bool = False
    """Sentences rather than figures: set from the left."""


@dataclass(frozen=True)
class Section:
    """One section: an anchor, a heading, a sentence or two, a picture and a table."""

    anchor: str
    title: str
    text: str
    picture: Markup | None = None
    table: Table | None = None
    is_measured: bool | None = None
    """Whether a badge says measured, or estimated; None for no badge."""

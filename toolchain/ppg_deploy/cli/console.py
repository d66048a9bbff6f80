"""Printing: tables for people, JSON for programs, nothing when quiet."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import typer

if TYPE_CHECKING:
    from rich.progress import Progress


@dataclass(frozen=True)
class Output:
    """Where and how much a command prints."""

    quiet: bool
    verbose: bool
    as_json: bool

    @property
    def is_human(self) -> bool:
        """True when tables and notes are wanted."""
        return not self.quiet and not self.as_json

    def json(self, text: str) -> None:
        """Print JSON when it was asked for."""
        if self.as_json and not self.quiet:
            typer.echo(text)

    def note(self, text: str) -> None:
        """A line of plain text."""
        if self.is_human:
            from rich.console import Console

            Console().print(text, markup=False, highlight=False, soft_wrap=True)

    def progress_line(self, text: str) -> None:
        """A line about work in progress, on standard error."""
        if self.is_human:
            typer.secho(text, err=True, dim=True)

    def warning(self, text: str) -> None:
        """A line that the user should see even with --json; on standard error."""
        if not self.quiet:
            typer.secho(f"warning: {text}", fg=typer.colors.YELLOW, err=True)

    def problem(self, text: str, hint: str | None) -> None:
        """Something that the exit code tells, too; on standard error, printed even when quiet."""
        typer.secho(f"error: {text}", fg=typer.colors.RED, err=True)
        if hint is not None:
            typer.secho(f"hint: {hint}", err=True)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table; the first column is text, the others are numbers."""
        self._table(title, columns, rows, others="right")

    def text_table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table of text."""
        self._table(title, columns, rows, others="left")

    def _table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        others: Literal["left", "right"],
    ) -> None:
        if not self.is_human:
            return
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table

        table = Table(title=title, title_justify="left", title_style="bold")
        for number, column in enumerate(columns):
            is_name = others == "left" and number == 0
            table.add_column(column, justify="left" if number == 0 else others, no_wrap=is_name)
        for row in rows:
            table.add_row(*map(escape, row))
        Console().print(table)

    @contextmanager
    def progress(self, description: str) -> "Iterator[ProgressBar]":
        """A progress bar on standard error, when that is a terminal."""
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        bar = Progress(
            TextColumn(description),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not self.is_human,
        )
        with bar:
            yield ProgressBar(bar)


class ProgressBar:
    """Callable with (done, total)."""

    def __init__(self, bar: "Progress") -> None:
        self._bar = bar
        self._task = bar.add_task("", total=None)

    def __call__(self, done: int, total: int) -> None:
        """Show that `done` of `total` are finished."""
        self._bar.update(self._task, completed=done, total=total)


def number(value: float | None, decimals: int = 0, unit: str = "") -> str:
    """A figure with thousands separators; a dash when it is absent."""
    if value is None:
        return "-"
    return f"{value:,.{decimals}f}{' ' + unit if unit else ''}"

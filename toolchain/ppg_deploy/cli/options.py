"""Options that every command takes, spelt once."""

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path, typer.Option("--out", help="Folder of the results.", file_okay=False)]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON instead of a table.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print every detail.")]
BoardsDir = Annotated[
    list[Path] | None,
    typer.Option("--boards-dir", help="Folder with boards of your own; may be given several times."),
]

"""The options that the programs of this folder share: which models, which modes, how many processes."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from benchmarks.counting import MODES, Mode
from benchmarks.models import REPOSITORY, Model, known_models


def table_parser(prog: str, description: str, modes: Sequence[Mode], saved: Path) -> argparse.ArgumentParser:
    """A parser of --models, --modes, --jobs and --save.

    Args:
        prog: how the program is called.
        description: what it does.
        modes: that are counted unless others are asked for.
        saved: the file that --save writes.
    """
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("--models", help="names of known models, separated by commas; default: all of them")
    parser.add_argument(
        "--modes",
        default=",".join(modes),
        help=f"of {', '.join(MODES)}; default: {', '.join(modes)}",
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes; default: one a core"
    )
    parser.add_argument("--save", action="store_true", help=f"also write {saved.relative_to(REPOSITORY)}")
    return parser


def wished(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> tuple[list[Model], list[Mode]]:
    """Models and modes that were asked for; ends the program when there is no such model."""
    models = {model.name: model for model in known_models()}
    names = arguments.models.split(",") if arguments.models else list(models)
    if unknown := [name for name in names if name not in models]:
        parser.error(f"no model {unknown[0]!r}; there are: {', '.join(models)}")
    modes = arguments.modes.split(",")
    return [models[name] for name in names], [mode for mode in MODES if mode in modes]

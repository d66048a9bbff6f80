"""Tables and lists of study.md."""

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; line breaks and bars inside a cell cannot break it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(_one_line(cell).replace("|", r"\|") for cell in line) + " |" for line in lines
    )


def bullets(items: Sequence[str]) -> str:
    """A list of one line each."""
    return "\n".join(f"- {_one_line(item)}" for item in items)


def _one_line(text: str) -> str:
    return " ".join(text.split())

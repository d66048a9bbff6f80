"""report()."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ppg_deploy import files
from ppg_deploy.api.names import DEFAULT_OUT, PAGE_NAME, RESULTS_FOLDER, FilePath, as_path

if TYPE_CHECKING:
    from ppg_deploy.results import Result


@dataclass(frozen=True)
class ReportPage:
    """A page that was written: its file, the results on it, and their headline table in Markdown."""

    path: Path
    results: "tuple[Result, ...]"
    markdown: str


def report(
    results: Sequence[FilePath] = (), *, out: FilePath = DEFAULT_OUT, html: FilePath | None = None
) -> ReportPage:
    """One page of HTML about one result or several; it needs no network and no script.

    Args:
        results: folders of OUT/results, their result.json, or links to them; the newest of OUT/results when empty.
        out: folder of the results.
        html: the page's file; OUT/report.html by default.

    Raises:
        InputError: no such result, or one that was changed or is of another version.
    """
    from ppg_deploy.results import load_result, newest_result
    from ppg_deploy.results.page import markdown_table, render_page

    folder = Path(out)
    paths = [Path(path) for path in results] or [newest_result(folder / RESULTS_FOLDER)]
    loaded = tuple(load_result(path) for path in paths)
    page = as_path(html) or folder / PAGE_NAME
    files.write_text(page, render_page(loaded))
    return ReportPage(page, loaded, markdown_table([result.report for result in loaded]))

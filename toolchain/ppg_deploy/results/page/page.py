"""One self-contained page: styles and pictures inside, nothing fetched, no script."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ppg_deploy import __version__
from ppg_deploy.report.schema import Report
from ppg_deploy.results.folder import Result
from ppg_deploy.results.page.headline import Row, column_names, equal, headline
from ppg_deploy.results.page.section import Section
from ppg_deploy.results.page.sections import sections


@dataclass(frozen=True)
class _Verdict:
    is_good: bool
    text: str


@dataclass(frozen=True)
class _Tile:
    """A figure in large print."""

    value: str
    unit: str
    name: str


@dataclass(frozen=True)
class _Part:
    """What the template shows of one result. `prefix` keeps the anchors of several apart."""

    prefix: str
    name: str
    report: Report
    verdict: _Verdict
    tiles: list[_Tile]
    sections: list[Section]


def render_page(results: Sequence[Result]) -> str:
    """The page about one result or several, as HTML."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=True,
    )
    reports = [result.report for result in results]
    names = column_names(reports)
    parts = [
        _Part(
            prefix=f"r{number}-",
            name=name,
            report=result.report,
            verdict=_verdict(result.report),
            tiles=_tiles(result.report),
            sections=sections(result),
        )
        for number, (name, result) in enumerate(zip(names, results, strict=True), start=1)
    ]
    rows: list[Row] = headline(reports)
    return environment.get_template("page.html.j2").render(
        title=names[0] if len(names) == 1 else f"{len(names)} results",
        names=names,
        rows=rows,
        parts=parts,
        version=__version__,
    )


def _verdict(report: Report) -> _Verdict:
    outputs = report.outputs
    if outputs.mismatched:
        first = outputs.first_mismatch
        where = "" if first is None else f"; the first one is window {first.window}, byte {first.byte}"
        return _Verdict(False, f"{outputs.mismatched:,} of {outputs.compared:,} windows differ{where}")
    if report.sliding is not None and report.sliding.outputs.mismatched:
        wrong = report.sliding.outputs
        return _Verdict(False, f"{wrong.mismatched:,} of {wrong.compared:,} answers to pushes differ")
    if report.missing:
        return _Verdict(
            False, f"{len(report.missing):,} windows have no answer; {equal(outputs)} answers are right"
        )
    return _Verdict(True, f"{equal(outputs)} windows equal to the golden reference, byte for byte")


def _tiles(report: Report) -> list[_Tile]:
    cost, memory, accuracy = report.cost, report.memory, report.accuracy
    tiles = []
    if accuracy.mae_device is not None:
        filtered = accuracy.mae_device_filtered
        is_filtered = filtered is not None and filtered != accuracy.mae_device
        name = "mean absolute error on the device"
        tiles.append(_Tile(f"{accuracy.mae_device:.2f}", "BPM", name))
        if is_filtered:
            tiles.append(_Tile(f"{filtered:.2f}", "BPM", "the same after the post-filter"))
    if cost.latency_ms is not None:
        tiles.append(_Tile(f"{cost.latency_ms.median:,.2f}", "ms", "median latency, measured"))
    elif cost.instructions is not None:
        tiles.append(
            _Tile(f"{cost.instructions.median / 1e6:,.2f}", "million", "instructions per inference, exact")
        )
        if cost.cycles_estimated is not None:
            name = "cycles, estimated"
            tiles.append(_Tile(f"{cost.cycles_estimated.median / 1e6:,.2f}", "million", name))
    tiles.append(
        _Tile(
            f"{memory.flash / 1e3:,.1f}",
            "kB",
            f"flash, {memory.flash / memory.flash_limit:.0%} of the board's",
        )
    )
    if report.energy is not None:
        micro_joule = report.energy.per_inference.mean_j * 1e6
        tiles.append(_Tile(f"{micro_joule:,.0f}", "\N{MICRO SIGN}J", "energy per inference, measured"))
    ram = memory.ram_static + memory.stack_reserved
    tiles.append(
        _Tile(f"{ram / 1e3:,.1f}", "kB", f"RAM with stack, {ram / memory.ram_limit:.0%} of the board's")
    )
    return tiles

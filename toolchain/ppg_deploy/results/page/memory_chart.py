"""Picture of the memory map: flash and RAM by part, and how much of the board they take."""

from collections.abc import Sequence

from markupsafe import Markup

from ppg_deploy.report.schema import Memory
from ppg_deploy.results.page.svg import Picture, Scale

_WIDTH = 960.0
_LEFT, _RIGHT = 12.0, 948.0
_BLOCK = 176.0
_COLOURS = 8
_READABLE = 58.0


def memory_map(memory: Memory) -> Markup:
    """Two blocks, flash and RAM: a thin bar of the whole memory, and below it the used part magnified."""
    flash = [(part.name, part.flash) for part in memory.by_part if part.flash]
    ram = [(part.name, part.ram) for part in memory.by_part if part.ram]
    colours = {name: number % _COLOURS for number, name in enumerate(dict(flash) | dict(ram))}
    picture = Picture(
        _WIDTH,
        2 * _BLOCK,
        "Memory map",
        f"Flash: {_listed(flash)}; of {memory.flash_limit:,} bytes. "
        f"RAM: {_listed(ram)}; of {memory.ram_limit:,} bytes.",
    )
    _block(picture, 0.0, "Flash", flash, memory.flash_limit, colours)
    _block(picture, _BLOCK, "RAM", ram, memory.ram_limit, colours)
    return picture.markup()


def _listed(parts: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {size:,} bytes" for name, size in parts)


def _block(
    picture: Picture,
    top: float,
    name: str,
    parts: Sequence[tuple[str, int]],
    limit: int,
    colours: dict[str, int],
) -> None:
    used = sum(size for _, size in parts)
    whole = Scale(0.0, float(max(limit, used)), _LEFT, _RIGHT)
    picture.text(_LEFT, top + 18.0, f"{name}: {used:,} of {limit:,} B ({used / limit:.1%})", "heading")
    picture.box(_LEFT, top + 28.0, _RIGHT - _LEFT, 12.0, "empty", f"{limit - used:,} B free")
    picture.box(_LEFT, top + 28.0, whole(used) - _LEFT, 12.0, "used", f"{used:,} B used")
    # The magnified part hangs on the used one.
    picture.path([(_LEFT, top + 40.0), (_LEFT, top + 58.0)], "lens")
    picture.path([(whole(used), top + 40.0), (_RIGHT, top + 58.0)], "lens")
    parts_scale = Scale(0.0, float(used or 1), _LEFT, _RIGHT)
    begin = 0
    legend_x, legend_y = _LEFT, top + 116.0
    for part, size in parts:
        x, width = parts_scale(begin), parts_scale(begin + size) - parts_scale(begin)
        picture.box(x, top + 58.0, width, 38.0, f"part{colours[part]}", f"{part}: {size:,} B")
        if width >= _READABLE:
            picture.text(x + width / 2, top + 82.0, f"{size:,}", "inside", "middle")
        label = f"{part}  {size:,} B"
        label_width = 26.0 + 6.6 * len(label)
        if legend_x + label_width > _RIGHT:
            legend_x, legend_y = _LEFT, legend_y + 20.0
        picture.box(legend_x, legend_y - 10.0, 11.0, 11.0, f"part{colours[part]}")
        picture.text(legend_x + 16.0, legend_y, label, "legend")
        legend_x += label_width
        begin += size

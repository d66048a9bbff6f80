"""Templates of firmware/templates."""

from collections.abc import Mapping
from typing import Any

from ppg_deploy.shipped import shipped_folder


def render_template(template: str, context: Mapping[str, Any]) -> str:
    """The text of `template`, a path below firmware/templates; a name that `context` lacks is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(shipped_folder("firmware") / "templates"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    return environment.get_template(template).render(context)

"""Writes what the protocol table defines: the C header and the documentation page.

For developers of this project, in a checkout: `python -m ppg_deploy.wire.generate`; `--check` only compares.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ppg_deploy.errors import InternalError
from ppg_deploy.files import write_text_if_changed
from ppg_deploy.shipped import shipped_folder
from ppg_deploy.wire import table
from ppg_deploy.wire.framing import Packet, encode_packet
from ppg_deploy.wire.table import Field, Message

_HEADER_PATH = Path("firmware/protocol/ppg_protocol.h")
_PAGE_PATH = Path("docs/wire-protocol.md")
_TEMPLATES = {_HEADER_PATH: "ppg_protocol.h.j2", _PAGE_PATH: "wire-protocol.md.j2"}


def render() -> dict[Path, str]:
    """The generated text by path below the checkout."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    context = _context()
    return {path: environment.get_template(name).render(context) for path, name in _TEMPLATES.items()}


def _context() -> dict[str, Any]:
    example = Packet(type=table.ECHO.request.type, sequence=1, data=b"ppg")
    return {
        "header": table.HEADER,
        "limits": table.LIMITS,
        "statuses": table.STATUS_CODES,
        "counter_sources": table.COUNTER_SOURCES,
        "bsp_status_bits": table.BSP_STATUS_BITS,
        "restart_causes": table.RESTART_CAUSES,
        "fault_kinds": table.FAULT_KINDS,
        "power_states": table.POWER_STATES,
        "messages": [_message_rows(message) for message in table.MESSAGES],
        "header_fields": _field_rows(Message("PACKET", 0, "", table.HEADER)),
        "example_frame": encode_packet(example).hex(" "),
    }


def _message_rows(message: Message) -> dict[str, Any]:
    return {
        "name": message.name,
        "type": f"0x{message.type:02X}",
        "description": message.description,
        "min_bytes": message.min_bytes,
        "max_bytes": message.max_bytes,
        "fields": _field_rows(message),
    }


def _field_rows(message: Message) -> list[dict[str, Any]]:
    return [_field_row(message, field) for field in message.fields]


def _field_row(message: Message, field: Field) -> dict[str, Any]:
    macro = f"PPG_{message.name}_{field.name.upper()}"
    defines = [(f"{macro}_AT", message.offset(field), ", ".join(filter(None, (field.c_type, field.unit))))]
    if field.block_bytes:
        defines.append((f"{macro}_BYTES", field.block_bytes, "B"))
    return {
        "name": field.name,
        "offset": message.offset(field),
        "c_type": field.c_type,
        "unit": field.unit,
        "description": field.description,
        "defines": defines,
    }


def main(arguments: Sequence[str]) -> int:
    """Write the generated files that differ, or with `--check` refuse when one does.

    Raises:
        InternalError: with `--check`, when a file is not what the table generates.
    """
    checkout = shipped_folder("firmware").parent
    for path, text in render().items():
        target = checkout / path
        if "--check" not in arguments:
            write_text_if_changed(target, text)
        elif not target.is_file() or target.read_text() != text:
            raise InternalError(
                f"{path} is not what wire/table.py generates", hint="run python -m ppg_deploy.wire.generate"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

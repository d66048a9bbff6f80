"""The application that speaks EEMBC's dialect, for one model and board."""

import re

from ppg_deploy.eembc.real import exact_scale
from ppg_deploy.graph import Graph
from ppg_deploy.project import Application, render_template

BAUD = 115_200
"""Of performance mode, and of energy mode through an interface board that can be told its rate."""

VENDOR = "ppg-deploy"
PROFILE = "ULPMark for tinyML Firmware V0.0.1"
"""Version of the command set as EEMBC's monitor reports it; hosts recognise a device by it."""

_CODE_TYPES = {"int8": "int8_t", "int16": "int16_t"}


def model_id_of(name: str) -> str:
    """`ppg-<name>`, in letters that the runner's test file, folders and regular expressions take."""
    return f"ppg-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-') or 'model'}"


def eembc_application(graph: Graph, *, model_id: str, is_energy: bool) -> Application:
    """The sources for a quantised model.

    Raises:
        InputError: the scale of its output is out of range.
    """
    output = graph.output
    scale = exact_scale(output.scale)
    header = render_template(
        "eembc/ppg_eembc_config.h.j2",
        {
            "vendor": VENDOR,
            "profile": PROFILE,
            "model_id": model_id,
            "mode": "energy" if is_energy else "performance",
            "is_energy": int(is_energy),
            "scale": output.scale,
            "zero_point": output.zero_point,
            "code_type": _CODE_TYPES[output.dtype.value],
            "mantissa": scale.mantissa,
            "shift": scale.shift,
        },
    )
    return Application(
        dialect="eembc-energy" if is_energy else "eembc",
        folders={"eembc": "the application: EEMBC's command set for MLPerf Tiny"},
        files=("app/main.c", "app/ppg_app.h", "app/ppg_model_api.h"),
        headers={"ppg_eembc_config.h": header},
    )

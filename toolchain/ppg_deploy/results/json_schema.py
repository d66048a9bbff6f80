"""docs/schema/result-v1.json: the JSON Schema of result.json, generated from report/schema.py.

For developers of this project, in a checkout: `python -m ppg_deploy.results.json_schema`.
"""

import json
from pathlib import Path

from ppg_deploy.files import write_text_if_changed
from ppg_deploy.report.schema import Report
from ppg_deploy.shipped import shipped_folder

SCHEMA_PATH = Path("docs/schema/result-v1.json")


def json_schema() -> str:
    """The schema as text."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Report.model_json_schema()}
    schema["title"] = "result.json of ppg-deploy, version 1"
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    write_text_if_changed(shipped_folder("firmware").parent / SCHEMA_PATH, json_schema())

"""Programs that stand in for flashers and probes: small shell scripts in a folder that goes onto PATH."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

NO_PROBE = 'echo "Open On-Chip Debugger 0.12.0"; echo "Error: open failed"; exit 1'
"""What OpenOCD 0.12.0 prints without an ST-LINK."""

HANG = "sleep 300"

# Writing is the call with `program` in it; the other asks whether the probe is there.
OPENOCD_PROBE_IS_THERE = 'case "$*" in *program*) ;; *) exit 0;; esac\n'

OPENOCD_VERIFIED = (
    'echo "** Programming Started **"; echo "** Programming Finished **"\n'
    'echo "** Verify Started **"; echo "** Verified OK **"; echo "** Resetting Target **"'
)

OPENOCD_VERIFY_FAILED = (
    'echo "** Programming Started **"; echo "** Programming Finished **"\n'
    'echo "** Verify Started **"; echo "Error: checksum mismatch - attempting binary compare"\n'
    'echo "** Verify Failed **"; exit 1'
)


def put_tool(folder: Path, name: str, script: str) -> Path:
    """An executable shell script; it first appends its arguments to FOLDER/NAME.log, one call on a line."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "$@" >> "{folder}/{name}.log"\n{script}\n', encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def calls(folder: Path, name: str) -> list[str]:
    """Arguments of each call of a tool."""
    log = folder / f"{name}.log"
    return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


def path_with(folder: Path, environment: Mapping[str, str] = os.environ) -> str:
    """PATH with `folder` in front."""
    return f"{folder}{os.pathsep}{environment['PATH']}"

"""Sources outside the project, compiled where they lie: `custom_library_dir` in platformio.ini, what of it in library.json.

library.json: {"include_folders": [...], "common_flags": [...], "flags": {role: [...]}, "sources": {path: role}}.
"""

import json
from os.path import isdir, join

from SCons.Script import Import

Import("env")

folder = env.GetProjectOption("custom_library_dir")
if not isdir(folder):
    env.Exit("error: custom_library_dir of platformio.ini names no folder: " + folder)
with open(join(env.subst("$PROJECT_DIR"), "library.json"), encoding="utf-8") as stream:
    library = json.load(stream)

include_folders = [join(folder, name) for name in library["include_folders"]]
env.Append(CCFLAGS=["-ffile-prefix-map=%s=library" % folder])
own = env.Clone()
own.ProcessFlags(env.get("BUILD_FLAGS"))
own.Append(CPPPATH=include_folders)
# The project's own sources include the library's headers as a system's: without their warnings.
for include_folder in include_folders:
    env.Append(CCFLAGS=["-isystem", include_folder])
for path, role in library["sources"].items():
    env.Append(
        PIOBUILDFILES=own.Object(
            join("$BUILD_DIR", "library_objects", path + ".o"),
            join(folder, path),
            CCFLAGS=[*own["CCFLAGS"], *library["common_flags"], *library["flags"][role]],
        )
    )

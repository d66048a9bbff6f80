"""Runs compiled models on this machine, under AddressSanitizer and UndefinedBehaviorSanitizer unless told otherwise.

One driver program holds the runtime's kernels; every model becomes a shared object that it loads. Input and output
buffers have exactly the declared sizes, so any access beyond them stops the program.
"""

import atexit
import functools
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile import CompiledModel, compile_graph
from ppg_deploy.compile.objective import Optimize
from ppg_deploy.graph import Graph

_ROOT = Path(__file__).resolve().parents[2]
RUNTIME = _ROOT / "firmware" / "runtime"
API = _ROOT / "firmware" / "app"
WARNINGS = ("-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion")
_SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")
_TIMEOUT_S = 120
SHA256 = "0" * 64

_DRIVER = r"""
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int (*run_t)(const int8_t *, int8_t *);
typedef int (*profiled_t)(const int8_t *, int8_t *, uint32_t (*)(void), uint32_t *);

static uint32_t clock_ticks;
static uint32_t now(void) { return clock_ticks++; }

static void fail(const char *what, const char *which) {
  fprintf(stderr, "%s: %s\n", which, what);
  exit(3);
}

/* Arguments: model.so windows answers count input_bytes output_bytes operators, repeated. */
int main(int argc, char **argv) {
  for (int i = 1; i + 6 < argc; i += 7) {
    void *library = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) fail(dlerror(), argv[i]);
    run_t run;
    profiled_t profiled;
    *(void **)&run = dlsym(library, "ppg_model_run");
    *(void **)&profiled = dlsym(library, "ppg_model_run_profiled");
    size_t count = strtoul(argv[i + 3], NULL, 10);
    size_t in_bytes = strtoul(argv[i + 4], NULL, 10), out_bytes = strtoul(argv[i + 5], NULL, 10);
    size_t operators = strtoul(argv[i + 6], NULL, 10);
    FILE *windows = fopen(argv[i + 1], "rb"), *answers = fopen(argv[i + 2], "wb");
    if (windows == NULL || answers == NULL) fail("cannot open files", argv[i]);
    for (size_t window = 0; window < count; window++) {
      int8_t *in = malloc(in_bytes), *kept = malloc(in_bytes), *out = malloc(out_bytes);
      int8_t *again = malloc(out_bytes);
      uint32_t *ticks = calloc(operators, sizeof *ticks);
      if (fread(in, 1, in_bytes, windows) != in_bytes) fail("too few windows", argv[i]);
      memcpy(kept, in, in_bytes);
      memset(out, 0x55, out_bytes);
      if (run(in, out) != 0) fail("run failed", argv[i]);
      if (profiled(in, again, now, ticks) != 0) fail("profiled run failed", argv[i]);
      if (memcmp(out, again, out_bytes) != 0) fail("profiled run differs", argv[i]);
      if (memcmp(in, kept, in_bytes) != 0) fail("input was modified", argv[i]);
      for (size_t op = 0; op < operators; op++) {
        if (ticks[op] < 1) fail("ticks were not taken around each operator", argv[i]);
      }
      fwrite(out, 1, out_bytes, answers);
      free(in), free(kept), free(out), free(again), free(ticks);
    }
    fclose(windows), fclose(answers);
  }
  return 0;
}
"""


def _run(command: Sequence[str | Path]) -> None:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    assert done.returncode == 0, (
        f"{' '.join(map(str, command))}\n{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
    )


def write_sources(compiled: CompiledModel, folder: Path) -> None:
    """Write the generated files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in compiled.files.items():
        (folder / name).write_text(text)


class HostRunner:
    """Builds the driver once; `run` builds and runs any number of graphs.

    Without sanitizers it is about ten times as fast.
    """

    def __init__(self, folder: Path, *, sanitized: bool = True) -> None:
        self._folder = folder
        self._options = (*_SANITIZERS, "-O1") if sanitized else ("-O2",)
        self._driver = folder / "driver"
        self._count = 0
        (folder / "driver.c").write_text(_DRIVER)
        command = ["gcc", *WARNINGS, *self._options, "-rdynamic", f"-I{RUNTIME}", f"-I{API}"]
        sources = sorted(RUNTIME.glob("*.c"))
        _run([*command, folder / "driver.c", *sources, "-ldl", "-o", self._driver])

    def run(
        self,
        cases: Sequence[tuple[Graph, NDArray[np.int8]]],
        *,
        optimize: Optimize = Optimize.BALANCED,
        ram_budget: int | None = None,
    ) -> list[tuple[CompiledModel, NDArray[np.int8]]]:
        """Compiled model and outputs (windows, output bytes) of every (graph, windows)."""
        compiled = [
            compile_graph(graph, model_sha256=SHA256, dsp=False, optimize=optimize, ram_budget=ram_budget)
            for graph, _ in cases
        ]
        folders = []
        for _ in cases:
            self._count += 1
            folders.append(self._folder / f"model{self._count}")
        with ThreadPoolExecutor(max_workers=2) as pool:
            list(pool.map(self._build, compiled, folders))
        arguments: list[str | Path] = []
        for (_, windows), model, folder in zip(cases, compiled, folders, strict=True):
            (folder / "windows.bin").write_bytes(windows.tobytes())
            sizes = (len(windows), model.input_bytes, model.output_bytes, len(model.operators))
            arguments += [
                folder / "model.so",
                folder / "windows.bin",
                folder / "answers.bin",
                *map(str, sizes),
            ]
        _run([self._driver, *arguments])
        return [
            (model, np.fromfile(folder / "answers.bin", np.int8).reshape(-1, model.output_bytes))
            for model, folder in zip(compiled, folders, strict=True)
        ]

    def _build(self, compiled: CompiledModel, folder: Path) -> None:
        write_sources(compiled, folder)
        (folder / "all.c").write_text('#include "model.c"\n#include "model_data.c"\n')
        flags = [*WARNINGS, *self._options, "-O0", "-shared", "-fPIC", f"-I{RUNTIME}", f"-I{API}"]
        _run(["gcc", *flags, folder / "all.c", "-o", folder / "model.so"])


@functools.cache
def host_runner(*, sanitized: bool = True) -> HostRunner:
    """One driver of each kind for all tests of a session."""
    folder = tempfile.TemporaryDirectory(prefix="ppg-compile-host-")
    atexit.register(folder.cleanup)
    return HostRunner(Path(folder.name), sanitized=sanitized)

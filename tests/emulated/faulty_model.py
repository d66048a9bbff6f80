"""A model written by hand whose input says how it goes wrong, built with the real application and board support."""

import hashlib
import shutil
from pathlib import Path

import pytest

from ppg_deploy.boards import load_board
from ppg_deploy.building import build_firmware
from ppg_deploy.project import ModelSources, render_project

WELL, BAD_POINTER, STACK_OVERFLOW, HANG = range(4)
"""First byte of the input."""
BAD_ADDRESS = 0x6000_0000
"""External memory of an STM32F405, where nothing answers."""

_HEADER = """
#ifndef MODEL_H
#define MODEL_H
#include "ppg_model_api.h"
#define PPG_MODEL_INPUT_BYTES 4
#define PPG_MODEL_OUTPUT_BYTES 4
#define PPG_MODEL_ARENA_BYTES 4
#define PPG_MODEL_OPERATORS 1
#define PPG_MODEL_SHA256 "@SHA256@"
#define PPG_MODEL_RUNTIME "aot"
#endif
"""

_SOURCE = """
#include "model.h"

int8_t ppg_model_arena[PPG_MODEL_ARENA_BYTES];
volatile uint32_t sink;

uint32_t read_badly(uint32_t address);
uint32_t recurse(uint32_t depth);
void spin(void);

__attribute__((noinline)) uint32_t read_badly(uint32_t address) {
  return *(volatile uint32_t *)address + 1u;
}

__attribute__((noinline)) uint32_t recurse(uint32_t depth) {
  volatile uint32_t block[16];
  block[depth % 16u] = depth;
  return recurse(depth + 1u) + block[depth % 16u];
}

__attribute__((noinline)) void spin(void) {
  for (;;) {
    sink = sink + 1u;
  }
}

int ppg_model_init(void) { return PPG_MODEL_OK; }

int ppg_model_run(const int8_t *input, int8_t *output) {
  switch (input[0]) {
    case 1:
      sink = read_badly(0x60000000u);
      break;
    case 2:
      sink = recurse(0u);
      break;
    case 3:
      spin();
      break;
    default:
      break;
  }
  for (int index = 0; index < 4; index++) {
    output[index] = (int8_t)(input[index] + 1);
  }
  return PPG_MODEL_OK;
}

int ppg_model_run_profiled(const int8_t *input, int8_t *output, uint32_t (*now)(void), uint32_t ticks[]) {
  const uint32_t before = now();
  const int status = ppg_model_run(input, output);
  ticks[0] = now() - before;
  return status;
}

size_t ppg_model_arena_bytes(void) { return PPG_MODEL_ARENA_BYTES; }
"""


def build_faulty(board_name: str, folder: Path, *, run_limit_ms: int) -> Path:
    """The image for a board; skips the test where the compiler is absent.

    Args:
        board_name: the board.
        folder: the project's folder.
        run_limit_ms: how long a run may take, milliseconds.
    """
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    sha256 = hashlib.sha256(_SOURCE.encode()).hexdigest()
    model = ModelSources(
        runtime="aot",
        files={"model.h": _HEADER.replace("@SHA256@", sha256), "model.c": _SOURCE},
        model_sha256=sha256,
        kernel_files=(),
        arena_bytes=4,
        arena_symbol="ppg_model_arena",
    )
    board = load_board(board_name).model_copy(update={"run_limit_ms": run_limit_ms})
    return build_firmware(render_project(board=board, model=model, folder=folder)).elf


def function(elf: Path, name: str) -> range:
    """Addresses of a function's code."""
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as stream:
        symbol = ELFFile(stream).get_section_by_name(".symtab").get_symbol_by_name(name)[0]
        start = int(symbol["st_value"]) & ~1
        return range(start, start + int(symbol["st_size"]))

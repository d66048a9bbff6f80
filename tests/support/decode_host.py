"""firmware/decode on this machine, under AddressSanitizer and UndefinedBehaviorSanitizer."""

import struct
import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.fixed_decode import DecoderSettings, FilterSettings
from tests.support.compile_host import WARNINGS

SOURCES = Path(__file__).resolve().parents[2] / "firmware" / "decode"
RESTART = -(1 << 31)
_FLAGS = (*WARNINGS, "-std=c11", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1")
_TIMEOUT_S = 120

_READING = r"""
#include "ppg_decode.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A copy of exactly `size` bytes, so that reading beyond it is noticed. */
static void *take(size_t size) {
  void *block = malloc(size > 0 ? size : 1);
  if (block == NULL || fread(block, 1, size, stdin) != size) exit(3);
  return block;
}

static int32_t take_int32(void) {
  int32_t *value = take(4), copy = *value;
  free(value);
  return copy;
}

static void decode_windows(const ppg_decoder_t *decoder, int32_t windows) {
  for (int32_t window = 0; window < windows; window++) {
    void *codes = take((size_t)(decoder->outputs * decoder->code_bytes));
    int32_t answer = ppg_decode_q16(decoder, codes);
    fwrite(&answer, 4, 1, stdout);
    free(codes);
  }
}
"""

_DRIVER = (
    _READING
    + r"""
static void decode_job(void) {
  int64_t *scale = take(8);
  int32_t *n = take(11 * 4);
  uint32_t *fine = n[8] ? take(4 * PPG_DECODE_TABLE_SIZE) : NULL;
  uint32_t *coarse = n[9] ? take(4 * PPG_DECODE_TABLE_SIZE) : NULL;
  ppg_decoder_t decoder = {n[0], n[1], n[2], *scale, n[3], n[4], n[5], n[6], n[7], fine, coarse};
  decode_windows(&decoder, n[10]);
  free(scale), free(n), free(fine), free(coarse);
}

static void filter_job(void) {
  int32_t length = take_int32(), fraction = take_int32(), count = take_int32();
  int32_t *history = malloc(4u * (size_t)length);
  ppg_clip_filter_t filter;
  memset(&filter, 0x55, sizeof filter);
  ppg_clip_filter_init(&filter, history, length, fraction);
  for (int32_t i = 0; i < count; i++) {
    int32_t answer = take_int32();
    if (answer == INT32_MIN) {
      ppg_clip_filter_restart(&filter);
    } else {
      answer = ppg_clip_filter_next(&filter, answer);
    }
    fwrite(&answer, 4, 1, stdout);
  }
  free(history);
}

int main(void) {
  for (int job = getchar(); job != EOF; job = getchar()) {
    if (job == 'd') decode_job();
    if (job == 'f') filter_job();
  }
  return 0;
}
"""
)

_CARD_DRIVER = (
    _READING
    + r"""
#include "ppg_card.h"

int main(void) {
  decode_windows(&ppg_card_decoder, take_int32());
  int32_t filter[2] = {PPG_CARD_FILTER_HISTORY, PPG_CARD_FILTER_FRACTION_Q24};
  fwrite(filter, 4, 2, stdout);
  return 0;
}
"""
)


def _built(folder: Path, text: str) -> Path:
    (folder / "driver.c").write_text(text)
    program = folder / "driver"
    sources = [folder / "driver.c", SOURCES / "ppg_decode.c"]
    done = subprocess.run(
        ["gcc", *_FLAGS, f"-I{SOURCES}", f"-I{folder}", *map(str, sources), "-o", str(program)],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return program


def _answers(program: Path, request: bytes) -> NDArray[np.int32]:
    done = subprocess.run([str(program)], input=request, capture_output=True, timeout=_TIMEOUT_S)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-4000:]
    return np.frombuffer(done.stdout, np.int32)


class DecodeHost:
    """Builds the driver once; each call runs it on any number of windows or answers."""

    def __init__(self, folder: Path) -> None:
        self._program = _built(folder, _DRIVER)

    def decode(self, jobs: list[tuple[DecoderSettings, NDArray[np.integer]]]) -> list[NDArray[np.int32]]:
        """Answers of every (settings, codes (N, outputs))."""
        request = b"".join(_decode_request(settings, codes) for settings, codes in jobs)
        answers = _answers(self._program, request)
        return np.split(answers, np.cumsum([len(codes) for _, codes in jobs])[:-1])

    def filter(self, jobs: list[tuple[FilterSettings, NDArray[np.int32]]]) -> list[NDArray[np.int32]]:
        """Limited answers of every (settings, answers); RESTART among the answers restarts and is echoed."""
        request = b"".join(
            b"f"
            + struct.pack("<3i", settings.history, settings.fraction_q24, len(answers))
            + answers.tobytes()
            for settings, answers in jobs
        )
        return np.split(
            _answers(self._program, request), np.cumsum([len(answers) for _, answers in jobs])[:-1]
        )


def _decode_request(settings: DecoderSettings, codes: NDArray[np.integer]) -> bytes:
    numbers = (
        *(settings.outputs, settings.code_bytes, settings.zero_point, settings.first_q16),
        *(settings.width_q24, settings.radius, settings.low_q16, settings.high_q16),
        *(len(settings.fine), len(settings.coarse), len(codes)),
    )
    tables = np.array((*settings.fine, *settings.coarse), np.uint32)
    return b"d" + struct.pack("<q11i", settings.scale_q32, *numbers) + tables.tobytes() + codes.tobytes()


def run_card_header(
    folder: Path, header: str, codes: NDArray[np.integer]
) -> tuple[NDArray[np.int32], tuple[int, int]]:
    """Answers of a program that includes a generated ppg_card.h, and the filter's two macros."""
    (folder / "ppg_card.h").write_text(header)
    request = struct.pack("<i", len(codes)) + codes.tobytes()
    answers = _answers(_built(folder, _CARD_DRIVER), request)
    return answers[:-2], (int(answers[-2]), int(answers[-1]))

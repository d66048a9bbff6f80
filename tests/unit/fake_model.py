"""A hand-written model that implements firmware/app/ppg_model_api.h, in place of a compiled one."""

from ppg_deploy.project import ModelSources

MODEL_SHA256 = "ab" * 32

_HEADER = """#ifndef MODEL_H
#define MODEL_H
#include "ppg_model_api.h"
#define PPG_MODEL_INPUT_BYTES 16
#define PPG_MODEL_OUTPUT_BYTES 4
#define PPG_MODEL_ARENA_BYTES {arena_bytes}
#define PPG_MODEL_OPERATORS 1
#define PPG_MODEL_SHA256 "{sha256}"
#define PPG_MODEL_RUNTIME "aot"
#endif
"""

_SOURCE = """#include "model.h"
{constants}
static _Alignas(16) int8_t arena[PPG_MODEL_ARENA_BYTES];
int ppg_model_init(void) {{ return PPG_MODEL_OK; }}
int ppg_model_run(const int8_t *input, int8_t *output) {{
  for (int i = 0; i < PPG_MODEL_INPUT_BYTES; i++) {{
    arena[i] = (int8_t)(input[i] ^ constants[i]);
  }}
  for (int i = 0; i < PPG_MODEL_OUTPUT_BYTES; i++) {{
    output[i] = arena[i];
  }}
  return PPG_MODEL_OK;
}}
int ppg_model_run_profiled(const int8_t *input, int8_t *output, uint32_t (*now)(void), uint32_t ticks[]) {{
  const uint32_t before = now();
  const int status = ppg_model_run(input, output);
  ticks[0] = now() - before;
  return status;
}}
size_t ppg_model_arena_bytes(void) {{ return PPG_MODEL_ARENA_BYTES; }}
"""


def fake_model(
    *,
    arena_bytes: int = 1024,
    constants_bytes: int = 100,
    first_constant: int = 1,
    extra: str = "",
    kernel_files: tuple[str, ...] = (),
) -> ModelSources:
    constants = (
        f"static const int8_t constants[{constants_bytes}] = {{{first_constant}, 2, 3}};\n"
        # the address escapes: the compiler must keep every byte
        "const void *ppg_fake_constants(void) { return constants; }\n"
    )
    return ModelSources(
        runtime="aot",
        files={
            "model.h": _HEADER.format(arena_bytes=arena_bytes, sha256=MODEL_SHA256),
            "model.c": _SOURCE.format(constants=constants) + extra,
        },
        model_sha256=MODEL_SHA256,
        kernel_files=kernel_files,
        arena_bytes=arena_bytes,
        arena_symbol="arena",
    )

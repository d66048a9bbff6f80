"""What a tree made by TFLM's create_tflm_tree.py looks like, and what of it is compiled how.

Sources, in github.com/tensorflow/tflite-micro below tensorflow/lite/micro: tools/project_generation/create_tflm_tree.py
and tools/make/Makefile (file lists, include folders, defines, optimisation levels), tools/make/ext_libs/cmsis_nn.inc,
docs/new_platform_support.md (platform files that a port replaces); read in versions from 2022 to 2026. A tree holds
exactly one implementation of each kernel.
"""

from enum import StrEnum

MICRO = "tensorflow/lite/micro"
KERNELS = f"{MICRO}/kernels"
INTERPRETER_HEADER = f"{MICRO}/micro_interpreter.h"
RESOLVER_HEADER = f"{MICRO}/micro_mutable_op_resolver.h"

SOURCE_SUFFIXES = (".cc", ".cpp", ".c")
"""`.cpp` comes from the script's option --rename_cc_to_cpp."""

REQUIRED_HEADERS = (
    INTERPRETER_HEADER,
    RESOLVER_HEADER,
    f"{MICRO}/micro_log.h",
    f"{MICRO}/micro_profiler_interface.h",
    f"{KERNELS}/micro_ops.h",
    "tensorflow/lite/schema/schema_generated.h",
    "third_party/flatbuffers/include/flatbuffers/flatbuffers.h",
    "third_party/gemmlowp/fixedpoint/fixedpoint.h",
)
REQUIRED_SOURCES = (
    f"{MICRO}/micro_interpreter",
    f"{MICRO}/micro_allocator",
    f"{MICRO}/micro_log",
    f"{KERNELS}/kernel_util",
)
"""Without their suffix."""

CHECKOUT_SIGNS = (f"{MICRO}/tools/make/Makefile", f"{MICRO}/examples")
"""In a clone of the repository, never in a tree made without examples."""

CMSIS_KERNELS = f"{KERNELS}/cmsis_nn"
CMSIS_FOLDERS = ("third_party/cmsis_nn", "third_party/cmsis/CMSIS/NN")
"""Where CMSIS-NN lies; the second one until 2023."""

INCLUDE_FOLDERS = (
    ".",
    "third_party",
    "third_party/flatbuffers/include",
    "third_party/gemmlowp",
    "third_party/kissfft",
    "third_party/ruy",
    "third_party/cmsis",
    "third_party/cmsis/CMSIS/Core/Include",
    "third_party/cmsis/CMSIS/DSP/Include",
    "third_party/cmsis/CMSIS/NN/Include",
    "third_party/cmsis_nn",
    "third_party/cmsis_nn/Include",
)
"""Those that a tree has are given to the compiler."""

# TF_LITE_STATIC_MEMORY changes structures, so the adapter must see it, too.
DEFINES = ("TF_LITE_STATIC_MEMORY", "TF_LITE_DISABLE_X86_NEON", "KERNELS_OPTIMIZED_FOR_SPEED", "NDEBUG")
CMSIS_DEFINE = "CMSIS_NN"
STRIP_DEFINE = "TF_LITE_STRIP_ERROR_STRINGS"


class Role(StrEnum):
    """How a source of the tree is compiled."""

    KERNEL = "kernel"
    CORE = "core"
    PROFILED = "profiled"


ROLE_FLAGS: dict[Role, tuple[str, ...]] = {
    # The levels of TFLM's own Makefile: KERNEL_ and THIRD_PARTY_KERNEL_OPTIMIZATION_LEVEL, CORE_OPTIMIZATION_LEVEL.
    Role.KERNEL: ("-O2", f"-D{STRIP_DEFINE}"),
    Role.CORE: ("-Os", f"-D{STRIP_DEFINE}"),
    Role.PROFILED: ("-Os",),
}
COMMON_FLAGS = ("-w", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables")
"""Of every source of the tree; -w because its warnings are not the user's to fix."""

# MicroInterpreterGraph (MicroGraph until 2023) calls the profiler in its loop over operators, but only without
# TF_LITE_STRIP_ERROR_STRINGS; its messages then need MicroPrintf.
_PROFILED = ("micro_interpreter_graph", "micro_graph", "micro_log")
# For TFLM's own tests, though in the library's file lists.
_FOR_TESTS = ("fake_", "mock_", "test_", "kernel_runner")
# Written anew for each platform: firmware/tflm has what of them is needed.
_PLATFORM = ("debug_log", "micro_time", "system_setup")
_OTHER_FOLDERS = frozenset(
    {"benchmarks", "examples", "experimental", "integration_tests", "models", "python", "testing", "tools"}
)


def role_of(path: str) -> Role | None:
    """How to compile the source `path` of a tree; None for one that is not needed.

    signal/ and kissfft hold operators of their own (Fourier transforms) that no model of ours uses.
    """
    folder, _, name = path.rpartition("/")
    stem = name.partition(".")[0]
    parts = frozenset(folder.split("/"))
    if any(path.startswith(f"{cmsis}/Source/") for cmsis in CMSIS_FOLDERS):
        return Role.KERNEL
    if not path.startswith("tensorflow/") or parts & _OTHER_FOLDERS or stem.endswith("_test"):
        return None
    if path.startswith(f"{MICRO}/") and stem.startswith(_FOR_TESTS):
        return None
    if path.startswith((f"{KERNELS}/", "tensorflow/lite/kernels/")):
        return Role.KERNEL
    if path.startswith(f"{MICRO}/") and stem in _PLATFORM:
        return None
    return Role.PROFILED if stem in _PROFILED else Role.CORE

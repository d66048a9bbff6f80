"""SCons script of the platform: compiler, flags, image formats, size report, upload.

Flags that a person may want to change are in the project's platformio.ini; here is only what the core dictates.
"""

import os
from os.path import join

from SCons.Script import COMMAND_LINE_TARGETS, AlwaysBuild, Builder, Default, DefaultEnvironment

env = DefaultEnvironment()
board = env.BoardConfig()
prefix = os.environ.get("PPG_ARM_GCC_PREFIX", "arm-none-eabi-")

env.Replace(
    AR=prefix + "gcc-ar",
    AS=prefix + "as",
    CC=prefix + "gcc",
    CXX=prefix + "g++",
    GDB=prefix + "gdb",
    OBJCOPY=prefix + "objcopy",
    RANLIB=prefix + "gcc-ranlib",
    SIZETOOL=prefix + "size",
    ARFLAGS=["rc"],
    PROGSUFFIX=".elf",
    SIZEPROGREGEXP=r"^(?:\.isr_vector|\.text|\.model_constants|\.rodata|\.ARM\.ex\w+|\.init_array|\.data)\s+(\d+).*",
    SIZEDATAREGEXP=r"^(?:\.stack|\.data|\.bss|\.noinit)\s+(\d+).*",
    SIZECHECKCMD="$SIZETOOL -A -d $SOURCES",
    SIZEPRINTCMD="$SIZETOOL -B -d $SOURCES",
)
if env.get("PROGNAME", "program") == "program":
    env.Replace(PROGNAME="firmware")

# The linker needs the core flags too, or it picks the soft-float C library.
core_flags = [
    "-mthumb",
    "-mcpu=" + board.get("build.cpu"),
    "-mfpu=" + board.get("build.fpu"),
    "-mfloat-abi=" + board.get("build.float_abi"),
]
env.Append(
    ASFLAGS=core_flags,
    ASPPFLAGS=["-x", "assembler-with-cpp"],
    # the image must not depend on the folder it is built in
    CCFLAGS=[*core_flags, "-ffile-prefix-map=%s=." % env.subst("$PROJECT_DIR")],
    CFLAGS=["-std=gnu11"],
    CXXFLAGS=["-std=gnu++17", "-fno-rtti", "-fno-exceptions", "-fno-threadsafe-statics"],
    LIBS=["c", "m", "gcc"],
    LINKFLAGS=[
        *core_flags,
        "-nostartfiles",
        "--specs=nano.specs",
        "--specs=nosys.specs",
        "-Wl,--gc-sections",
        '-Wl,-Map="%s"' % join("$BUILD_DIR", "${PROGNAME}.map"),
    ],
    BUILDERS={
        name: Builder(
            action=env.VerboseAction("$OBJCOPY -O %s $SOURCES $TARGET" % image_format, "Building $TARGET"),
            suffix=suffix,
        )
        for name, image_format, suffix in (("ElfToBin", "binary", ".bin"), ("ElfToHex", "ihex", ".hex"))
    },
)

kernel_flags = env.GetProjectOption("custom_kernel_flags", "").split()


def compile_kernel(environment, node):
    """Kernels take `custom_kernel_flags` after the common flags; of two -O options the last one counts."""
    return environment.Object(node, CCFLAGS=[*environment["CCFLAGS"], *kernel_flags])


env.AddBuildMiddleware(compile_kernel, "*src/runtime/*")

if env.GetProjectOption("custom_library_dir", ""):
    env.SConscript(join(env.PioPlatform().get_dir(), "builder", "library.py"), exports="env")

program = join("$BUILD_DIR", "${PROGNAME}")
if "nobuild" in COMMAND_LINE_TARGETS:
    # ppg-deploy names a copy of the image whose hash it has checked; the other formats are made from it anew.
    image = os.environ.get("PPG_UPLOAD_IMAGE")
    program = join("$PROJECT_DIR", image) if image else program
    elf = env.File(program + ".elf")
else:
    elf = env.BuildProgram()
    env.Depends(elf, env.File(join("$PROJECT_DIR", board.get("build.ldscript"))))
binary, intel_hex = env.ElfToBin(program, elf), env.ElfToHex(program, elf)
if "nobuild" in COMMAND_LINE_TARGETS:
    AlwaysBuild([binary, intel_hex])
else:
    env.Depends(binary, "checkprogsize")
AlwaysBuild(env.Alias("nobuild", elf))
size = env.AddPlatformTarget(
    "size", elf, env.VerboseAction("$SIZEPRINTCMD", "Calculating size $SOURCE"), "Program Size"
)

env.SConscript("upload.py", exports="env board elf binary intel_hex")

Default([env.Alias("buildprog", [binary, intel_hex]), size])

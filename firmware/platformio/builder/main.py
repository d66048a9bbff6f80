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
    elf, binary, intel_hex = program + ".elf", program + ".bin", program + ".hex"
else:
    elf = env.BuildProgram()
    env.Depends(elf, env.File(join("$PROJECT_DIR", board.get("build.ldscript"))))
    binary, intel_hex = env.ElfToBin(program, elf), env.ElfToHex(program, elf)
    env.Depends(binary, "checkprogsize")
AlwaysBuild(env.Alias("nobuild", elf))
size = env.AddPlatformTarget(
    "size", elf, env.VerboseAction("$SIZEPRINTCMD", "Calculating size $SOURCE"), "Program Size"
)

protocol = env.subst("$UPLOAD_PROTOCOL")
upload_source = elf
upload_actions = [env.VerboseAction("$UPLOADCMD", "Uploading $SOURCE")]
if protocol in ("stlink", "cmsis-dap", "jlink-openocd"):
    interface = {"jlink-openocd": "jlink"}.get(protocol, protocol)
    transport = "hla_swd" if protocol == "stlink" else "swd"
    env.Replace(
        UPLOADER=os.environ.get("PPG_OPENOCD", "openocd"),
        UPLOADCMD="$UPLOADER $UPLOADERFLAGS",
        UPLOADERFLAGS=[
            "-d1",
            "-f",
            "interface/%s.cfg" % interface,
            "-c",
            "transport select %s" % transport,
            "-f",
            "target/%s.cfg" % board.get("debug.openocd_target"),
            "-c",
            "program {$SOURCE} verify reset; shutdown;",
        ],
    )
elif protocol == "pyocd":
    upload_source = intel_hex
    env.Replace(UPLOADCMD='"$PYTHONEXE" -m pyocd flash -t %s $SOURCE' % board.get("debug.pyocd_target"))
elif protocol == "nrfjprog":
    upload_source = intel_hex
    env.Replace(UPLOADCMD="nrfjprog --sectorerase --reset --program $SOURCE")
elif protocol == "mbed":
    upload_source = binary
    upload_actions = [
        env.VerboseAction(env.AutodetectUploadPort, "Looking for the probe's disk"),
        env.UploadToDisk,
    ]
env.AddPlatformTarget("upload", upload_source, upload_actions, "Upload")

Default([env.Alias("buildprog", [binary, intel_hex]), size])

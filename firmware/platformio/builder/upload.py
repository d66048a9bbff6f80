"""Upload methods of the platform: one function each, from the image's files to the commands that write it.

`pio run -t upload` uses the board's default. ppg-deploy sets these variables and adds the target `nobuild`:
PPG_UPLOAD_PROTOCOL, PPG_UPLOAD_PROGRAM (path of the tool), PPG_UPLOAD_SERIAL (of the probe).
"""

import os
import sys
import time
from os.path import join

from platformio.device.list.util import list_serial_ports
from SCons.Script import Import

Import("env board elf binary intel_hex")

BOOTLOADER_SECONDS = 10.0

serial = os.environ.get("PPG_UPLOAD_SERIAL", "")
address = board.get("upload.offset_address")


def program(name):
    return '"%s"' % os.environ.get("PPG_UPLOAD_PROGRAM", name)


def run(command, text="Uploading $SOURCE"):
    return env.VerboseAction(command, text)


def openocd(interface, transport):
    select = '-c "adapter serial %s" ' % serial if serial else ""
    tool = program(os.environ.get("PPG_OPENOCD", "openocd"))
    return elf, [
        run(
            tool
            + ' -d1 -f interface/%s.cfg -c "transport select %s" %s' % (interface, transport, select)
            + "-f target/%s.cfg" % board.get("debug.openocd_target")
            + ' -c "program {$SOURCE} verify reset; shutdown;"'
        )
    ]


def stlink():
    return openocd("stlink", "hla_swd")


def cmsis_dap():
    return openocd("cmsis-dap", "swd")


def jlink_openocd():
    return openocd("jlink", "swd")


def pyocd():
    # Without --no-wait, pyOCD waits for a probe for ever. It does not read back by itself.
    common = " --no-wait -t %s" % board.get("debug.pyocd_target") + (" -u %s" % serial if serial else "")
    if board.get("upload.bootloader_usb", []):
        common += " -O auto_unlock=false"  # by default, pyOCD erases a locked chip, its bootloader included
    compare = " -c 'compare %s \"${SOURCES[1]}\"' -c reset" % address
    return [intel_hex, binary], [
        run(program("pyocd") + " flash" + common + ' "${SOURCES[0]}"'),
        run(program("pyocd") + " commander" + common + compare, "Verifying $SOURCE"),
    ]


def nrfjprog():
    select = " --snr %s" % serial if serial else ""
    return intel_hex, [
        run(program("nrfjprog") + ' -f NRF52 --program "$SOURCE" --sectorerase --verify --reset' + select)
    ]


def jlink():
    script = join(env.subst("$BUILD_DIR"), "upload.jlink")

    def write_script(target, source, env):
        with open(script, "w", encoding="utf-8") as stream:
            stream.write('loadfile "%s"\n' % source[0].abspath)
            stream.write('verifybin "%s", %s\nr\ng\nexit\n' % (source[1].abspath, address))

    select = " -USB %s" % serial if serial else ""
    return [intel_hex, binary], [
        env.VerboseAction(write_script, "Writing %s" % script),
        run(
            program("JLinkExe")
            + " -device %s -if SWD -speed 4000 -autoconnect 1" % board.get("debug.jlink_device")
            + ' -ExitOnError 1 -NoGui 1%s -CommandFile "%s"' % (select, script)
        ),
    ]


def st_flash():
    select = " --serial %s" % serial if serial else ""
    return binary, [run(program("st-flash") + select + ' --reset write "$SOURCE" %s' % address)]


def bossac():
    """The bootloader has a serial port of its own, which is there only while it runs."""
    bootloader_ids = board.get("upload.bootloader_usb", [])
    application_ids = board.get("upload.application_usb", [])

    def ports(ids):
        return [port.device for port in list_serial_ports(as_objects=True) if [port.vid, port.pid] in ids]

    def fail(text):
        names = ", ".join("%04x:%04x" % tuple(ids) for ids in bootloader_ids)
        sys.stderr.write("No device found on USB as %s: %s\n" % (names, text))
        env.Exit(1)

    def restart(port):
        """Arduino's convention: opening the port of a sketch at 1200 baud starts the bootloader."""
        others = ports(bootloader_ids)
        env.TouchSerialPort(port, 1200)
        end = time.monotonic() + BOOTLOADER_SECONDS
        found = []
        while not found and time.monotonic() < end:
            time.sleep(0.25)
            found = [name for name in ports(bootloader_ids) if name not in others]
        return found[0] if found else fail("it did not start; tap RESET twice")

    def enter_bootloader(target, source, env):
        given = env.subst("$UPLOAD_PORT")
        sketches = ports(application_ids)
        if given and given not in sketches:
            return
        candidates = [given] if given else ports(bootloader_ids) or sketches
        if len(candidates) > 1:
            fail("only several; name one with --upload-port: %s" % ", ".join(candidates))
        port = candidates[0] if candidates else fail("tap RESET twice to start the bootloader")
        env.Replace(UPLOAD_PORT=restart(port) if port in sketches else port)

    # Without --offset: this bootloader adds the image's address by itself (Zephyr issue 33523).
    return binary, [
        env.VerboseAction(enter_bootloader, "Entering the bootloader"),
        run(program("bossac") + ' --port="$UPLOAD_PORT" -U -i -e -w "$SOURCE" -R'),
    ]


def mbed():
    return binary, [
        env.VerboseAction(env.AutodetectUploadPort, "Looking for the probe's disk"),
        env.VerboseAction('cp "$SOURCE" "$UPLOAD_PORT/firmware.bin"', "Copying $SOURCE"),
    ]


METHODS = {
    "stlink": stlink,
    "cmsis-dap": cmsis_dap,
    "jlink-openocd": jlink_openocd,
    "pyocd": pyocd,
    "nrfjprog": nrfjprog,
    "jlink": jlink,
    "st-flash": st_flash,
    "bossac": bossac,
    "mbed": mbed,
}

protocol = os.environ.get("PPG_UPLOAD_PROTOCOL") or env.subst("$UPLOAD_PROTOCOL")
if protocol in METHODS:
    source, actions = METHODS[protocol]()
else:  # "custom": upload_command of platformio.ini
    source, actions = elf, [run("$UPLOADCMD")]
env.AddPlatformTarget("upload", source, actions, "Upload")

"""PlatformIO platform: uses the compiler and the flasher on PATH, and asks for a download only when they are absent."""

import os
import shutil

from platformio.platform.base import PlatformBase

OPENOCD_PROTOCOLS = ("stlink", "cmsis-dap", "jlink-openocd")


class PpgcortexmPlatform(PlatformBase):
    """PlatformIO derives this class name from "name" in platform.json."""

    def is_embedded(self):
        """Without this, `pio test` would take the platform for a native one."""
        return True

    def configure_default_packages(self, options, targets):
        """Make a package required only when its tool is needed and not on PATH."""
        super().configure_default_packages(options, targets)
        compiler = os.environ.get("PPG_ARM_GCC_PREFIX") or shutil.which("arm-none-eabi-gcc")
        self.packages["toolchain-gccarmnoneeabi"]["optional"] = bool(compiler)
        protocol = os.environ.get("PPG_UPLOAD_PROTOCOL") or options.get("upload_protocol", "")
        if not protocol and options.get("board"):
            protocol = self.board_config(options["board"]).get("upload.protocol", "")
        needs_openocd = "upload" in targets and protocol in OPENOCD_PROTOCOLS
        openocd = os.environ.get("PPG_OPENOCD") or shutil.which("openocd")
        self.packages["tool-openocd"]["optional"] = not needs_openocd or bool(openocd)

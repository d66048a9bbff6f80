"""A program that behaves like `renode` towards the driver: options, Robot server, monitor commands, pseudo-terminal.

What it runs behind the UART is a program for the host, such as the application with the fake board. It knows the
commands that the driver may use and refuses all others, so that a misspelt one is found here and not by Renode.
Keywords and answers are those of renode/src/Renode/RobotFrameworkEngine. It is run as a program by `put_fake_renode`.

The variable FAKE_RENODE says what goes wrong: die, hang, taken, foreign, hang:COMMAND, fail:COMMAND, no-stop or
die-later.
"""

import json
import os
import re
import select
import shlex
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import tty
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xmlrpc.server import SimpleXMLRPCServer

if TYPE_CHECKING:
    from tests.support.repl_stub import Stub

_REPOSITORY = Path(__file__).resolve().parents[2]
VERSION = "Renode v1.16.1.20260101\n  build: 00000000-202601010000\n  build type: Release"
OPTIONS = ["--config", "--disable-xwt", "--plain", "--hide-log", "--robot-server-port"]
INSTRUCTIONS_PER_CALL = 1_000_000
# What Renode's own models hold after a reset: status of the USARTs, BAUDRATE of the UARTE.
_REGISTERS = {0x4000441C: 0x200000C0, 0x4001381C: 0x200000C0, 0x40011000: 0xC0, 0x40002524: 0x04000000}


def put_fake_renode(folder: Path, device: Path | None = None, *, version: str = VERSION) -> Path:
    """An executable `renode` in `folder`; `device` is the program behind the UART. It logs to FOLDER/renode.jsonl."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "renode"
    settings = {"device": str(device or ""), "version": version, "log": str(folder / "renode.jsonl")}
    path.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(_REPOSITORY)!r})\n"
        f"from tests.support.fake_renode import main\nmain({settings!r}, sys.argv[1:])\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def log_of(renode: Path) -> list[dict[str, Any]]:
    """What a fake has seen: {"arguments"} of each start, {"keyword"} of each call."""
    log = renode.parent / "renode.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


class Machine:
    """The emulation: state that the monitor's commands change."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._is_created = False
        self._uarts: set[str] = set()
        self._terminals: dict[str, int] = {}
        self._connected: int | None = None
        self._has_firmware = False
        self._calls = 0
        self._stubs: list[Stub] = []
        self._registers = dict(_REGISTERS)

    def execute(self, line: str) -> str:
        """Raises ValueError where Renode would say that it cannot."""
        words = shlex.split(line)
        match words:
            case ["logFile", path] if path.startswith("@/"):
                Path(path[1:]).write_text("12:00:00.0000 [ERROR] an error of the fake\n")
            case ["logLevel", "3"]:
                pass
            case ["mach", "create", _]:
                self._is_created = True
            case ["machine", "LoadPlatformDescription", path] if path.startswith("@/"):
                self._load_platform(Path(path[1:]))
            case ["emulation", "SetGlobalAdvanceImmediately", "true"]:
                pass
            case ["emulation", "CreateUartPtyTerminal", name, link, "true"]:
                ours, theirs = os.openpty()
                tty.setraw(theirs)
                Path(link).unlink(missing_ok=True)
                Path(link).symlink_to(os.ttyname(theirs))
                self._terminals[name] = ours
            case ["connector", "Connect", uart, name]:
                if uart.removeprefix("sysbus.") not in self._uarts:
                    raise ValueError(f"No such emulation element: {uart}")
                self._connected = self._terminals[name]
            case ["sysbus", "LoadELF", path] if path.startswith("@/"):
                if Path(path[1:]).read_bytes()[:4] != b"\x7fELF":
                    raise ValueError("There was an error when loading ELF: not an ELF file")
                self._has_firmware = True
            case ["sysbus", "ReadDoubleWord", address]:
                return f"0x{self._read(int(address, 0)):08X}\n"
            case ["sysbus", "WriteDoubleWord", address, value]:
                self._write(int(address, 0), int(value, 0))
            case ["sysbus.cpu", "ExecutedInstructions"]:
                self._calls += 1
                return f"0x{self._calls * INSTRUCTIONS_PER_CALL:016X}\n"
            case ["start"]:
                self._start()
            case _:
                raise ValueError(f"No such command or device: {line}")
        return ""

    def _load_platform(self, path: Path) -> None:
        from tests.support.repl import read_repl
        from tests.support.repl_stub import stubs_of

        if not self._is_created:
            raise ValueError("There is no machine to load it into")
        platform = read_repl(path)
        self._uarts = {one.name for one in platform.values() if one.model.startswith("UART.")}
        self._stubs = list(stubs_of(platform).values())

    def _read(self, address: int) -> int:
        for stub in self._stubs:
            if stub.base <= address < stub.base + stub.size:
                return stub.read(address)
        return self._registers[address]

    def _write(self, address: int, value: int) -> None:
        for stub in self._stubs:
            if stub.base <= address < stub.base + stub.size:
                stub.write(address, value)
                return
        # STM32F4_RCC: ready bits follow
        self._registers[address] = value | ((value & 0x01000001) << 1 if address == 0x40023800 else 0)

    def _start(self) -> None:
        if not self._has_firmware or self._connected is None:
            raise ValueError("nothing to start")
        threading.Thread(target=_pump, args=(self._device, self._connected), daemon=True).start()


def _pump(device: str, line: int) -> None:
    """Between the terminal and the device."""
    if not device:
        return
    with subprocess.Popen([device], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        while process.poll() is None:
            for readable in select.select([line, process.stdout], [], [], 0.1)[0]:
                if readable is line:
                    process.stdin.write(os.read(line, 4096))
                    process.stdin.flush()
                else:
                    os.write(line, os.read(process.stdout.fileno(), 4096))


def main(settings: dict[str, str], arguments: list[str]) -> None:
    """The program."""
    failure = os.environ.get("FAKE_RENODE", "")
    if arguments == ["--version"]:
        sys.stdout.write(f"{settings['version']}\n")
        return

    def note(**event: Any) -> None:
        with open(settings["log"], "a") as log:
            log.write(json.dumps(event) + "\n")

    note(arguments=arguments, temporary=os.environ.get("TMPDIR"), folder=os.getcwd(), process=os.getpid())
    port = int(arguments[-1])
    assert [word for word in arguments if word.startswith("--")] == OPTIONS, arguments
    if failure == "die":
        sys.stdout.write("Fatal error: the fake dies\n")
        sys.exit(3)
    if failure == "taken":
        # Another program took the port: it stays behind and says nothing, while Renode gives up.
        listener = socket.create_server(("127.0.0.1", port))
        if os.fork():
            os._exit(1)
        os.setsid()
        time.sleep(2)
        listener.close()
        os._exit(0)
    if failure == "hang":
        signal.pause()
    _serve(settings, port, failure, note)


def _serve(settings: dict[str, str], port: int, failure: str, note: Any) -> None:
    machine = Machine(settings["device"])
    kind, _, at = failure.partition(":")

    def run_keyword(name: str, words: list[str]) -> dict[str, str]:
        note(keyword=name, arguments=words)
        if name == "StopRemoteServer":
            if failure != "no-stop":
                threading.Thread(target=server.shutdown).start()
            return {"status": "PASS"}
        assert name == "ExecuteCommand", name
        line = words[0]
        if at and re.search(at, line):
            if kind == "hang":
                signal.pause()
            return {
                "status": "FAIL",
                "error": f"KeywordException: the fake fails at '{line}'",
                "traceback": "",
            }
        try:
            said = machine.execute(line)
        except (ValueError, OSError, KeyError) as error:
            return {"status": "FAIL", "error": f"KeywordException: {error}", "traceback": ""}
        if failure == "die-later" and line == "start":
            threading.Timer(0.3, lambda: os._exit(9)).start()
        return {"status": "PASS", "return": said}

    server = SimpleXMLRPCServer(("127.0.0.1", port), allow_none=True, logRequests=False)
    names = ["StopRemoteServer"] if failure == "foreign" else ["ExecuteCommand", "StopRemoteServer"]
    server.register_function(lambda: names, "get_keyword_names")
    server.register_function(run_keyword, "run_keyword")
    server.serve_forever(poll_interval=0.05)
    if failure == "no-stop":
        signal.pause()
    os._exit(0)

"""Renode as a child process, controlled through its Robot Framework server (XML-RPC over HTTP).

The facts used here were found in Renode's sources (src/Renode/RobotFrameworkEngine, src/UI/CommandLineInterface.cs) and
tried by hand with Renode 1.16.1. Its server listens on every interface of the machine, and nothing can be done about
that: a monitor command can do whatever the user can. The UART is a pseudo-terminal and no socket for that reason.
"""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppg_deploy.errors import DeviceError, EnvironmentProblem
from ppg_deploy.ports.renode_program import renode_environment

_PORT_ATTEMPTS = 3
_POLL_S = 0.1
_KILL_LIMIT_S = 10.0
_DEATH_S = 1.0
_LOG_BYTES = 2000
_LOG_NAME = "renode.log"
_KEYWORD = "ExecuteCommand"
_REPORT_HINT = (
    "run emulation/renode/run.resc by hand to see what Renode says; docs/emulators.md, section Renode"
)


@dataclass(frozen=True)
class Limits:
    """How long each step may take, in seconds."""

    start_s: float = 60.0
    command_s: float = 20.0
    stop_s: float = 10.0


DEFAULT_LIMITS = Limits()


class _Transport(xmlrpc.client.Transport):
    """Without a time limit on its socket, xmlrpc.client waits for ever."""

    def __init__(self, limit_s: float) -> None:
        super().__init__()
        self.limit_s = limit_s

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(host, timeout=self.limit_s)
        self._connection = host, connection
        return connection


class _PortTaken(Exception):
    """Another program listens on the port that Renode was to take."""


class RenodeProcess:
    """A running Renode without a machine. `folder` is private to it and goes with it."""

    def __init__(self, program: str, limits: Limits) -> None:
        """Start it and wait until it takes commands.

        Raises:
            EnvironmentProblem: it does not start, ends at once, or is not ready in time.
        """
        self.folder = Path(tempfile.mkdtemp(prefix="ppg-rn-"))
        self.program = program
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._port: int | None = None
        if any(letter.isspace() for letter in str(self.folder)):
            shutil.rmtree(self.folder, ignore_errors=True)
            raise EnvironmentProblem(
                f"Renode's commands cannot name the temporary folder {self.folder}, because of the space in it",
                hint="set TMPDIR to a folder without spaces",
            )
        try:
            self._port = self._start(limits.start_s)
        except BaseException:
            self.close()
            raise

    def _start(self, limit_s: float) -> int:
        end = time.monotonic() + limit_s
        for _attempt in range(_PORT_ATTEMPTS):
            port = _free_port()
            self._launch(port)
            try:
                self._wait_until_ready(port, end, limit_s)
            except _PortTaken:
                self._kill()
                continue
            return port
        raise EnvironmentProblem(
            f"{self.program} found its port in use, {_PORT_ATTEMPTS} times in a row (last: {port})",
            hint="end the program that takes every new local port, then try again",
        )

    def _launch(self, port: int) -> None:
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        command = [
            *(
                self.program,
                "--config",
                str(self.folder / "config"),
                "--disable-xwt",
                "--plain",
                "--hide-log",
            ),
            *("--robot-server-port", str(port)),
        ]
        with (self.folder / "output.log").open("wb") as output:
            try:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=renode_environment(str(temporary)),
                    cwd=self.folder,
                    process_group=0,
                )
            except OSError as error:
                raise EnvironmentProblem(
                    f"{self.program} does not start: {error.strerror}", hint="reinstall Renode"
                ) from error

    def _wait_until_ready(self, port: int, end: float, limit_s: float) -> None:
        assert self._process is not None
        while True:
            status = self._process.poll()
            if status is not None:
                if _is_taken(port):
                    raise _PortTaken
                raise EnvironmentProblem(
                    f"{self.program} ended at its start (exit status {status}): {self.log_tail()}",
                    hint=_REPORT_HINT,
                )
            remaining = end - time.monotonic()
            if remaining <= 0:
                raise EnvironmentProblem(
                    f"{self.program} is not ready after {limit_s:g} s: {self.log_tail()}", hint=_REPORT_HINT
                )
            try:
                names = self._server(port, min(self._limits.command_s, remaining)).get_keyword_names()
            except (OSError, http.client.HTTPException, xmlrpc.client.Error):
                time.sleep(_POLL_S)
                continue
            if isinstance(names, list) and _KEYWORD in names:
                return
            raise _PortTaken

    def _server(self, port: int, limit_s: float) -> xmlrpc.client.ServerProxy:
        return xmlrpc.client.ServerProxy(
            f"http://127.0.0.1:{port}/", transport=_Transport(limit_s), allow_none=True
        )

    def _keyword(self, name: str, arguments: list[str], limit_s: float) -> str:
        """Run a Robot Framework keyword and return what it returns.

        Raises:
            DeviceError: it fails, takes longer than `limit_s`, or Renode has ended.
        """
        assert self._port is not None
        what = " ".join((name, *arguments))
        try:
            result = self._server(self._port, limit_s).run_keyword(name, arguments)
        except TimeoutError as error:
            raise DeviceError(
                f"Renode did not finish {what!r} within {limit_s:g} s: {self.log_tail()}", hint=_REPORT_HINT
            ) from error
        except xmlrpc.client.Fault as fault:
            raise DeviceError(
                f"Renode refuses {what!r}: {fault.faultString}",
                hint="this version of Renode is not one that the driver knows; docs/emulators.md names them",
            ) from fault
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            raise self.failure(f"Renode's server gave no answer to {what!r} ({error})") from error
        if not isinstance(result, dict) or result.get("status") != "PASS":
            said = result.get("error", "") if isinstance(result, dict) else result
            raise DeviceError(f"Renode failed at {what!r}: {str(said).strip()}", hint=_REPORT_HINT)
        return str(result.get("return", "") or "").strip()

    def command(self, line: str) -> str:
        """Run a line of Renode's monitor and return what it prints.

        Raises:
            DeviceError: it fails, takes longer than its time limit, or Renode has ended.
        """
        return self._keyword(_KEYWORD, [line], self._limits.command_s)

    def log_to_file(self) -> None:
        """From now on keep Renode's own errors for `log_tail`. A version that cannot is used without.

        Errors only: the model of the nRF52's watchdog warns each time that its CONFIG is read, which an idle firmware
        does as fast as it can.
        """
        for line in (f"logFile @{self.folder / _LOG_NAME}", "logLevel 3"):
            with contextlib.suppress(DeviceError):
                self.command(line)

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process is not None and self._process.poll() is None

    def failure(self, what: str) -> DeviceError:
        """An error that says `what` went wrong, how the process is, and what it said last."""
        status = None
        if self._process is not None:
            # Its connections end a little before it does.
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = self._process.wait(_DEATH_S)
        state = "it still runs" if status is None else f"it ended with exit status {status}"
        return DeviceError(f"{what}; {state}: {self.log_tail()}", hint=_REPORT_HINT)

    def log_tail(self) -> str:
        """The end of what Renode printed and logged."""
        said = []
        for name in ("output.log", _LOG_NAME):
            with contextlib.suppress(OSError):
                said.append((self.folder / name).read_bytes()[-_LOG_BYTES:].decode(errors="replace").strip())
        return "\n".join(filter(None, said)) or "it said nothing"

    def close(self) -> None:
        """End it, by request, else by force when its time is up. May be called twice."""
        end = time.monotonic() + self._limits.stop_s
        if self.is_running and self._port is not None:
            with contextlib.suppress(DeviceError):
                self._keyword("StopRemoteServer", [], self._limits.stop_s / 2)
            assert self._process is not None
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(max(0.0, end - time.monotonic()))
        self._kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _kill(self) -> None:
        """The whole process group: `renode` may be a script that started the real program."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(_KILL_LIMIT_S)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0

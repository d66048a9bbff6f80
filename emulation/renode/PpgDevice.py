"""Robot Framework keywords for the firmware of ppg-deploy: on Renode, or on a real board at a serial port.

The console speaks binary frames (docs/wire-protocol.md), which Renode's own terminal keywords cannot read; hence this
library. It starts Renode itself, with the driver that `ppg-deploy bench --emulator renode` uses, so the suites run with
plain `robot` as well as with `renode-test`. It works from a checkout: nothing has to be installed but pyserial,
pydantic and numpy, which ppg-deploy needs anyway.
"""

import shutil
import sys
import time
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[2]
if str(_REPOSITORY / "toolchain") not in sys.path:
    sys.path.insert(0, str(_REPOSITORY / "toolchain"))

from ppg_deploy.boards import Board, load_board  # noqa: E402
from ppg_deploy.ports import Connection, emulated_board, open_emulator, open_serial  # noqa: E402
from ppg_deploy.ports.renode_port import RenodeStream  # noqa: E402
from ppg_deploy.ports.renode_process import DEFAULT_LIMITS, RenodeProcess  # noqa: E402
from ppg_deploy.ports.renode_program import find_renode  # noqa: E402
from ppg_deploy.wire import Client, DeviceInfo, RunResult, table  # noqa: E402
from ppg_deploy.wire.framing import FrameDecoder, Packet, encode_packet  # noqa: E402
from ppg_deploy.wire.messages import ErrorReply, pack, unpack_reply  # noqa: E402

_POLL_S = 0.2
_REPLY_LIMIT_S = 10.0
_RUN_LIMIT_S = 120.0
_ECHO_BYTES = 512
_GARBAGE = bytes(range(255, 0, -1)) * 3 + b"\0"
# The call, the reading of the counter and interrupts lie between the two counts.
_COUNT_SLACK = 200_000


class PpgDevice:
    """See the module."""

    ROBOT_LIBRARY_SCOPE = "SUITE"
    ROBOT_AUTO_KEYWORDS = True

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._board: Board | None = None
        self._client: Client | None = None
        self._booted: DeviceInfo | None = None
        self._first: RunResult | None = None
        self._bare: RenodeProcess | None = None

    def start_device(self, board: str, elf: str, renode: str = "", port: str = "", baud: str = "") -> None:
        """Start ELF on Renode's model of BOARD; with PORT, open that serial port of a board that runs it instead."""
        self.stop_device()
        self._board = load_board(board)
        if port:
            self._connection = open_serial(port, int(baud or self._board.uart.baud))
        else:
            self._connection = open_emulator(
                "renode", elf=Path(elf), board=emulated_board(self._board), renode=renode or None
            )

    def stop_device(self) -> None:
        """End Renode, or close the port. May be called at any time."""
        if self._connection is not None:
            self._connection.close()
        if self._bare is not None:
            self._bare.close()
        self._connection = self._client = self._booted = self._first = self._bare = None

    def device_should_boot(self, *causes: str) -> str:
        """Wait for BOOT and check it; CAUSES are the reasons for the restart that may be given. Returns the reason."""
        board, connection = self._expected_board(), self._open()
        packet = self._packet(table.BOOT.type, connection.boot_wait_s)
        _require(packet.sequence == 0, f"BOOT has sequence number {packet.sequence}, not 0")
        info = unpack_reply(table.BOOT, DeviceInfo, packet.data)
        _require(info.session == 0, f"BOOT names session {info.session}, not 0")
        _require(info.board_id == board.id, f"the firmware is for {info.board_id}, not {board.id}")
        _require(info.bsp_status == 0, f"start-up problems: {'; '.join(info.bsp_problems)}")
        _require(
            info.clock_hz == board.clock_hz, f"the core runs at {info.clock_hz} Hz, not {board.clock_hz}"
        )
        _require(info.model_status == 0, f"the model is not ready: {info.model_status}")
        _require(info.counter_name == "dwt", f"the cycle counter is {info.counter_name}, not dwt")
        if causes:
            known = [cause.lower() for cause in causes]
            _require(
                info.restart_name in known, f"restarted by {info.restart_name}, not {' or '.join(known)}"
            )
        self._booted = info
        return info.restart_name

    def reset_real_board(self) -> None:
        """A board at a port runs already: have it restarted, so that it says BOOT. Nothing to do on Renode."""
        if self._open().emulator is None:
            client = Client(self._open().stream)
            client.connect(boot_wait_s=0.0, timeout_s=_REPLY_LIMIT_S)
            client.reset()

    def hello_should_be_answered(self) -> None:
        """Open a session; the answer must agree with BOOT."""
        self._client = Client(self._open().stream, timeout_s=_REPLY_LIMIT_S, run_timeout_s=_RUN_LIMIT_S)
        info = self._client.connect(boot_wait_s=0.0, timeout_s=3 * _REPLY_LIMIT_S)
        booted = self._booted
        _require(booted is not None, "no BOOT was seen before")
        assert booted is not None
        for name in ("board_id", "build_id", "model_sha256", "clock_hz", "input_bytes", "output_bytes"):
            told, before = getattr(info, name), getattr(booted, name)
            _require(told == before, f"HELLO says {name} {told}, BOOT said {before}")

    def echo_should_return_every_byte(self) -> None:
        """The longest frame that there is, with every byte value: the receive interrupt must lose none."""
        payload = bytes(index % 256 for index in range(_ECHO_BYTES))
        self._session().echo(payload)
        self._session().echo(bytes(_ECHO_BYTES))

    def garbage_should_be_survived(self) -> None:
        """Bytes that are no frame, and a frame with a wrong CRC, are counted and otherwise ignored."""
        before = self._session().statistics()
        broken = bytearray(encode_packet(Packet(table.ECHO.request.type, 1, b"abc")))
        broken[-3] ^= 0x10
        self._open().stream.write(b"\0" + _GARBAGE + bytes(broken) + b"\0")
        self._session().echo(b"after garbage")
        after = self._session().statistics()
        refused = [
            sum((one.crc_errors, one.cobs_errors, one.malformed, one.oversize)) for one in (before, after)
        ]
        _require(refused[1] > refused[0], "the garbage was not counted")

    def request_without_session_should_be_refused(self) -> None:
        """After a restart the board takes no request before HELLO."""
        request = Packet(table.STATISTICS.request.type, 7, pack(table.STATISTICS.request))
        self._open().stream.write(encode_packet(request))
        reply = unpack_reply(table.ERROR, ErrorReply, self._packet(table.ERROR.type, _REPLY_LIMIT_S).data)
        _require(reply.status_name == "NO_SESSION", f"refused as {reply.status_name}, not NO_SESSION")

    def one_inference_should_succeed(self) -> int:
        """Run the model on a fixed pattern; returns the ticks that it took."""
        client = self._session()
        window = bytes((7 * index + 3) % 256 for index in range(client.info.input_bytes))
        result = client.infer(window)
        _require(result.status == 0, f"the model says {result.status}")
        size = client.info.output_bytes
        _require(len(result.output) == size, f"{len(result.output)} bytes of output, not {size}")
        _require(result.ticks > 0, "the cycle counter stands still")
        self._first = result
        return result.ticks

    def same_inference_should_give_the_same_answer(self) -> None:
        """Bit-exact, and the count differs by little: only by interrupts."""
        first = self._first
        _require(first is not None, "no inference was run before")
        assert first is not None
        self.one_inference_should_succeed()
        again = self._first
        assert again is not None
        _require(again.output == first.output, "the same window gives another answer")
        differ = abs(again.ticks - first.ticks)
        _require(
            differ <= first.ticks // 100 + 1000, f"{first.ticks} ticks the first time, then {again.ticks}"
        )

    def ticks_should_be_instructions(self, runs: str = "5") -> None:
        """RUNS inferences: the device's ticks against Renode's own count of executed instructions.

        Renode's count has everything in it, the device's only the inferences: it must be a little smaller.
        """
        stream = self._open().stream
        _require(isinstance(stream, RenodeStream), "only Renode counts instructions")
        assert isinstance(stream, RenodeStream)
        client = self._session()
        self.one_inference_should_succeed()
        before = stream.executed_instructions()
        ticks = [client.run().ticks for _ in range(int(runs))]
        executed = stream.executed_instructions() - before
        _require(sum(ticks) <= executed + _COUNT_SLACK, f"{sum(ticks)} ticks, but {executed} instructions")
        _require(min(ticks) > 1000, f"an inference of {min(ticks)} ticks")

    def device_should_stay_alive(self, seconds: str) -> None:
        """Idle for SECONDS of real time, in which Renode's time runs far ahead: the watchdog must be fed from sleep."""
        session = self._session().info.session
        time.sleep(float(seconds))
        self._session().echo(b"still there?")
        _require(self._session().info.session == session, "the session is another one")

    def nothing_should_be_lost(self) -> None:
        """No overrun and no broken frame since the start."""
        counted = self._session().statistics()
        for name in ("uart_overruns", "crc_errors", "cobs_errors", "malformed", "oversize"):
            _require(getattr(counted, name) == 0, f"the board counts {getattr(counted, name)} {name}")

    def restart_device(self) -> None:
        """Ask for a restart; BOOT comes next."""
        self._session().reset()
        self._client = None

    def load_platform(self, board: str, renode: str = "") -> None:
        """Load BOARD's renode.repl into a machine without firmware, for `Register Should Read`."""
        self.stop_device()
        platform = emulated_board(load_board(board)).renode_platform
        _require(platform is not None, f"{board} has no renode.repl")
        assert platform is not None
        self._bare = RenodeProcess(find_renode(renode or None)[0], DEFAULT_LIMITS)
        # A copy, because a path in a monitor command must not hold a space.
        copy = shutil.copyfile(platform, self._bare.folder / platform.name)
        self._bare.command('mach create "dut"')
        self._bare.command(f"machine LoadPlatformDescription @{copy}")

    def register_should_read(self, address: str, value: str) -> None:
        """The 32 bits at ADDRESS, as a debugger would read them."""
        read = int(self._platform().command(f"sysbus ReadDoubleWord {address}"), 0)
        _require(read == int(value, 0), f"{address} reads {read:#010x}, not {int(value, 0):#010x}")

    def register_should_have_bits(self, address: str, bits: str) -> None:
        """All of BITS are set in the 32 bits at ADDRESS."""
        read = int(self._platform().command(f"sysbus ReadDoubleWord {address}"), 0)
        _require(read & int(bits, 0) == int(bits, 0), f"{address} reads {read:#010x}, without {bits}")

    def write_register(self, address: str, value: str) -> None:
        """Write 32 bits, as a debugger would."""
        self._platform().command(f"sysbus WriteDoubleWord {address} {value}")

    def _expected_board(self) -> Board:
        assert self._board is not None, "Start Device comes first"
        return self._board

    def _open(self) -> Connection:
        assert self._connection is not None, "Start Device comes first"
        return self._connection

    def _platform(self) -> RenodeProcess:
        assert self._bare is not None, "Load Platform comes first"
        return self._bare

    def _session(self) -> Client:
        assert self._client is not None, "Hello Should Be Answered comes first"
        return self._client

    def _packet(self, kind: int, limit_s: float) -> Packet:
        stream, decoder = self._open().stream, FrameDecoder()
        end = time.monotonic() + limit_s
        received = bytearray()
        while time.monotonic() < end:
            stream.timeout = _POLL_S
            # One byte at a time: what follows the packet belongs to the next keyword.
            data = stream.read(1)
            received += data
            for packet in decoder.feed(data):
                if packet.type == kind:
                    return packet
        shown = bytes(received[-60:]).hex(" ") or "nothing"
        raise AssertionError(f"no packet of type {kind:#04x} within {limit_s:g} s; received: {shown}")


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise AssertionError(otherwise)

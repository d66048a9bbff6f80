"""The EEMBC application in C under sanitizers: every command, and everything that is none."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from app_device import FakeModel, PipeStream, compile_program, compile_sources_for_target, running

from tests.support.commands import requires_compiler
from tests.support.eembc_host import EembcHost

_CHECKOUT = Path(__file__).resolve().parents[2]
_FIRMWARE = _CHECKOUT / "firmware"
_HERE = Path(__file__).parent
MODEL = FakeModel(input_bytes=70, output_bytes=3, operators=1)

_CONFIG = """
#include <stdint.h>
#define PPG_EEMBC_VENDOR "a vendor"
#define PPG_EEMBC_PROFILE "a profile"
#define PPG_EEMBC_MODEL_ID "ppg-fake"
#define PPG_EEMBC_MODE "{mode}"
#define PPG_EEMBC_ENERGY_MODE {energy}
typedef int8_t ppg_eembc_code_t;
#define PPG_EEMBC_SCALE_MANTISSA {mantissa}ull
#define PPG_EEMBC_SCALE_SHIFT {shift}u
#define PPG_EEMBC_ZERO_POINT ({zero_point})
"""


def write_config(folder: Path, *, mantissa: int, shift: int, zero_point: int, energy: bool) -> None:
    """What `build` renders."""
    (folder / "ppg_eembc_config.h").write_text(
        _CONFIG.format(
            mode="energy" if energy else "performance",
            energy=int(energy),
            mantissa=mantissa,
            shift=shift,
            zero_point=zero_point,
        )
    )


def compile_eembc(
    folder: Path, *, mantissa: int = 1, shift: int = 1, zero_point: int = 3, energy: bool = False
) -> Path:
    """The application with the fake board and model; by default real = 0.5 * (code - 3)."""
    write_config(folder, mantissa=mantissa, shift=shift, zero_point=zero_point, energy=energy)
    fakes = _HERE / "app"
    return compile_program(
        folder / "device",
        [
            _FIRMWARE / "app" / "main.c",
            *sorted((_FIRMWARE / "eembc").glob("*.c")),
            fakes / "fake_bsp.c",
            fakes / "fake_model.c",
            *([_HERE / "eembc" / "fake_gate.c"] if energy else []),
        ],
        *(["-Wl,--wrap=ppg_bsp_counter"] if energy else []),
        f"-I{folder}",
        f"-I{_FIRMWARE / 'eembc'}",
        *MODEL.defines,
    )


@requires_compiler
@pytest.mark.parametrize("energy", [False, True])
def test_no_warnings_for_the_target(tmp_path: Path, energy: bool) -> None:
    write_config(tmp_path, mantissa=1, shift=1, zero_point=3, energy=energy)
    compile_sources_for_target(
        tmp_path,
        sorted((_FIRMWARE / "eembc").glob("*.c")),
        f"-I{tmp_path}",
        f"-I{_FIRMWARE / 'eembc'}",
        *MODEL.defines,
    )


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_eembc(tmp_path_factory.mktemp("eembc"))


@pytest.fixture
def stream(program: Path) -> Iterator[PipeStream]:
    with running(program) as device:
        yield device


@pytest.fixture
def host(stream: PipeStream) -> EembcHost:
    host = EembcHost(stream, limit_s=5)
    host.boot("performance")
    return host


def window(seed: int) -> bytes:
    return bytes([1]) + random.Random(seed).randbytes(MODEL.input_bytes - 1)


def halves(data: bytes) -> tuple[str, ...]:
    """0.5 * (code - 3) of the fake model's answer, written down by hand."""
    texts = []
    for byte in MODEL.output(data):
        steps = (byte - 256 if byte > 127 else byte) - 3
        sign = "-" if steps < 0 else ""
        texts.append(f"{sign}{abs(steps) // 2}.{'500' if steps % 2 else '000'}")
    return tuple(texts)


def test_identity(host: EembcHost) -> None:
    assert host.name() == "a vendor"
    assert host.profile() == ("a profile", "ppg-fake")


@pytest.mark.usefixtures("host")
def test_a_reply_byte_by_byte(stream: PipeStream) -> None:
    stream.write(b"name%")
    stream.timeout = 5
    expected = b"m-name-dut-[a vendor]\r\nm-ready\r\n"
    assert stream.read(len(expected)) == expected


def test_the_runner_s_order(host: EembcHost) -> None:
    for seed, chunk in ((1, 31), (2, 26), (3, 1)):
        host.download(window(seed), chunk_bytes=chunk)
        assert host.infer(3, 2).results == halves(window(seed))


def test_times(host: EembcHost) -> None:
    """Run k of the fake model takes 1000 + k ticks of 80 MHz; its counter wraps in the very first run."""
    host.download(window(1))
    first = host.infer(4, 2)
    # ticks before: 1000 + 1001; then 1002 + 1003 + 1004 + 1005
    assert first.laps_us == (2001 // 80, 6015 // 80)
    second = host.infer(1, 0)
    assert second.laps_us == (6015 // 80, 7021 // 80)
    assert host.send("timestamp") == [f"m-lap-us-{7021 // 80}"]


def test_results_are_kept(host: EembcHost) -> None:
    assert host.send("results") == ["e-[No inference yet]"]
    host.download(window(4))
    host.infer(1, 0)
    assert host.send("results") == [f"m-results-[{','.join(halves(window(4)))}]"]


def test_warm_ups_are_ten_unless_given(host: EembcHost) -> None:
    host.download(window(1))
    assert "m-warmup-start-10" in host.send("infer 2")
    lines = host.send("infer")
    assert "m-warmup-start-10" in lines
    assert "m-infer-start-1" in lines


def test_db_print(host: EembcHost) -> None:
    data = bytes(range(100, 170))
    host.download(data)
    lines = host.send("db print")
    assert lines[0] == "m-buffer-64-65-66-67-68-69-6a-6b"
    assert lines[-1] == "m-buffer-a4-a5-a6-a7-a8-a9"
    assert bytes.fromhex("".join(line.removeprefix("m-buffer-").replace("-", "") for line in lines)) == data


def test_hexadecimal_in_either_case(host: EembcHost) -> None:
    host.send(f"db load {MODEL.input_bytes}")
    host.send("db aBCdEf")
    assert host.send("db print")[0].startswith("m-buffer-ab-cd-ef-")


def test_help_names_every_command(host: EembcHost) -> None:
    text = "\n".join(host.send("help"))
    for command in ("help", "name", "profile", "timestamp", "db load", "db print", "infer", "results"):
        assert command in text


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("", "e-[Unknown command: ]"),
        ("names", "e-[Unknown command: names]"),
        ("NAME", "e-[Unknown command: NAME]"),
        ("db", "e-[Command 'db' requires a subcommand]"),
        ("db load", "e-[Command 'db load' requires the # of bytes]"),
        ("db load 0", "e-[The model's input has 70 bytes]"),
        ("db load 69", "e-[The model's input has 70 bytes]"),
        ("db load 71", "e-[The model's input has 70 bytes]"),
        ("db load -70", "e-[The model's input has 70 bytes]"),
        ("db load 4294967366", "e-[The model's input has 70 bytes]"),  # 2^32 + 70
        ("db load 18446744073709551686", "e-[The model's input has 70 bytes]"),  # 2^64 + 70
        ("db 00", "e-[Command 'db load' must come first]"),
        ("db 0", "e-[Insufficient number of hex digits]"),
        ("db 0g", "e-[Invalid hex digit in '0g']"),
        ("db printed", "e-[Invalid hex digit in 'printed']"),
        ("infer 1 0", "e-[No input loaded]"),
        ("infer 0", "e-[Inference iterations must be >0]"),
        ("infer -1 0", "e-[Inference iterations must be >0]"),
        ("infer one", "e-[Inference iterations must be >0]"),
        ("infer 4294967296 0", "e-[Inference iterations must be >0]"),
        ("infer 1 -1", "e-[Inference warmup must be >=0]"),
        ("infer 1 x", "e-[Inference warmup must be >=0]"),
        (b"\x00\xff\x1b name", "e-[Unknown command: ???]"),
    ],
)
def test_refusals(host: EembcHost, command: str | bytes, answer: str) -> None:
    assert host.send(command) == [answer]
    assert host.name() == "a vendor"


def test_spaces_and_line_ends_around_words(host: EembcHost) -> None:
    assert host.send("\r\n  name  \r\n") == ["m-name-dut-[a vendor]"]


def test_eighty_characters_fit_and_one_more_does_not(host: EembcHost) -> None:
    assert host.send("x" * 80) == [f"e-[Unknown command: {'x' * 80}]"]
    for length in (81, 82, 500, 5000):
        assert host.send("x" * length) == ["e-[Command longer than 80 characters]"]
    assert host.name() == "a vendor"


def test_the_longest_chunk_of_the_runner_fits(host: EembcHost) -> None:
    host.send(f"db load {MODEL.input_bytes}")
    assert host.send(f"db {'5a' * 31}") == []
    assert host.send(f"db {'5a' * 38}") == []  # 79 characters, 69 bytes so far
    assert host.send("db 5a") == ["m-load-done"]


def test_a_chunk_with_a_wrong_digit_changes_nothing(host: EembcHost) -> None:
    host.send(f"db load {MODEL.input_bytes}")
    host.send("db 010203")
    before = host.send("db print")
    assert host.send("db 0405zz") == ["e-[Invalid hex digit in '0405zz']"]
    assert host.send("db 04050") == ["e-[Insufficient number of hex digits]"]
    assert host.send("db print") == before
    host.send("db 04")
    assert host.send("db print")[0].startswith("m-buffer-01-02-03-04-")


def test_nothing_is_stored_beyond_the_input(host: EembcHost) -> None:
    """The sanitizers watch the bytes behind it."""
    host.download(bytes(69) + b"\x07")
    assert host.send("db 0102") == ["e-[Command 'db load' must come first]"]
    host.send("db load 70")
    for _ in range(2):
        host.send(f"db {'11' * 31}")
    assert host.send(f"db {'22' * 31}") == ["m-load-done"]
    assert host.send("db print")[-1] == "m-buffer-22-22-22-22-22-22"


def test_an_incomplete_input_is_not_inferred(host: EembcHost) -> None:
    host.download(window(1))
    host.send("db load 70")
    host.send("db 0011")
    assert host.send("infer 1 0") == ["e-[No input loaded]"]


def test_a_failing_inference_gives_no_times_and_no_results(host: EembcHost) -> None:
    host.download(window(1))
    host.infer(1, 0)
    host.download(b"\x7f" + bytes(69))  # the fake model refuses a first byte of 127
    assert host.send("infer 2 0") == [
        "m-warmup-start-0",
        "m-warmup-done",
        "m-infer-start-2",
        *[line for line in host.lines if line.startswith("m-lap-us-")][-1:],
        "e-[Inference failed: -7]",
    ]
    assert host.send("results") == ["e-[No inference yet]"]


def test_a_model_that_does_not_start(program: Path) -> None:
    with running(program, {"FAKE_INIT_STATUS": "-5"}) as stream:
        host = EembcHost(stream, limit_s=5)
        host.boot("performance")
        host.download(window(1))
        assert host.send("infer 1 0") == ["e-[Model not ready: -5]"]


def test_a_crash_is_told_and_the_board_starts_again(host: EembcHost) -> None:
    """The fake model crashes on a first byte of 126; 0x01020304 is 16909060."""
    host.download(b"\x7e" + bytes(69))
    lines = host.send("infer 1 0")
    assert lines[-5:-3] == ["", "e-[Fault 2: exception 16909060, CFSR 11121314, pc 41424344, lr 51525354]"]
    assert lines[-3] == "m-timestamp-mode-performance"
    assert lines[-1] == "m-init-done"
    assert host.send("infer 1 0") == ["e-[No input loaded]"]


def test_garbage(program: Path) -> None:
    """Random bytes, pieces of commands among them: each '%' is answered by one m-ready, and the device lives on."""
    choose = random.Random(6)
    pieces = [
        b"db load 70",
        b"db ",
        b"infer 1 0",
        b"db print",
        b"results",
        b" ",
        b"ff",
        b"%",
        b"%",
        b"7" * 50,
    ]
    data = b"".join(
        choose.choice(pieces) if choose.random() < 0.5 else choose.randbytes(choose.randrange(60))
        for _ in range(3000)
    )
    with running(program) as stream:
        host = EembcHost(stream, limit_s=20)
        host.boot("performance")
        for start in range(0, len(data), 1000):
            part = data[start : start + 1000]
            stream.write(part)
            for _ in range(part.count(b"%")):
                assert host.reply()[-1] == "m-ready"
        stream.write(b"%")
        host.reply()
        assert host.name() == "a vendor"


@pytest.mark.parametrize(
    ("mantissa", "shift", "zero_point", "code", "text"),
    [
        (1, 1, 0, 3, "1.500"),
        (1, 4, 0, 1, "0.062"),  # 0.0625, a tie to the even
        (3, 4, 0, 1, "0.188"),  # 0.1875, a tie to the even
        (3, 4, 0, -1, "-0.188"),
        (1, 12, 0, -1, "0.000"),  # -0.000244 is no "-0.000"
        (1, 10, 0, -1, "-0.001"),  # -0.00098
        (13816531, 24, -128, 127, "210.000"),  # the demo student's largest code: 255 * 0.82352942...
        (2**36 - 1, 0, -128, 127, "17523466567425.000"),  # 255 * (2^36 - 1)
        (2**36 - 1, 63, -128, 127, "0.000"),
        (0, 0, 5, 100, "0.000"),
    ],
)
def test_numbers(tmp_path: Path, mantissa: int, shift: int, zero_point: int, code: int, text: str) -> None:
    program = compile_eembc(tmp_path, mantissa=mantissa, shift=shift, zero_point=zero_point)
    # output[0] of the fake model is input[0] + 2 * input[1] + ...; it refuses 127 as the first byte.
    data = (b"\x7d\x01" if code == 127 else bytes([code & 0xFF, 0])) + bytes(68)
    with running(program) as stream:
        host = EembcHost(stream, limit_s=5)
        host.boot("performance")
        host.download(data)
        assert host.infer(1, 0).results[0] == text


def test_energy_mode_marks_with_the_pin_and_sends_no_times(tmp_path: Path) -> None:
    edge = r"<low (\d+) high>"
    with running(compile_eembc(tmp_path, energy=True)) as stream:
        host = EembcHost(stream, limit_s=5)
        # The pin is high before the first message: its first edge is the first timestamp.
        first, second, third = host.reply()
        assert re.fullmatch(r" \d+ high>m-timestamp-mode-energy", first)
        assert re.fullmatch(f"{edge}m-init-done", second)
        assert third == "m-ready"
        host.download(window(1))
        lines = host.send("infer 2 1")
        marked = re.fullmatch(f"{edge}{edge}m-infer-done", lines.pop(3))
        assert marked is not None
        # at least a microsecond at 80 MHz, and not so long that it counts
        assert all(80 <= int(ticks) <= 8000 for ticks in marked.groups())
        assert lines == [
            "m-warmup-start-1",
            "m-warmup-done",
            "m-infer-start-2",
            f"m-results-[{','.join(halves(window(1)))}]",
        ]
        stream.write(b"timestamp%")
        (only,) = host.reply()
        assert re.fullmatch(f"{edge}m-ready", only)

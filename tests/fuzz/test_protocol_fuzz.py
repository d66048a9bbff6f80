"""A slice of `make fuzz-protocol`, and that the harness notices what it is for."""

import shutil
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from ppg_deploy.wire import table
from tests.fuzz import host_decoder
from tests.fuzz.firmware_build import SANITIZERS, Target, build, targets
from tests.fuzz.make_protocol_corpus import CORPUS, corpora
from tests.fuzz.protocol import run_host, run_target

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
EXECUTIONS = 100_000


class Programs:
    """Each target's program, built when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._built: dict[str, Path] = {}

    def of(self, target: Target) -> Path:
        if target.name not in self._built:
            self._built[target.name] = build(target, self._folder)
        return self._built[target.name]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    return Programs(tmp_path_factory.mktemp("programs"))


@pytest.mark.parametrize("target", targets(), ids=lambda target: target.name)
def test_no_input_breaks_a_promise(target: Target, programs: Programs, tmp_path: Path) -> None:
    count = EXECUTIONS * target.share // 100
    campaign = run_target(target, programs.of(target), first=0, count=count, keep=tmp_path)
    assert campaign.bad == ""
    assert campaign.executions == count


def test_shares_make_a_whole() -> None:
    assert sum(target.share for target in targets()) == 100


def test_the_host_decodes_what_the_firmware_does(programs: Programs, tmp_path: Path) -> None:
    both = {target.name: programs.of(target) for target in targets() if target.name in ("app", "codec")}
    counts = run_host(both, tmp_path, first=0, count=500)
    assert counts["compare_with_firmware"] > 450
    assert counts["decode_replies"] > 2000
    # Inputs that are always or never accepted would test nothing.
    assert 0 < counts["fuzz_messages"] < 2500
    assert 0 < counts["fuzz_cobs"] < 500
    assert counts["fuzz_client"] > 10


def test_a_difference_between_the_decoders_is_noticed(tmp_path: Path) -> None:
    frame = b"\0\x04\x03\x08\x01\x02\x03\x08\x70\x70\x67\xe7\xa7\xae\x45\0"  # the example of docs/wire-protocol.md
    packet = bytes([table.PROTOCOL_VERSION, 8]) + struct.pack("<H", 1) + b"ppg"
    trace = tmp_path / "trace"
    for counters, noticed in (((1, 0, 0, 0, 0), False), ((1, 1, 0, 0, 0), True)):
        records = ((b"I", frame), (b"P", packet), (b"C", struct.pack("<5I", *counters)))
        trace.write_bytes(b"".join(struct.pack("<cI", kind, len(data)) + data for kind, data in records))
        if noticed:
            with pytest.raises(AssertionError):
                host_decoder.compare_with_firmware(trace)
        else:
            assert host_decoder.compare_with_firmware(trace) == 1


# What may be wrong, in which file, and in which target it shows.
BUGS = {
    "an offset that wraps": (
        "app", "ppg_commands.c",
        "offset > PPG_MODEL_INPUT_BYTES || chunk_bytes > PPG_MODEL_INPUT_BYTES - offset",
        "offset + chunk_bytes > PPG_MODEL_INPUT_BYTES",
    ),
    "a block that reaches beyond": ("codec", "ppg_cobs.c", "code > length - position", "code > length"),
    "a command that is too long": (
        "eembc", "ppg_eembc_line.c", "length < PPG_EEMBC_COMMAND_BYTES", "length <= PPG_EEMBC_COMMAND_BYTES",
    ),
}  # fmt: skip


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str, tmp_path: Path) -> None:
    name, file, right, wrong = BUGS[bug]
    (target,) = (target for target in targets() if target.name == name)
    (original,) = (path for path in target.tested if path.name == file)
    source = original.read_text()
    assert source.count(right) == 1
    planted = tmp_path / file
    planted.write_text(source.replace(right, wrong))
    tested = tuple(planted if path == original else path for path in target.tested)
    broken = replace(target, tested=tested)
    campaign = run_target(
        broken, build(broken, tmp_path, SANITIZERS), first=0, count=5000, keep=tmp_path / "keep"
    )
    assert (
        "ERROR: AddressSanitizer" in campaign.bad
        or "not kept" in campaign.bad
        or "runtime error" in campaign.bad
    )


def test_the_kept_corpus_is_what_its_program_writes() -> None:
    for folder, made in corpora().items():
        kept = {path.stem: path.read_bytes() for path in (CORPUS / folder).glob("*.bin")}
        assert kept == made
    assert sum(path.stat().st_size for path in CORPUS.rglob("*.bin")) < 200_000

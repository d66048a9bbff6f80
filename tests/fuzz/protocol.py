"""Program: fuzz the wire protocol, the firmware's side under AddressSanitizer and UndefinedBehaviorSanitizer.

    python -m tests.fuzz.protocol --executions 5000000      as `make fuzz-protocol` does; about four minutes
    python -m tests.fuzz.protocol --only app:1234567        one input again, with its messages
    python -m tests.fuzz.protocol --play app FILE           an input that was kept
    python -m tests.fuzz.protocol --coverage                lines that the corpus and 20,000 inputs reach

Inputs have numbers: the same number, corpus and tests/fuzz/firmware/mutate.c give the same bytes. An input that ends
badly is left in --keep, and the exit code is 1. Prints one JSON object.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.fuzz import host_decoder
from tests.fuzz.firmware_build import Target, build, line_coverage, targets

CORPUS = Path(__file__).parent / "corpus"
_LIMIT_S = 3600
_HOST_SHARE = 500
"""One message, COBS line or session of the host's side for so many executions of the firmware's."""


@dataclass(frozen=True)
class Campaign:
    """What one target went through up to its first complaint, `bad`; that is empty when every promise was kept."""

    target: str
    executions: int
    seconds: float
    per_second: int
    bad: str


def run_target(target: Target, program: Path, *, first: int, count: int, keep: Path) -> Campaign:
    """Inputs `first` to `first` + `count` - 1 of one target, after every file of its corpus."""
    keep.mkdir(parents=True, exist_ok=True)
    corpus = CORPUS / target.corpus
    started = time.monotonic()
    complaints = _run([str(program), "play", *map(str, sorted(corpus.glob("*.bin")))])
    if not complaints:
        crash = keep / f"{target.name}.bin"
        complaints = _run([str(program), "fuzz", str(corpus), str(first), str(count), str(crash)])
    seconds = time.monotonic() - started
    stopped_at = re.search(r"^input (\d+)$", complaints, re.MULTILINE)
    done = int(stopped_at[1]) - first + 1 if stopped_at else 0 if complaints else count
    return Campaign(target.name, done, round(seconds, 1), round(done / seconds), complaints)


def _run(command: list[str]) -> str:
    """What the program complained about; empty when it did not."""
    done = subprocess.run(command, capture_output=True, timeout=_LIMIT_S, check=False)
    messages = done.stderr.decode(errors="replace").strip()
    return messages or f"ended with {done.returncode}" if done.returncode else ""


def run_host(programs: dict[str, Path], scratch: Path, *, first: int, count: int) -> dict[str, int]:
    """The host's decoder on what the firmware's programs put on the line, and on its own inputs; counts of each.

    Raises:
        AssertionError: the two sides differ, or a promise of the host is broken.
    """
    corpus, trace = str(CORPUS / "protocol"), scratch / "trace"
    counts = {}
    for name, check in (
        ("codec", host_decoder.compare_with_firmware),
        ("app", host_decoder.decode_replies),
    ):
        inputs = [
            str(programs[name]),
            "fuzz",
            corpus,
            str(first),
            str(count),
            str(scratch / "crash"),
            str(trace),
        ]
        subprocess.run(inputs, check=True, timeout=_LIMIT_S)
        counts[check.__name__] = check(trace)
        trace.unlink()
    counts["fuzz_messages"] = host_decoder.fuzz_messages(first, 5 * count)
    counts["fuzz_cobs"] = host_decoder.fuzz_cobs(first, count)
    counts["fuzz_client"] = host_decoder.fuzz_client(first, count // 10)
    return counts


def _asked(arguments: argparse.Namespace) -> list[tuple[Target, int, int]]:
    if arguments.only:
        name, number = arguments.only.split(":")
        return [(target, int(number), 1) for target in targets() if target.name == name]
    return [
        (target, arguments.first, max(1, arguments.executions * target.share // 100)) for target in targets()
    ]


def _play(name: str, path: str, folder: Path) -> int:
    (target,) = (target for target in targets() if target.name == name)
    return subprocess.run(
        [str(build(target, folder)), "play", path], timeout=_LIMIT_S, check=False
    ).returncode


def main() -> int:
    """0 when every promise was kept."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--executions", type=int, default=100_000, help="of all targets together")
    parser.add_argument("--first", type=int, default=0, help="number of the first input of each target")
    parser.add_argument("--only", metavar="TARGET:NUMBER", help="one input")
    parser.add_argument("--play", nargs=2, metavar=("TARGET", "FILE"), help="one input from a file")
    parser.add_argument(
        "--keep", type=Path, default=Path("build/fuzz-protocol"), help="folder for bad inputs"
    )
    parser.add_argument("--coverage", action="store_true", help="measure lines instead, by gcov")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if arguments.play:
            name, path = arguments.play
            return _play(name, path, folder)
        if arguments.coverage:
            sys.stdout.write(json.dumps(line_coverage(CORPUS, folder), indent=2) + "\n")
            return 0
        asked = _asked(arguments)
        programs = {target.name: build(target, folder) for target, _, _ in asked}
        campaigns = [
            run_target(target, programs[target.name], first=first, count=count, keep=arguments.keep.resolve())
            for target, first, count in asked
        ]
        bad = [f"{campaign.target}: {campaign.bad}" for campaign in campaigns if campaign.bad]
        host = {}
        if not arguments.only and not bad:
            share = max(10, arguments.executions // _HOST_SHARE)
            host = run_host(programs, folder, first=arguments.first, count=share)
    summary = {
        "executions": sum(campaign.executions for campaign in campaigns),
        "seconds": round(sum(campaign.seconds for campaign in campaigns), 1),
        "targets": [asdict(campaign) for campaign in campaigns],
        "host": host,
        "bad": bad,
    }
    sys.stdout.write(json.dumps(summary, indent=2) + "\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

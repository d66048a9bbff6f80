"""The ring between the UART's interrupt and the main program, against a queue."""

import random
import subprocess
from collections import deque
from pathlib import Path

import pytest
from app_device import compile_program

CHECKOUT = Path(__file__).resolve().parents[2]
COMMON = CHECKOUT / "firmware" / "bsp" / "common"
CAPACITY = 1024


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sources = [COMMON / "ppg_receive_ring.c", Path(__file__).parent / "app" / "ring_filter.c"]
    return compile_program(tmp_path_factory.mktemp("ring") / "ring", sources, f"-I{COMMON}")


def answers(program: Path, commands: bytes) -> list[int]:
    finished = subprocess.run([str(program)], input=commands, capture_output=True, timeout=60)
    assert (finished.returncode, finished.stderr) == (0, b"")
    return [int(line) for line in finished.stdout.split()]


def test_a_new_ring_is_empty(program: Path) -> None:
    assert answers(program, b"ETE") == [1, -1, 1]


def test_every_byte_value_comes_out_as_it_went_in(program: Path) -> None:
    puts = b"".join(b"P" + bytes([value]) for value in range(256))
    assert answers(program, puts + b"T" * 257) == [1] * 256 + [*range(256), -1]


def test_what_does_not_fit_is_refused_and_what_was_there_stays(program: Path) -> None:
    puts = b"".join(b"P" + bytes([number % 251]) for number in range(CAPACITY + 3))
    got = answers(program, puts + b"T" * (CAPACITY + 1) + b"Px" + b"T")
    assert got[: CAPACITY + 3] == [1] * CAPACITY + [0] * 3
    assert got[CAPACITY + 3 :] == [number % 251 for number in range(CAPACITY)] + [-1, 1, ord("x")]


@pytest.mark.parametrize("seed", range(3))
def test_like_a_queue_over_many_turns(program: Path, seed: int) -> None:
    generator = random.Random(seed)
    queue: deque[int] = deque()
    commands, expected = bytearray(), []
    for _ in range(60):
        # Long stretches of one kind, so that the ring gets full and empty, at every position.
        puts = generator.random() < 0.5
        for _ in range(generator.randrange(900)):
            if puts:
                byte = generator.randrange(256)
                commands += b"P" + bytes([byte])
                expected.append(int(len(queue) < CAPACITY))
                if len(queue) < CAPACITY:
                    queue.append(byte)
            else:
                commands += b"T"
                expected.append(queue.popleft() if queue else -1)
        commands += b"E"
        expected.append(int(not queue))
    assert 0 in expected
    assert -1 in expected
    assert answers(program, bytes(commands)) == expected

"""Damage that knows nothing of the format: flipped bits, lost and repeated pieces, extreme integers."""

import struct
from collections.abc import Callable

import numpy as np

Random = np.random.Generator
EXTREMES = (0, 1, -1, 2, 255, 65_536, 2**31 - 1, -(2**31), 0x7FFFFFF0, -2)


def _place(rng: Random, content: bytearray) -> tuple[int, int]:
    """Start and end of a piece."""
    start = int(rng.integers(0, len(content)))
    return start, min(len(content), start + int(rng.integers(1, max(2, len(content) // 4))))


def flip_bits(rng: Random, content: bytearray) -> None:
    for _ in range(int(rng.integers(1, 9))):
        content[int(rng.integers(0, len(content)))] ^= 1 << int(rng.integers(0, 8))


def replace_bytes(rng: Random, content: bytearray) -> None:
    start = int(rng.integers(0, len(content)))
    for place in range(start, min(len(content), start + int(rng.integers(1, 17)))):
        content[place] = int(rng.choice((0, 0x7F, 0x80, 0xFF, int(rng.integers(0, 256)))))


def truncate(rng: Random, content: bytearray) -> None:
    del content[int(rng.integers(0, len(content))) :]


def repeat_piece(rng: Random, content: bytearray) -> None:
    start, end = _place(rng, content)
    content[end:end] = content[start:end]


def lose_piece(rng: Random, content: bytearray) -> None:
    start, end = _place(rng, content)
    del content[start:end]


def insert_noise(rng: Random, content: bytearray) -> None:
    start, _ = _place(rng, content)
    content[start:start] = rng.bytes(int(rng.integers(1, 65)))


def overwrite_integer(rng: Random, content: bytearray) -> None:
    for _ in range(int(rng.integers(1, 4))):
        place = 4 * int(rng.integers(0, max(1, len(content) // 4)))
        content[place : place + 4] = struct.pack("<i", int(rng.choice(EXTREMES)))


MUTATIONS: tuple[Callable[[Random, bytearray], None], ...] = (
    flip_bits,
    flip_bits,
    replace_bytes,
    truncate,
    repeat_piece,
    lose_piece,
    insert_noise,
    overwrite_integer,
    overwrite_integer,
)


def mutate_bytes(rng: Random, content: bytes) -> tuple[bytes, str]:
    """(damaged content, what was done)."""
    mutation = MUTATIONS[int(rng.integers(0, len(MUTATIONS)))]
    damaged = bytearray(content)
    mutation(rng, damaged)
    return bytes(damaged), mutation.__name__

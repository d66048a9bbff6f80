"""Numbered cases: a kind and a number always give the same bytes, on every machine."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from tests.fuzz.mutate_bytes import mutate_bytes
from tests.fuzz.mutate_onnx import mutate_onnx
from tests.fuzz.mutate_tflite import mutate_tflite

Kind = Literal["onnx", "tflite"]
CORPUS = Path(__file__).parent / "corpus"
# Fixed lists: a new file may only be added at the end of a list of its own kind, or old numbers change their meaning.
FILES: dict[Kind, tuple[str, ...]] = {
    "onnx": ("rows", "residual", "separable", "causal", "expectation", "gated", "recurrent"),
    "tflite": (
        "rows", "residual", "separable", "causal", "network", "convolution", "padded-convolution", "depthwise",
        "dense", "pool", "elementwise", "pad", "float", "stranger",
    ),
}  # fmt: skip
# The last two students hold operators that the converter may not know; they are drawn less often.
_RARE = {"onnx": 2, "tflite": 2}
_MUTATE = {"onnx": mutate_onnx, "tflite": mutate_tflite}


@dataclass(frozen=True)
class Case:
    """One mutated file."""

    kind: Kind
    number: int
    source: str
    mutations: tuple[str, ...]
    content: bytes

    @property
    def name(self) -> str:
        """How a case is asked for again."""
        return f"{self.kind}:{self.number}"


def make_case(kind: Kind, number: int) -> Case:
    """Case `number` of a kind: one to three mutations of a file of the corpus, in every fourth case of raw bytes."""
    rng = np.random.default_rng([list(FILES).index(kind), number])
    files = FILES[kind]
    common = len(files) - _RARE[kind]
    source = files[int(rng.integers(0, common if rng.random() < 0.9 else len(files)))]
    content = (CORPUS / f"{source}.{kind}").read_bytes()
    raw = number % 4 == 3
    mutations: list[str] = []
    for _ in range(int(rng.choice((1, 2, 3), p=(0.6, 0.25, 0.15)))):
        if not content:
            break
        content, what = mutate_bytes(rng, content) if raw else _MUTATE[kind](rng, content)
        mutations.append(what)
    return Case(kind, number, source, tuple(mutations), content)

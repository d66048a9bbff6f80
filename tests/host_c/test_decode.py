"""firmware/decode equals the Python package bit for bit; both against hand-worked numbers and the float decoder."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ppg_deploy.card import ClassesOutput, ClipFilter, OutputCard, ScalarOutput
from ppg_deploy.decode import clip_filter, decode_bpm
from ppg_deploy.errors import InputError
from ppg_deploy.fixed_decode import (
    ClipFilterState,
    DecoderSettings,
    FilterSettings,
    card_header,
    decode_codes,
    decoder_settings,
    filter_answers,
    filter_settings,
    to_bpm,
)
from ppg_deploy.graph import DType, Quantization, Tensor
from tests.support.decode_host import RESTART, DecodeHost, run_card_header

requires_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
ONE = 1 << 16
Codes = NDArray[np.int8] | NDArray[np.int16]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> DecodeHost:
    return DecodeHost(tmp_path_factory.mktemp("decode"))


def output(size: int, scale: float, zero_point: int = 0, dtype: DType = DType.INT8) -> Tensor:
    return Tensor("y", (1, size), dtype, Quantization((scale,), (zero_point,)))


def classes(decode: str, **fields: object) -> ClassesOutput:
    settings = {"first_bin_bpm": 30.0, "bin_width_bpm": 2.0, "valid_bpm": (30.0, 210.0), **fields}
    return ClassesOutput.model_validate({"decode": decode, **settings})


SCALAR = ScalarOutput(decode="scalar", valid_bpm=(30.0, 210.0))
INT8, INT16 = np.int8, np.int16


def decoded(card: OutputCard, tensor: Tensor, rows: list[list[int]]) -> list[float]:
    codes = np.array(rows, INT8 if tensor.dtype is DType.INT8 else INT16)
    return to_bpm(decode_codes(decoder_settings(card, tensor), codes)).tolist()


def test_scalar_by_hand() -> None:
    # (code + 128) * 0.75, limited to 30 .. 210.
    tensor = output(1, 0.75, -128)
    assert decoded(SCALAR, tensor, [[-28], [0], [-128], [127]]) == [75.0, 96.0, 30.0, 191.25]
    assert decoded(SCALAR, output(1, 3.0, -128), [[-128], [127]]) == [30.0, 210.0]
    wide = output(1, 2.0**-8, 0, DType.INT16)
    assert decoded(SCALAR, wide, [[32767], [16385], [-32768]]) == [127.99609375, 64.00390625, 30.0]


def test_scalar_rounds_halves_up() -> None:
    # One code is half a unit of the last place: 30 BPM + 0.5 unit rounds to 30 BPM + 1 unit.
    tensor = output(1, 2.0**-17, 0, DType.INT16)
    low = ScalarOutput(decode="scalar", valid_bpm=(2.0**-16, 210.0))
    assert [value * ONE for value in decoded(low, tensor, [[3], [5], [4]])] == [2.0, 3.0, 2.0]


def test_ties_go_to_the_first_maximum() -> None:
    assert decoded(classes("argmax"), output(5, 0.1), [[1, 7, 7, 2, 7], [-128] * 5, [0, 0, 0, 0, 1]]) == [
        32.0,
        30.0,
        38.0,
    ]


def test_expectation_by_hand() -> None:
    # Two equal logits: halfway between their bins. At scale 1 the others weigh exp(-100), which is 0.
    card = classes("expectation")
    far = output(5, 1.0)
    assert decoded(card, far, [[-100, 0, 0, -100, -100], [0, -100, -100, -100, 0], [9] * 5]) == [
        33.0,
        34.0,
        34.0,
    ]
    # ln 2 apart: weights 1, 1/2, 1/4 of bins 30, 32, 34 make (30 + 16 + 8.5) / 1.75.
    expected = (30 + 32 / 2 + 34 / 4) / 1.75
    (answer,) = decoded(card, output(3, float(np.log(2.0))), [[2, 1, 0]])
    assert answer == pytest.approx(expected, abs=1.5 / ONE)


def test_local_expectation_by_hand() -> None:
    # 4 BPM are two bins: the peak at bin 1 sees bins 0 to 3, not the equal one at bin 4.
    card = classes("local_expectation", half_width_bpm=4.0)
    assert decoded(card, output(5, 1.0), [[-100, 0, -100, 0, 0]]) == [34.0]
    assert decoded(card, output(5, 1.0, 0, DType.INT16), [[-1000, 0, -1000, 0, 0]]) == [34.0]
    # 3.9 BPM are one bin.
    near = classes("local_expectation", half_width_bpm=3.9)
    assert decoded(near, output(5, 1.0), [[-100, 0, -100, 0, 0]]) == [32.0]


def test_half_width_of_bins_read_from_float32() -> None:
    assert classes("local_expectation", bin_width_bpm=1.0000001).half_width_bins == 10
    assert classes("local_expectation", bin_width_bpm=0.1).half_width_bins == 100
    assert classes("local_expectation", bin_width_bpm=3.0).half_width_bins == 3
    assert classes("local_expectation", bin_width_bpm=1e-300, half_width_bpm=1e300).half_width_bins > 4096


def test_clip_filter_by_hand() -> None:
    # The float case of tests/unit/test_card_windows_decode.py: 110, 94.5, 92.025.
    settings = filter_settings(ClipFilter(history=2, fraction=0.1))
    limited = filter_answers(settings, np.array([100, 100, 150, 90, 80], np.int32) * np.int32(ONE))
    # Mean of 110 and 94.5 is 102.25 or 6701056 units; a tenth of it 670105.76, so 670106 units.
    assert limited.tolist() == [100 * ONE, 100 * ONE, 110 * ONE, 189 * ONE // 2, 6701056 - 670106]


def test_filter_restarts() -> None:
    state = ClipFilterState(filter_settings(ClipFilter(history=1, fraction=0.5)))
    assert [state.next(value) for value in (100, 1000)] == [100, 150]
    state.restart()
    assert [state.next(value) for value in (1000, 100)] == [1000, 500]


def random_card(rng: np.random.Generator, bins: int) -> ClassesOutput:
    return ClassesOutput(
        decode=str(rng.choice(["argmax", "expectation", "local_expectation"])),  # type: ignore[arg-type]
        first_bin_bpm=float(rng.uniform(20, 60)),
        bin_width_bpm=float(rng.uniform(0.05, min(1.5 * 180 / bins, 100.0))),
        half_width_bpm=float(rng.uniform(0.1, 40)),
        valid_bpm=(float(rng.uniform(1, 40)), float(rng.uniform(150, 1000))),
    )


def random_codes(
    rng: np.random.Generator, shape: tuple[int, int], dtype: type[np.int8] | type[np.int16]
) -> Codes:
    """Smooth bumps, coarse values full of ties, single values, the ends of the type and pure noise."""
    info = np.iinfo(dtype)
    count, size = shape
    codes = rng.integers(info.min, info.max + 1, shape)
    quarter = count // 4
    centre = rng.uniform(0, size, (quarter, 1))
    width = rng.uniform(0.5, size / 4 + 1, (quarter, 1))
    bump = np.exp(-0.5 * ((np.arange(size) - centre) / width) ** 2) + rng.normal(0, 0.05, (quarter, size))
    codes[:quarter] = np.clip(
        bump * (info.max - info.min) * rng.uniform(0, 1, (quarter, 1)) + info.min, info.min, info.max
    )
    codes[quarter : 2 * quarter] = rng.integers(-2, 3, (quarter, size))
    codes[2 * quarter] = info.min
    codes[2 * quarter + 1] = info.max
    codes[2 * quarter + 2] = np.where(np.arange(size) == size - 1, info.max, info.min)
    codes[2 * quarter + 3] = np.where(np.arange(size) == 0, info.max, info.min)
    return codes.astype(dtype)


def random_decoders(rng: np.random.Generator, count: int) -> list[tuple[OutputCard, Tensor, Codes]]:
    cases: list[tuple[OutputCard, Tensor, Codes]] = []
    for number in range(count):
        dtype, numpy_type = ((DType.INT8, INT8), (DType.INT16, INT16))[number % 2]
        scale = float(np.float32(10.0 ** rng.uniform(-4, 1)))
        if number % 5 == 4:
            zero_point = int(rng.integers(-128, 128)) if dtype is DType.INT8 else 0
            valid = (float(rng.uniform(0.1, 40)), float(rng.uniform(150, 1000)))
            card: OutputCard = ScalarOutput(decode="scalar", valid_bpm=valid)
            cases.append((card, output(1, scale, zero_point, dtype), random_codes(rng, (700, 1), numpy_type)))
            continue
        bins = int(rng.choice([2, 3, 17, 70, 180, 361]))
        card = random_card(rng, bins)
        zero_point = int(rng.integers(-128, 128)) if dtype is DType.INT8 else 0
        cases.append(
            (card, output(bins, scale, zero_point, dtype), random_codes(rng, (700, bins), numpy_type))
        )
    return cases


@requires_gcc
def test_c_equals_python_on_random_outputs(host: DecodeHost) -> None:
    rng = np.random.default_rng(20)
    cases = random_decoders(rng, 200)
    settings = [decoder_settings(card, tensor) for card, tensor, _ in cases]
    answers = host.decode([(one, codes) for one, (_, _, codes) in zip(settings, cases, strict=True)])
    assert sum(len(codes) for _, _, codes in cases) >= 100_000
    for one, (_, _, codes), answer in zip(settings, cases, answers, strict=True):
        np.testing.assert_array_equal(answer, decode_codes(one, codes), err_msg=str(one)[:300])


@requires_gcc
def test_c_equals_python_at_the_limits_of_the_formats(host: DecodeHost) -> None:
    """4096 equal bins of almost 128 BPM, scales of almost 4096: what the 64-bit intermediates must still hold."""
    below = 1.0 - 2.0**-20
    wide = classes(
        "expectation", first_bin_bpm=1024 * below, bin_width_bpm=128 * below, valid_bpm=(1.0, 1023.9)
    )
    narrow = classes("expectation", bin_width_bpm=0.04, valid_bpm=(1.0, 1023.9))
    jobs: list[tuple[DecoderSettings, Codes]] = []
    for dtype, numpy_type in ((DType.INT8, INT8), (DType.INT16, INT16)):
        info = np.iinfo(numpy_type)
        for card in (wide, narrow):
            for scale in (1e-9, 4096 * below):
                settings = decoder_settings(card, output(4096, scale, 0, dtype))
                codes = np.full((3, 4096), info.max, numpy_type)
                codes[1, :-1] = info.min
                codes[2, 1:] = info.min
                jobs.append((settings, codes))
        ends = np.array([[info.min], [info.max], [0]], numpy_type)
        zero = -128 if dtype is DType.INT8 else 0
        jobs.append((decoder_settings(SCALAR, output(1, 4096 * below, zero, dtype)), ends))
    for (settings, codes), answer in zip(jobs, host.decode(jobs), strict=True):
        np.testing.assert_array_equal(answer, decode_codes(settings, codes))
    # The middle of 4096 equal bins is 2047.5 bins from the first.
    assert to_bpm(host.decode([jobs[2]])[0])[0] == pytest.approx(30 + 2047.5 * 0.04, abs=1e-3)


def filter_jobs(rng: np.random.Generator) -> list[tuple[FilterSettings, NDArray[np.int32]]]:
    jobs = []
    for number in range(60):
        history = int(rng.choice([1, 2, 3, 7, 10, 64, 1000]))
        fraction = float(rng.choice([1e-9, 0.01, 0.1, 0.5, 1.0, 15.99]))
        walk = np.cumsum(rng.normal(0, 3, 2000)) % 180 + 30
        answers = (walk * ONE).astype(np.int32)
        if number % 3 == 0:
            answers = rng.integers(0, 1 << 26, 2000).astype(np.int32)
        if number % 3 == 1:
            answers[:] = rng.choice([0, (1 << 26) - 1, 1, 210 * ONE], 2000)
        answers[rng.integers(0, 2000, 3)] = RESTART
        jobs.append((filter_settings(ClipFilter(history=history, fraction=fraction)), answers))
    return jobs


@requires_gcc
def test_filter_in_c_equals_python(host: DecodeHost) -> None:
    jobs = filter_jobs(np.random.default_rng(5))
    assert sum(len(answers) for _, answers in jobs) >= 100_000
    for (settings, answers), limited in zip(jobs, host.filter(jobs), strict=True):
        state = ClipFilterState(settings)
        expected = []
        for answer in answers.tolist():
            if answer == RESTART:
                state.restart()
            expected.append(answer if answer == RESTART else state.next(answer))
        assert limited.tolist() == expected


def deviation_bound(card: ClassesOutput, bins: int) -> float:
    """docs/decoders.md: weights, truncated position, rounded width, first bin, limit and answer."""
    weights = 3 * 2.0**-31 * bins**2 * card.bin_width_bpm
    return weights + 2.0**-16 * card.bin_width_bpm + bins * 2.0**-25 + 2.0**-16


def test_deviation_from_the_float_decoder_is_bounded() -> None:
    largest = 0.0
    for card, tensor, codes in random_decoders(np.random.default_rng(6), 200):
        real = (codes.astype(np.float64) - tensor.zero_point) * tensor.scale
        exact = decode_bpm(card, real)
        fixed = to_bpm(decode_codes(decoder_settings(card, tensor), codes))
        worst = float(np.abs(fixed - exact).max())
        largest = max(largest, worst)
        bound = 2.0**-15 if isinstance(card, ScalarOutput) else deviation_bound(card, tensor.size)
        assert worst <= bound, (card, tensor)
    # What the issue asks for is 0.05 BPM.
    assert largest < 0.01


def test_filter_follows_the_float_filter() -> None:
    rng = np.random.default_rng(8)
    for history, fraction in ((10, 0.1), (1, 0.1), (10, 0.02), (30, 0.3)):
        card = ClipFilter(history=history, fraction=fraction)
        bpm = np.clip(np.cumsum(rng.normal(0, 8, 5000)) % 300, 30, 210)
        fixed = np.rint(bpm * ONE).astype(np.int32)
        limited = to_bpm(filter_answers(filter_settings(card), fixed))
        assert np.abs(limited - clip_filter(card, bpm)).max() < 0.01


@requires_gcc
@pytest.mark.parametrize(
    ("card", "bins", "dtype", "post_filter"),
    [
        (SCALAR, 1, DType.INT8, ClipFilter()),
        (classes("argmax"), 90, DType.INT8, None),
        (classes("expectation"), 90, DType.INT8, ClipFilter(history=3, fraction=0.25)),
        (classes("local_expectation"), 90, DType.INT16, None),
    ],
)
def test_generated_header(
    tmp_path: Path, card: OutputCard, bins: int, dtype: DType, post_filter: ClipFilter | None
) -> None:
    codes = random_codes(np.random.default_rng(1), (200, bins), INT8 if dtype is DType.INT8 else INT16)
    settings = decoder_settings(card, output(bins, 0.11, -3 if dtype is DType.INT8 else 0, dtype))
    limits = None if post_filter is None else filter_settings(post_filter)
    answers, macros = run_card_header(tmp_path, card_header("it's */ \"é\\", settings, limits), codes)
    np.testing.assert_array_equal(answers, decode_codes(settings, codes))
    assert macros == ((0, 0) if limits is None else (limits.history, limits.fraction_q24))


def test_weights_are_the_rounded_exponentials() -> None:
    import math

    settings = decoder_settings(classes("expectation"), output(90, 0.07, 0, DType.INT16))
    for step, table in ((1, settings.fine), (256, settings.coarse)):
        exact = [math.exp(-index * step * 0.07) * 2**30 for index in range(256)]
        np.testing.assert_allclose(table, exact, atol=0.5 + 1e-6, rtol=0)


@pytest.mark.parametrize(
    ("card", "tensor", "message"),
    [
        (SCALAR, output(2, 0.1), "2 outputs"),
        (classes("argmax"), output(1, 0.1), "1 outputs"),
        (classes("argmax"), output(4097, 0.1), "4097 outputs"),
        (classes("argmax", bin_width_bpm=128.0), output(9, 0.1), r"output\.bin_width_bpm"),
        (classes("argmax", first_bin_bpm=1024.0), output(9, 0.1), r"output\.first_bin_bpm"),
        (ScalarOutput(decode="scalar", valid_bpm=(30.0, 1024.0)), output(1, 0.1), r"output\.valid_bpm"),
        (SCALAR, output(1, 4096.0), "scale"),
        (SCALAR, output(1, 0.1, 0, DType.INT32), "int32"),
    ],
)
def test_what_the_formats_cannot_hold_is_refused(card: OutputCard, tensor: Tensor, message: str) -> None:
    with pytest.raises(InputError, match=message):
        decoder_settings(card, tensor)


def test_filter_fraction_beyond_its_format() -> None:
    with pytest.raises(InputError, match=r"post_filter\.fraction"):
        filter_settings(ClipFilter(fraction=16.0))

"""Adding up executed blocks: instruction counts, functions and operators."""

import pytest

from ppg_deploy.timing import (
    RUN,
    TIMING_MODELS,
    Block,
    CalibratedModel,
    Calibration,
    FlashReader,
    Step,
    instruction_count,
    profile_inference,
)

NOP = bytes.fromhex("00bf")
WIDE_NOP = bytes.fromhex("aff30080")
BRANCH_BACK = bytes.fromhex("fde7")  # b .-2


@pytest.mark.parametrize(
    ("code", "instructions"),
    [
        (b"", 0),
        (NOP * 3, 3),
        (NOP + WIDE_NOP + NOP, 3),
        # e8 (ldrd), f0 (movw group) and f8 (ldr.w) start wide instructions; e7 (b) does not.
        (bytes.fromhex("d2e90001 40f20100 d1f80000 fee7"), 4),
    ],
)
def test_instruction_count(code: bytes, instructions: int) -> None:
    assert instruction_count(code) == instructions


class TwoFunctions:
    """0x1000: nop; b .-2 - and 0x2000: nop; nop.w; nop."""

    def read(self, address: int, size_bytes: int) -> bytes:
        code = {0x1000: NOP + BRANCH_BACK, 0x2000: NOP + WIDE_NOP + NOP}[address]
        assert len(code) == size_bytes
        return code

    def function_at(self, address: int) -> str:
        return {0x1000: "loop", 0x2000: "straight"}[address]


LOOP, STRAIGHT = Block(0x1000, 4), Block(0x2000, 8)


class OneCycleEach:
    name = "one-cycle-each"
    calibration = None

    def cycles(self, address: int, code: bytes, next_address: int) -> int:
        return instruction_count(code) + (10 if next_address != address + len(code) else 0)


def test_totals_functions_and_operators_add_up() -> None:
    steps = {
        Step(0, LOOP, 0x1000): 5,
        Step(0, LOOP, 0x2000): 1,
        Step(1, STRAIGHT, 0x2008): 2,
        Step(RUN, STRAIGHT, 0x2008): 1,
    }
    profile = profile_inference(
        steps, code=TwoFunctions(), operator_names={0: "zero", 1: "one"}, timing_model=OneCycleEach()
    )
    assert profile.instructions == 6 * 2 + 3 * 3
    assert profile.cycles_estimated == 6 * (2 + 10) + 3 * 3
    assert profile.timing_model == "one-cycle-each"
    assert [(cost.name, cost.instructions, cost.cycles_estimated) for cost in profile.by_function] == [
        ("loop", 12, 72),
        ("straight", 9, 9),
    ]
    assert [(cost.index, cost.name, cost.instructions) for cost in profile.by_operator] == [
        (0, "zero", 12),
        (1, "one", 6),
        (None, "run", 3),
    ]


def test_calibrated_model_prices_flash_lines_where_they_are_read() -> None:
    calibration = Calibration("chip", 1_000_000, 1_500, 2_250, 5.0, "nothing")
    steps = {Step(0, LOOP, 0x1000): 5, Step(0, LOOP, 0x2000): 1, Step(1, STRAIGHT, 0x2008): 2}
    profile = profile_inference(
        steps,
        code=TwoFunctions(),
        operator_names={0: "zero", 1: "one"},
        timing_model=CalibratedModel("fitted", OneCycleEach(), calibration),
        flash_lines={FlashReader(0, LOOP): 3, FlashReader(1, STRAIGHT): 10},
    )
    assert (profile.timing_model, profile.flash_lines) == ("fitted", 13)
    # 1.5 * 72 + 2.25 * 3 = 114.75 and 1.5 * 6 + 2.25 * 10 = 31.5; in all 146.25.
    assert [cost.cycles_estimated for cost in profile.by_function] == [115, 32]
    assert [cost.cycles_estimated for cost in profile.by_operator] == [115, 32]
    assert profile.cycles_estimated == 146


def test_calibration_of_the_stm32l4r5() -> None:
    model = TIMING_MODELS["stm32l4r5-120mhz-v1"]
    assert model.calibration is not None
    assert (model.calibration.chip, model.calibration.clock_hz) == ("stm32l4r5", 120_000_000)
    assert model.calibration.cycles(1_000_000, 0) == 1_062_000
    assert model.calibration.cycles(0, 100_000) == 188_000


def test_without_a_model_there_are_no_cycles() -> None:
    profile = profile_inference(
        {Step(0, STRAIGHT, 0x2008): 1}, code=TwoFunctions(), operator_names={0: "zero"}, timing_model=None
    )
    assert profile.instructions == 3
    assert profile.cycles_estimated is None
    assert profile.timing_model is None
    assert profile.by_function[0].cycles_estimated is None

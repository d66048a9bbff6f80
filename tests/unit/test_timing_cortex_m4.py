"""The Cortex-M4 cost table against sequences whose cycles are worked out by hand from the reference manual."""

import shutil
import subprocess
from pathlib import Path

import pytest

from ppg_deploy.errors import EnvironmentProblem, InputError, InternalError
from ppg_deploy.timing import TIMING_MODELS, timing_model_for
from ppg_deploy.timing.disassembler import open_disassembler

pytest.importorskip("capstone", reason="the extra [emulator] is not installed")

MODEL = TIMING_MODELS["cortex-m4-zero-wait-state-v1"]
ADDRESS = 0x08000100
ASSEMBLER = "arm-none-eabi-as"


def assemble(source: str, folder: Path) -> bytes:
    if shutil.which(ASSEMBLER) is None:
        pytest.skip(f"{ASSEMBLER} is not installed")
    header = ".syntax unified\n.cpu cortex-m4\n.fpu fpv4-sp-d16\n.thumb\n"
    text, linked, binary = folder / "code.s", folder / "code.o", folder / "code.bin"
    text.write_text(header + source.replace(";", "\n") + "\n")
    subprocess.run([ASSEMBLER, "-o", linked, text], check=True, timeout=30)
    subprocess.run(
        ["arm-none-eabi-objcopy", "-O", "binary", "-j", ".text", linked, binary], check=True, timeout=30
    )
    return binary.read_bytes()


@pytest.mark.arm
@pytest.mark.parametrize(
    ("source", "cycles"),
    [
        # Arithmetic: one each, whatever the width.
        ("adds r0, r1, r2; add.w r3, r4, r5, lsl #2; movw r0, #1234; movs r1, #1", 4),
        ("mul r0, r1, r2; mla r0, r1, r2, r3; smull r0, r1, r2, r3; smlad r0, r1, r2, r3", 4),
        ("sxtb16 r0, r1, ror #8; pkhbt r0, r1, r2, lsl #16; ssat r0, #8, r1; smlalbb r0, r1, r2, r3", 4),
        ("sdiv r0, r1, r2; udiv r0, r1, r2", 12),
        # Loads: the first two cycles, then one each while nothing waits for an address.
        ("ldr r0, [r1]", 2),
        ("ldr r0, [r1]; ldr r2, [r1, #4]; ldrsb r3, [r1, r4]", 2 + 1 + 1),
        ("ldr r0, [r1]; ldr r2, [r0]", 2 + 2),
        ("ldr r0, [r1]; ldrh r2, [r3, r0]", 2 + 2),
        ("ldr r0, [r1]; adds r4, #1; ldr r2, [r3]", 2 + 1 + 2),
        ("ldr r0, [r1], #4; ldr r2, [r3, #4]!", 2 + 2),
        ("ldr r0, [r1]; ldr.w r2, [r3], #4", 2 + 2),
        # Stores: the write buffer hides the store itself, not the addition of an index register.
        ("str r0, [r1]; strb r0, [r1, #3]; str r0, [r1], #4", 3),
        ("str r0, [r1, r2]", 2),
        ("ldr r0, [r1]; str r0, [r3, r2]", 2 + 1),
        # Several words: one more than there are words.
        ("ldrd r0, r1, [r2]; strd r0, r1, [r2, #8]!", 3 + 3),
        ("push {r4, r5, r6, lr}; pop {r4, r5, r6}", 5 + 4),
        ("ldm r0!, {r1, r2, r3}; stmdb r0!, {r1, r2}", 4 + 3),
        ("pop {r0, r1}; ldr r2, [r3]", 3 + 2),
        # Floating point.
        ("vadd.f32 s0, s1, s2; vmul.f32 s0, s1, s2; vcvt.s32.f32 s0, s1; vmov s0, r1", 4),
        ("vmla.f32 s0, s1, s2; vfma.f32 s0, s1, s2", 6),
        ("vdiv.f32 s0, s1, s2; vsqrt.f32 s0, s1", 28),
        ("vldr s0, [r1]; vstr s0, [r1]; vldr d0, [r1]", 2 + 2 + 3),
        ("vpush {s16, s17, s18}; vldmia r0!, {d0, d1}", 4 + 5),
        ("vmov r0, r1, d0; vmrs apsr_nzcv, fpscr", 2 + 1),
        # Conditional execution: the IT instruction costs one, and so do the two behind it.
        ("ite eq; addeq r0, r1, r2; movne r0, r3", 3),
        ("it lt; ldrlt r0, [r1]", 1 + 2),
        # Special.
        ("mrs r0, primask; cpsid i; dsb; nop", 2 + 1 + 1 + 1),
    ],
)
def test_straight_line(source: str, cycles: int, tmp_path: Path) -> None:
    code = assemble(source, tmp_path)
    assert MODEL.cycles(ADDRESS, code, ADDRESS + len(code)) == cycles


@pytest.mark.arm
@pytest.mark.parametrize(
    ("source", "not_taken", "taken"),
    [
        ("subs r0, #1; bne .-2", 2, 4),
        ("subs r0, #1; bne.w .-2", 2, 4),
        ("cbz r0, .+8", 1, 3),
        ("it eq; bxeq lr", 2, 4),
        ("it ne; popne {r4, pc}", 1 + 3, 1 + 3 + 2),
        ("ldr r0, [r1]; b .+8", 3, 5),
        ("bl .+8", 1, 3),
        ("blx r3", 1, 3),
        ("ldr pc, [r0]", 2, 4),
        ("tbb [pc, r0]", 2, 4),
        ("mov pc, r0", 1, 3),
        ("pop {r4, r5, pc}", 4, 6),
        # No branch: where the next block lies says nothing.
        ("adds r0, #1", 1, 1),
        ("pop {r4, r5}", 3, 3),
    ],
)
def test_last_instruction(source: str, not_taken: int, taken: int, tmp_path: Path) -> None:
    code = assemble(source, tmp_path)
    assert MODEL.cycles(ADDRESS, code, ADDRESS + len(code)) == not_taken
    assert MODEL.cycles(ADDRESS, code, 0x08004000) == taken


@pytest.mark.arm
def test_every_condition_is_recognised(tmp_path: Path) -> None:
    for condition in ("eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le"):
        code = assemble(f"it {condition}; adc{condition} r0, r1", tmp_path)
        assert MODEL.cycles(ADDRESS, code, ADDRESS + len(code)) == 2, condition
        code = assemble(f"b{condition} .+8", tmp_path)
        assert MODEL.cycles(ADDRESS, code, 0x08004000) == 3, condition


def test_undefined_instruction_is_refused() -> None:
    with pytest.raises(InternalError, match="no Thumb instruction at 0x08000102: ffffffff"):
        MODEL.cycles(ADDRESS, bytes.fromhex("00bf ffffffff"), ADDRESS + 6)


def test_instruction_without_a_cost_is_refused() -> None:
    smc = bytes.fromhex("f0f70080")
    with pytest.raises(InternalError):
        MODEL.cycles(ADDRESS, smc, ADDRESS + 4)


def test_only_the_cortex_m4_has_an_estimate() -> None:
    assert timing_model_for("cortex-m4") is MODEL
    assert timing_model_for("cortex-m7") is None
    assert timing_model_for("cortex-m33") is None


def test_models_are_chosen_by_name() -> None:
    assert timing_model_for("cortex-m4", MODEL.name) is MODEL
    fitted = timing_model_for("cortex-m4", "stm32l4r5-120mhz-v1")
    assert fitted is TIMING_MODELS["stm32l4r5-120mhz-v1"]
    for cpu, name in (("cortex-m4", "stm32l4r5"), ("cortex-m7", "stm32l4r5-120mhz-v1")):
        with pytest.raises(InputError, match=f"no timing model '{name}' for {cpu}"):
            timing_model_for(cpu, name)


def test_missing_capstone_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    open_disassembler.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "capstone", None)
    with pytest.raises(EnvironmentProblem, match="capstone"):
        open_disassembler()

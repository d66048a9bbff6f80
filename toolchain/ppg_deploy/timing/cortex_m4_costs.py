"""Cycles of each Cortex-M4 instruction when no branch is taken: TRM r0p1 (ARM DDI 0439), table 3-1 and 3.3.3."""

DIVIDE_CYCLES = 6
"""2 to 12 on silicon, by the values."""

SINGLE_LOADS = frozenset({"ldr", "ldrb", "ldrh", "ldrsb", "ldrsh"})
SINGLE_STORES = frozenset({"str", "strb", "strh"})
MULTIPLE_TRANSFERS = frozenset(
    {"ldm", "ldmdb", "stm", "stmdb", "push", "pop"}
    | {"vldmia", "vldmdb", "vstmia", "vstmdb", "vpush", "vpop"}
)
BRANCHES = frozenset({"b", "bl", "bx", "blx", "cbz", "cbnz"})
TABLE_BRANCHES = frozenset({"tbb", "tbh"})

# One line per group: cycles, then mnemonics without condition, width suffix and data type.
_FIXED = f"""
1 adc add addw adr and asr bfc bfi bic clz cmn cmp eor lsl lsr mov movt movw mul mvn neg orn orr pkhbt pkhtb rbit
1 rev rev16 revsh ror rrx rsb sbc sbfx sel sub subw teq tst ubfx
1 mla mls smlabb smlabt smlad smladx smlal smlalbb smlalbt smlald smlaldx smlaltb smlaltt smlatb smlatt smlawb
1 smlawt smlsd smlsdx smlsld smlsldx smmla smmlar smmls smmlsr smmul smmulr smuad smuadx smulbb smulbt smull
1 smultb smultt smulwb smulwt smusd smusdx umaal umlal umull
1 qadd qadd16 qadd8 qasx qdadd qdsub qsax qsub qsub16 qsub8 sadd16 sadd8 sasx shadd16 shadd8 shasx shsax shsub16
1 shsub8 ssat ssat16 ssax ssub16 ssub8 sxtab sxtab16 sxtah sxtb sxtb16 sxth uadd16 uadd8 uasx uhadd16 uhadd8
1 uhasx uhsax uhsub16 uhsub8 uqadd16 uqadd8 uqasx uqsax uqsub16 uqsub8 usad8 usada8 usat usat16 usax usub16
1 usub8 uxtab uxtab16 uxtah uxtb uxtb16 uxth
1 bkpt clrex cps cpsid cpsie dbg dmb dsb isb it nop pld pli sev svc wfe wfi yield
2 ldrex ldrexb ldrexh mrs msr strex strexb strexh
3 ldrd strd
{DIVIDE_CYCLES} sdiv udiv
1 vabs vadd vcmp vcmpe vcvt vcvtb vcvtr vcvtt vmov vmrs vmsr vmul vneg vnmul vsub
2 vldr vstr
3 vfma vfms vfnma vfnms vmla vmls vnmla vnmls
14 vdiv vsqrt
"""

FIXED_CYCLES: dict[str, int] = {
    mnemonic: int(cycles)
    for cycles, *mnemonics in (line.split() for line in _FIXED.strip().splitlines())
    for mnemonic in mnemonics
}

KNOWN_MNEMONICS = (
    FIXED_CYCLES.keys() | SINGLE_LOADS | SINGLE_STORES | MULTIPLE_TRANSFERS | BRANCHES | TABLE_BRANCHES
)

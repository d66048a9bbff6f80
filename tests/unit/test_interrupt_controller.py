"""Which exception comes next, by the rules of the ARMv7-M Architecture Reference Manual, B1.5.4 and B3.4."""

import pytest

from ppg_deploy.ports.interrupt_controller import (
    BUS_FAULT,
    HARD_FAULT,
    PEND_SV,
    SYSTICK,
    InterruptController,
    Masks,
)

SET_ENABLE, CLEAR_ENABLE, SET_PENDING, CLEAR_PENDING = 0xE000E100, 0xE000E180, 0xE000E200, 0xE000E280
ACTIVE, PRIORITIES = 0xE000E300, 0xE000E400
STATE, SYSTEM_PRIORITIES, SYSTEM_HANDLERS, FAULT_STATUS = 0xE000ED04, 0xE000ED18, 0xE000ED24, 0xE000ED28
NOTHING_MASKED = Masks(0, 0, 0)


class Lines:
    """Interrupts that peripherals ask for."""

    def __init__(self) -> None:
        self.asserted: tuple[int, ...] = ()
        self.controller = InterruptController(lambda: self.asserted)


@pytest.fixture
def lines() -> Lines:
    return Lines()


def test_a_line_is_heard_only_while_its_interrupt_is_enabled(lines: Lines) -> None:
    controller = lines.controller
    lines.asserted = (38,)
    assert controller.next_exception(NOTHING_MASKED) is None
    assert controller.read(SET_PENDING + 4) == 1 << 6
    controller.write(SET_ENABLE + 4, 1 << 6)
    assert controller.read(SET_ENABLE + 4) == controller.read(CLEAR_ENABLE + 4) == 1 << 6
    assert controller.next_exception(NOTHING_MASKED) == 16 + 38
    controller.write(CLEAR_ENABLE + 4, 1 << 6)
    assert controller.next_exception(NOTHING_MASKED) is None


def test_a_line_that_stays_asserted_is_taken_again_after_the_return(lines: Lines) -> None:
    controller = lines.controller
    controller.write(SET_ENABLE, 1 << 3)
    lines.asserted = (3,)
    controller.activate(19)
    assert (controller.read(ACTIVE), controller.read(SET_PENDING)) == (1 << 3, 0)
    assert controller.next_exception(NOTHING_MASKED) is None
    controller.deactivate()
    assert controller.next_exception(NOTHING_MASKED) == 19
    lines.asserted = ()
    assert controller.next_exception(NOTHING_MASKED) is None


def test_software_pends_and_clears(lines: Lines) -> None:
    controller = lines.controller
    controller.write(SET_ENABLE, 0b110)
    controller.write(SET_PENDING, 0b110)
    controller.write(CLEAR_PENDING, 0b010)
    assert controller.next_exception(NOTHING_MASKED) == 16 + 2
    controller.activate(18)
    assert controller.read(SET_PENDING) == 0


def test_lower_priority_value_first_then_lower_number(lines: Lines) -> None:
    controller = lines.controller
    controller.write(SET_ENABLE, 0b111)
    controller.write(SET_PENDING, 0b111)
    controller.write(PRIORITIES, 0x40, size=1)
    controller.write(PRIORITIES + 1, 0x2F, size=1)
    controller.write(PRIORITIES + 2, 0x20, size=1)
    # Four bits of a priority exist: 0x2F is stored as 0x20.
    assert controller.read(PRIORITIES) == 0x00202040
    assert controller.next_exception(NOTHING_MASKED) == 17
    controller.activate(17)
    # Equal priority does not preempt.
    assert controller.next_exception(NOTHING_MASKED) is None
    controller.write(PRIORITIES + 2, 0x10, size=1)
    assert controller.next_exception(NOTHING_MASKED) == 18


@pytest.mark.parametrize(
    ("masks", "taken", "wakes"),
    [
        (Masks(0, 0, 0), True, True),
        (Masks(1, 0, 0), False, True),  # PRIMASK does not keep the core asleep
        (Masks(0, 1, 0), False, False),
        (Masks(0, 0, 0x20), False, False),
        (Masks(0, 0, 0x40), True, True),
    ],
)
def test_masks(lines: Lines, masks: Masks, taken: bool, wakes: bool) -> None:
    controller = lines.controller
    controller.write(SET_ENABLE, 1)
    controller.write(PRIORITIES, 0x20, size=1)
    controller.pend(16)
    assert (controller.next_exception(masks) is not None) == taken
    assert (controller.next_exception(masks.while_asleep) is not None) == wakes


def test_state_register(lines: Lines) -> None:
    controller = lines.controller
    controller.write(STATE, (1 << 28) | (1 << 26))
    # PENDSVSET, PENDSTSET, and PendSV as the first of equal priority in VECTPENDING.
    assert controller.read(STATE) == (1 << 28) | (1 << 26) | PEND_SV << 12
    controller.write(STATE, 1 << 27)
    assert controller.next_exception(NOTHING_MASKED) == SYSTICK
    controller.activate(SYSTICK)
    assert controller.read(STATE) == (1 << 11) | SYSTICK
    controller.deactivate()
    controller.write(STATE, 1 << 26)
    controller.write(STATE, 1 << 25)
    assert controller.next_exception(NOTHING_MASKED) is None


def test_faults_escalate_unless_enabled_and_of_higher_priority(lines: Lines) -> None:
    controller = lines.controller
    assert controller.escalated(BUS_FAULT, NOTHING_MASKED) == HARD_FAULT
    controller.write(SYSTEM_HANDLERS, 1 << 17)
    assert controller.escalated(BUS_FAULT, NOTHING_MASKED) == BUS_FAULT
    assert controller.escalated(BUS_FAULT, Masks(1, 0, 0)) == HARD_FAULT
    controller.write(SYSTEM_PRIORITIES + 1, 0x40, size=1)
    controller.activate(20)
    assert controller.escalated(BUS_FAULT, NOTHING_MASKED) == HARD_FAULT
    assert controller.can_take(HARD_FAULT, NOTHING_MASKED)
    controller.activate(HARD_FAULT)
    assert not controller.can_take(HARD_FAULT, NOTHING_MASKED)


def test_status_bits_are_cleared_by_writing_ones(lines: Lines) -> None:
    controller = lines.controller
    controller.record(FAULT_STATUS, 0x8200)
    controller.write(FAULT_STATUS, 0x200)
    assert controller.read(FAULT_STATUS) == 0x8000

/* Exceptions with known register contents, for a bare STM32F405 in QEMU and in unicorn. Sends a B, takes one
   command byte, and answers with the words of `report`. Built without floating point, so that only the scene with
   floating point has a context of it. */
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define UART 0x40011000u
#define UART_ENABLE ((1u << 13) | (1u << 3) | (1u << 2))
#define RECEIVE_INTERRUPT (1u << 5)
#define SET_ENABLE 0xE000E100u
#define SYSTEM_HANDLERS 0xE000ED24u
#define VECTORS (16 + 82)

extern uint32_t _estack;
void Reset_Handler(void);
void handler(void);
void scene(uint32_t kind);
void fail(uint32_t kind);
void tell(void);

/* What the handler saw, then what the interrupted code found afterwards. Names in ../test_exceptions.py. */
uint32_t report[35 + 26];

__attribute__((section(".isr_vector"), used)) static const struct {
  uint32_t *stack;
  void (*handlers[VECTORS - 1])(void);
} vectors = {&_estack, {Reset_Handler, [1 ... VECTORS - 2] = handler}};

static uint32_t receive(void) {
  while (!(REGISTER(UART) & 0x20u)) {
  }
  return REGISTER(UART + 4u) & 0xFFu;
}

void tell(void) {
  for (uint32_t index = 0; index < sizeof report / sizeof *report; index++) {
    for (uint32_t shift = 0; shift < 32; shift += 8) {
      while (!(REGISTER(UART) & 0x80u)) {
      }
      REGISTER(UART + 4u) = (report[index] >> shift) & 0xFFu;
    }
  }
  for (;;) (void)receive();
}

void Reset_Handler(void) {
  REGISTER(0xE000ED88u) |= 0xFu << 20;
  REGISTER(0xE000ED08u) = (uint32_t)(uintptr_t)&vectors;
  __asm volatile("dsb\n isb");
  for (uint32_t index = 0; index < sizeof report / sizeof *report; index++) report[index] = 0;
  REGISTER(UART + 0xCu) = UART_ENABLE;
  REGISTER(UART + 4u) = 'B';
  uint32_t kind = receive();
  if (kind != 'n') REGISTER(SET_ENABLE) = 1u << 5;
  if (kind == 'L') {
    REGISTER(SET_ENABLE + 4u) = 1u << (37 - 32);
    REGISTER(UART + 0xCu) = UART_ENABLE | RECEIVE_INTERRUPT;
  }
  if (kind == 'x') REGISTER(SYSTEM_HANDLERS) = 1u << 17;
  if (kind >= 'A' && kind <= 'Z' && kind != 'L' && kind != 'S') tell();
  fail(kind);
  scene(kind);
  tell();
}

/* Saves the frame and the state of the core. A fault ends the story; everything else returns with spoilt registers. */
__attribute__((naked)) void handler(void) {
  __asm volatile(
      ".syntax unified\n .fpu fpv4-sp-d16\n"
      "tst lr, #4\n ite eq\n mrseq r2, msp\n mrsne r2, psp\n"
      "ldr r1, =report + 4 * 27\n"
      "mrs r3, ipsr\n mrs r0, control\n"
      "stmia r1!, {r2, r3}\n"
      "stmia r1!, {r0, lr}\n"
      "ldr r12, =0xE000ED28\n"
      "ldr r0, [r12]\n str r0, [r1], #4\n"        /* CFSR */
      "ldr r0, [r12, #4]\n str r0, [r1], #4\n"    /* HFSR */
      "ldr r0, [r12, #0x10]\n str r0, [r1], #4\n" /* BFAR */
      "ldr r0, [r12, #8]\n str r0, [r1], #4\n"    /* DFSR */
      "tst lr, #16\n bne 1f\n vmov s20, r0\n"     /* QEMU stacks floats when the handler uses them */
      "1: ldr r1, =report\n movs r0, #27\n"
      "cmp r2, #0x20000000\n blo 3f\n"
      "2: ldr r12, [r2], #4\n str r12, [r1], #4\n subs r0, #1\n bne 2b\n"
      "3: cmp r3, #11\n blo 5f\n"
      "cmp r3, #16 + 37\n bne 4f\n ldr r1, =0x40011004\n ldr r1, [r1]\n"
      "4: tst lr, #16\n bne 6f\n movs r0, #0\n"
      "vmov s0, r0\n vmov s1, r0\n vmov s15, r0\n vmsr fpscr, r0\n"
      "6: movs r0, #0\n movs r1, #0\n movs r2, #0\n movs r3, #0\n mov r12, #0\n"
      "bx lr\n"
      "5: ldr r0, =_estack\n mov sp, r0\n b tell\n"
      ".ltorg\n");
}

/* Takes an exception with the registers of `constants`, and writes down what they are afterwards. */
__attribute__((naked)) void scene(uint32_t kind) {
  (void)kind;
  __asm volatile(
      ".syntax unified\n .fpu fpv4-sp-d16\n"
      "push {r4-r11, lr}\n mov r9, r0\n mov r11, sp\n ldr r5, =0x20017C04\n mov sp, r5\n"
      "ldr r4, =constants\n"
      "cmp r9, #'o'\n it eq\n subeq sp, #4\n"
      "cmp r9, #'p'\n bne 1f\n ldr r5, =0x20010000\n msr psp, r5\n movs r5, #2\n msr control, r5\n isb\n"
      "1: cmp r9, #'f'\n bne 2f\n add r5, r4, #32\n vldmia r5, {s0-s15}\n ldr r5, [r4, #28]\n vmsr fpscr, r5\n"
      "2: ldr r5, [r4, #24]\n"
      "cmp r9, #'s'\n beq 5f\n"
      "cpsid i\n"
      "cmp r9, #'L'\n beq 3f\n"
      "ldr r6, =0xE000E200\n movs r7, #32\n str r7, [r6]\n dsb\n"
      "3: msr apsr_nzcvq, r5\n ldmia r4, {r0-r3, r12, lr}\n"
      "dsb\n wfi\n nop\n nop\n cpsie i\n"
      ".global return_of_interrupt\n return_of_interrupt: isb\n b 6f\n"
      "5: msr apsr_nzcvq, r5\n ldmia r4, {r0-r3, r12, lr}\n svc #7\n"
      ".global return_of_svc\n return_of_svc: nop\n"
      "6: ldr r10, =report + 4 * 35\n stmia r10!, {r0-r3, r12, lr}\n"
      "mov r0, sp\n mrs r1, apsr\n mrs r2, control\n stmia r10!, {r0-r2}\n"
      "cmp r9, #'f'\n bne 7f\n vstmia r10!, {s0-s15}\n vmrs r0, fpscr\n str r0, [r10]\n"
      "7: movs r0, #0\n msr control, r0\n isb\n mov sp, r11\n pop {r4-r11, pc}\n"
      ".ltorg\n .align 2\n"
      "constants: .word 0x10000001, 0x20000002, 0x30000003, 0x40000004, 0xC000000C, 0xE000000E\n"
      ".word 0xA8000000\n" /* N, C, Q */
      ".word 0x93C0009F\n" /* FPSCR: N, V, DN, FZ, round to zero, all exceptions */
      ".word 0x3F800000, 0x3F800001, 0x3F800002, 0x3F800003, 0x3F800004, 0x3F800005, 0x3F800006, 0x3F800007\n"
      ".word 0x3F800008, 0x3F800009, 0x3F80000A, 0x3F80000B, 0x3F80000C, 0x3F80000D, 0x3F80000E, 0x3F80000F\n");
}

/* Instructions that fail, in the middle of others: which one is known by its label. */
__attribute__((naked)) void fail(uint32_t kind) {
  (void)kind;
  __asm volatile(
      ".syntax unified\n"
      "ldr r3, =0x60000000\n sub r2, sp, #64\n movs r1, #3\n"
      "cmp r0, #'r'\n beq 1f\n cmp r0, #'x'\n beq 1f\n cmp r0, #'w'\n beq 2f\n cmp r0, #'u'\n beq 3f\n"
      "cmp r0, #'j'\n beq 4f\n cmp r0, #'e'\n beq 5f\n cmp r0, #'k'\n beq 6f\n cmp r0, #'S'\n beq 7f\n bx lr\n"
      "1: ldr r0, [r2]\n adds r0, #1\n"
      ".global bad_read\n bad_read: ldrb r0, [r3, #16]\n ldr r0, [r2]\n bx lr\n"
      "2: str r0, [r2]\n strd r0, r1, [r2, #8]\n str r0, [r2], #4\n"
      ".global bad_write\n bad_write: str r0, [r3, r1, lsl #2]\n stmdb r2!, {r0, r1}\n bx lr\n"
      "3: adds r0, #1\n"
      ".global undefined\n undefined: udf #0\n bx lr\n"
      "4: adds r3, #1\n bx r3\n"
      "5: ldr r3, =even\n bic r3, #1\n bx r3\n"
      ".global even\n even: nop\n bx lr\n"
      "6: nop\n"
      ".global break_point\n break_point: bkpt #0\n bx lr\n"
      "7: ldr r3, =0x20000010\n mov sp, r3\n push {r0-r7}\n bx lr\n"
      ".ltorg\n");
}

/* A "model" whose instruction and cycle counts can be worked out by hand: see EXPECTED_* in ../fixture_firmware.py. */
  .syntax unified
  .cpu cortex-m4
  .thumb
  .text

  .global ppg_model_run
  .type ppg_model_run, %function
  .thumb_func
ppg_model_run:
  push {r4, lr}
  bl ppg_model_op_000
  bl ppg_model_op_001
  bl ppg_model_op_002
  bl ppg_model_op_003
  bl copy_result
  movs r0, #0
  pop {r4, pc}
  .size ppg_model_run, . - ppg_model_run

/* 100 rounds of a loop of two instructions. */
  .global ppg_model_op_000
  .type ppg_model_op_000, %function
  .thumb_func
ppg_model_op_000:
  movs r0, #100
1:
  subs r0, #1
  bne 1b
  bx lr
  .size ppg_model_op_000, . - ppg_model_op_000

/* Calls a kernel of 1000 nops and one of 50,000 rounds of 22 instructions, 16 and 32 bits wide. */
  .global ppg_model_op_001
  .type ppg_model_op_001, %function
  .thumb_func
ppg_model_op_001:
  push {r4, lr}
  bl thousand_nops
  bl long_loop
  pop {r4, pc}
  .size ppg_model_op_001, . - ppg_model_op_001

/* The C kernel of fixture.c: counts only compared between emulators. */
  .global ppg_model_op_002
  .type ppg_model_op_002, %function
  .thumb_func
ppg_model_op_002:
  b c_kernel
  .size ppg_model_op_002, . - ppg_model_op_002

/* Reads words of flash lines 0 0 0 1 0 1, of RAM, then 1 2, 0 0 0 and 0 1 1: EXPECTED_FLASH_LINES counts the changes. */
  .global ppg_model_op_003
  .type ppg_model_op_003, %function
  .thumb_func
ppg_model_op_003:
  movw r1, #:lower16:flash_words
  movt r1, #:upper16:flash_words
  ldr r0, [r1]
  ldr r0, [r1, #4]
  ldr r0, [r1, #12]
  ldr r0, [r1, #16]
  ldr r0, [r1]
  ldrb r0, [r1, #31]
  ldr r0, [sp]
  ldrd r2, r3, [r1, #28]
  ldm r1!, {r0, r2, r3}
  ldm r1!, {r0, r2, r3}
  bx lr
  .size ppg_model_op_003, . - ppg_model_op_003

  .balign 16
flash_words:
  .space 48

/* Called by ppg_model_run itself, after the last operator: belongs to no operator. */
  .type copy_result, %function
  .thumb_func
copy_result:
  nop
  bx lr
  .size copy_result, . - copy_result

  .type thousand_nops, %function
  .thumb_func
thousand_nops:
  .rept 1000
  nop
  .endr
  bx lr
  .size thousand_nops, . - thousand_nops

  .type long_loop, %function
  .thumb_func
long_loop:
  movw r0, #50000
1:
  .rept 10
  add.w r1, r1, #1
  nop
  .endr
  subs r0, #1
  bne 1b
  bx lr
  .size long_loop, . - long_loop

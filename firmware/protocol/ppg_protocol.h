/* The wire protocol's numbers for the firmware. Generated from toolchain/ppg_deploy/wire/table.py by
   python -m ppg_deploy.wire.generate; do not edit. What they mean: docs/wire-protocol.md.
   _AT: offset of a field in the message's data. _MIN_BYTES: the fixed part. _MAX_BYTES: the longest. */
#ifndef PPG_PROTOCOL_H
#define PPG_PROTOCOL_H

/* Limits. */
#define PPG_PROTOCOL_VERSION 3u
#define PPG_REPLY_BIT 128u
#define PPG_HEADER_BYTES 6u
#define PPG_CRC_BYTES 4u
#define PPG_MAX_DATA 512u
#define PPG_PACKET_BYTES_MIN 10u
#define PPG_PACKET_BYTES_MAX 522u
#define PPG_COBS_BLOCK 254u
#define PPG_COBS_OVERHEAD 3u
#define PPG_FRAME_BYTES_MAX 525u
#define PPG_SEQUENCE_WINDOW 32767u
#define PPG_MAX_RUNS_PER_REQUEST 32u
#define PPG_MAX_OPERATORS_PER_REPLY 120u
#define PPG_MAX_POWER_BURSTS 10000u
#define PPG_MAX_POWER_PAUSE_MS 10000u

/* Packet header. */
#define PPG_PACKET_VERSION_AT 0u /* uint8_t */
#define PPG_PACKET_TYPE_AT 1u /* uint8_t */
#define PPG_PACKET_SEQUENCE_AT 2u /* uint16_t */
#define PPG_PACKET_LENGTH_AT 4u /* uint16_t, B */

/* Status codes of PPG_TYPE_ERROR. */
#define PPG_STATUS_UNKNOWN_COMMAND 1u
#define PPG_STATUS_BAD_LENGTH 2u
#define PPG_STATUS_BAD_ARGUMENT 3u
#define PPG_STATUS_MODEL_NOT_READY 4u
#define PPG_STATUS_NO_PROFILE 5u
#define PPG_STATUS_NO_SESSION 6u
#define PPG_STATUS_STALE_SEQUENCE 7u
#define PPG_STATUS_UNSUPPORTED_VERSION 8u
#define PPG_STATUS_NO_SLIDING 9u
#define PPG_STATUS_NO_POWER 10u

/* Values of counter_source. */
#define PPG_WIRE_COUNTER_NONE 0u
#define PPG_WIRE_COUNTER_DWT 1u
#define PPG_WIRE_COUNTER_SYSTICK 2u

/* Bits of bsp_status. */
#define PPG_WIRE_STATUS_CLOCK_FALLBACK 1u
#define PPG_WIRE_STATUS_NO_COUNTER 2u

/* Values of restart_cause. */
#define PPG_WIRE_RESTART_UNKNOWN 0u
#define PPG_WIRE_RESTART_POWER 1u
#define PPG_WIRE_RESTART_PIN 2u
#define PPG_WIRE_RESTART_SOFTWARE 3u
#define PPG_WIRE_RESTART_WATCHDOG 4u
#define PPG_WIRE_RESTART_FAULT 5u

/* Values of kind in FAULT. */
#define PPG_WIRE_FAULT_NONE 0u
#define PPG_WIRE_FAULT_EXCEPTION 1u
#define PPG_WIRE_FAULT_STACK_OVERFLOW 2u
#define PPG_WIRE_FAULT_HANG 3u

/* Values of state in POWER_RUN_REPLY. */
#define PPG_WIRE_POWER_NONE 0u
#define PPG_WIRE_POWER_ACCEPTED 1u
#define PPG_WIRE_POWER_FINISHED 2u

/* HELLO */
#define PPG_TYPE_HELLO 0x01u
#define PPG_HELLO_MIN_BYTES 4u
#define PPG_HELLO_MAX_BYTES 4u
#define PPG_HELLO_SESSION_AT 0u /* uint32_t */

/* HELLO_REPLY */
#define PPG_TYPE_HELLO_REPLY 0x81u
#define PPG_HELLO_REPLY_MIN_BYTES 178u
#define PPG_HELLO_REPLY_MAX_BYTES 178u
#define PPG_HELLO_REPLY_SESSION_AT 0u /* uint32_t */
#define PPG_HELLO_REPLY_CLOCK_HZ_AT 4u /* uint32_t, Hz */
#define PPG_HELLO_REPLY_BSP_STATUS_AT 8u /* uint32_t */
#define PPG_HELLO_REPLY_INPUT_BYTES_AT 12u /* uint32_t, B */
#define PPG_HELLO_REPLY_OUTPUT_BYTES_AT 16u /* uint32_t, B */
#define PPG_HELLO_REPLY_ARENA_BYTES_AT 20u /* uint32_t, B */
#define PPG_HELLO_REPLY_OPERATOR_COUNT_AT 24u /* uint32_t */
#define PPG_HELLO_REPLY_MODEL_STATUS_AT 28u /* int32_t */
#define PPG_HELLO_REPLY_CPUID_AT 32u /* uint32_t */
#define PPG_HELLO_REPLY_COUNTER_SOURCE_AT 36u /* uint8_t */
#define PPG_HELLO_REPLY_RUNTIME_AT 37u /* char[8] */
#define PPG_HELLO_REPLY_RUNTIME_BYTES 8u /* B */
#define PPG_HELLO_REPLY_FIRMWARE_VERSION_AT 45u /* char[24] */
#define PPG_HELLO_REPLY_FIRMWARE_VERSION_BYTES 24u /* B */
#define PPG_HELLO_REPLY_BOARD_ID_AT 69u /* char[32] */
#define PPG_HELLO_REPLY_BOARD_ID_BYTES 32u /* B */
#define PPG_HELLO_REPLY_MODEL_SHA256_AT 101u /* uint8_t[32] */
#define PPG_HELLO_REPLY_MODEL_SHA256_BYTES 32u /* B */
#define PPG_HELLO_REPLY_BUILD_ID_AT 133u /* uint8_t[32] */
#define PPG_HELLO_REPLY_BUILD_ID_BYTES 32u /* B */
#define PPG_HELLO_REPLY_HOP_AT 165u /* uint32_t */
#define PPG_HELLO_REPLY_PUSH_BYTES_AT 169u /* uint32_t, B */
#define PPG_HELLO_REPLY_RESTART_CAUSE_AT 173u /* uint8_t */
#define PPG_HELLO_REPLY_RUN_LIMIT_MS_AT 174u /* uint32_t, ms */

/* LOAD_INPUT */
#define PPG_TYPE_LOAD_INPUT 0x02u
#define PPG_LOAD_INPUT_MIN_BYTES 4u
#define PPG_LOAD_INPUT_MAX_BYTES 512u
#define PPG_LOAD_INPUT_OFFSET_AT 0u /* uint32_t, B */
#define PPG_LOAD_INPUT_CHUNK_AT 4u /* uint8_t[] */

/* LOAD_INPUT_REPLY */
#define PPG_TYPE_LOAD_INPUT_REPLY 0x82u
#define PPG_LOAD_INPUT_REPLY_MIN_BYTES 4u
#define PPG_LOAD_INPUT_REPLY_MAX_BYTES 4u
#define PPG_LOAD_INPUT_REPLY_END_AT 0u /* uint32_t, B */

/* RUN */
#define PPG_TYPE_RUN 0x03u
#define PPG_RUN_MIN_BYTES 0u
#define PPG_RUN_MAX_BYTES 0u

/* RUN_REPLY */
#define PPG_TYPE_RUN_REPLY 0x83u
#define PPG_RUN_REPLY_MIN_BYTES 20u
#define PPG_RUN_REPLY_MAX_BYTES 512u
#define PPG_RUN_REPLY_MODEL_STATUS_AT 0u /* int32_t */
#define PPG_RUN_REPLY_INPUT_CRC_AT 4u /* uint32_t */
#define PPG_RUN_REPLY_TICKS_AT 8u /* uint32_t, ticks */
#define PPG_RUN_REPLY_TIMER_TICKS_AT 12u /* uint32_t, ticks */
#define PPG_RUN_REPLY_OUTPUT_CRC_AT 16u /* uint32_t */
#define PPG_RUN_REPLY_OUTPUT_AT 20u /* uint8_t[] */

/* READ_OUTPUT */
#define PPG_TYPE_READ_OUTPUT 0x04u
#define PPG_READ_OUTPUT_MIN_BYTES 8u
#define PPG_READ_OUTPUT_MAX_BYTES 8u
#define PPG_READ_OUTPUT_OFFSET_AT 0u /* uint32_t, B */
#define PPG_READ_OUTPUT_SIZE_AT 4u /* uint32_t, B */

/* READ_OUTPUT_REPLY */
#define PPG_TYPE_READ_OUTPUT_REPLY 0x84u
#define PPG_READ_OUTPUT_REPLY_MIN_BYTES 4u
#define PPG_READ_OUTPUT_REPLY_MAX_BYTES 512u
#define PPG_READ_OUTPUT_REPLY_OFFSET_AT 0u /* uint32_t, B */
#define PPG_READ_OUTPUT_REPLY_CHUNK_AT 4u /* uint8_t[] */

/* RUN_MANY */
#define PPG_TYPE_RUN_MANY 0x05u
#define PPG_RUN_MANY_MIN_BYTES 8u
#define PPG_RUN_MANY_MAX_BYTES 8u
#define PPG_RUN_MANY_FIRST_INDEX_AT 0u /* uint32_t */
#define PPG_RUN_MANY_COUNT_AT 4u /* uint32_t */

/* RUN_MANY_REPLY */
#define PPG_TYPE_RUN_MANY_REPLY 0x85u
#define PPG_RUN_MANY_REPLY_MIN_BYTES 16u
#define PPG_RUN_MANY_REPLY_MAX_BYTES 512u
#define PPG_RUN_MANY_REPLY_MODEL_STATUS_AT 0u /* int32_t */
#define PPG_RUN_MANY_REPLY_INPUT_CRC_AT 4u /* uint32_t */
#define PPG_RUN_MANY_REPLY_FIRST_INDEX_AT 8u /* uint32_t */
#define PPG_RUN_MANY_REPLY_TIMER_TICKS_AT 12u /* uint32_t, ticks */
#define PPG_RUN_MANY_REPLY_TICKS_AT 16u /* uint32_t[], ticks */

/* PROFILE */
#define PPG_TYPE_PROFILE 0x06u
#define PPG_PROFILE_MIN_BYTES 4u
#define PPG_PROFILE_MAX_BYTES 4u
#define PPG_PROFILE_FIRST_OPERATOR_AT 0u /* uint32_t */

/* PROFILE_REPLY */
#define PPG_TYPE_PROFILE_REPLY 0x86u
#define PPG_PROFILE_REPLY_MIN_BYTES 12u
#define PPG_PROFILE_REPLY_MAX_BYTES 512u
#define PPG_PROFILE_REPLY_MODEL_STATUS_AT 0u /* int32_t */
#define PPG_PROFILE_REPLY_INPUT_CRC_AT 4u /* uint32_t */
#define PPG_PROFILE_REPLY_FIRST_OPERATOR_AT 8u /* uint32_t */
#define PPG_PROFILE_REPLY_TICKS_AT 12u /* uint32_t[], ticks */

/* MEMORY */
#define PPG_TYPE_MEMORY 0x07u
#define PPG_MEMORY_MIN_BYTES 0u
#define PPG_MEMORY_MAX_BYTES 0u

/* MEMORY_REPLY */
#define PPG_TYPE_MEMORY_REPLY 0x87u
#define PPG_MEMORY_REPLY_MIN_BYTES 12u
#define PPG_MEMORY_REPLY_MAX_BYTES 12u
#define PPG_MEMORY_REPLY_ARENA_BYTES_AT 0u /* uint32_t, B */
#define PPG_MEMORY_REPLY_STACK_BYTES_AT 4u /* uint32_t, B */
#define PPG_MEMORY_REPLY_STACK_HIGH_WATER_AT 8u /* uint32_t, B */

/* ECHO */
#define PPG_TYPE_ECHO 0x08u
#define PPG_ECHO_MIN_BYTES 0u
#define PPG_ECHO_MAX_BYTES 512u
#define PPG_ECHO_PAYLOAD_AT 0u /* uint8_t[] */

/* ECHO_REPLY */
#define PPG_TYPE_ECHO_REPLY 0x88u
#define PPG_ECHO_REPLY_MIN_BYTES 0u
#define PPG_ECHO_REPLY_MAX_BYTES 512u
#define PPG_ECHO_REPLY_PAYLOAD_AT 0u /* uint8_t[] */

/* RESET */
#define PPG_TYPE_RESET 0x09u
#define PPG_RESET_MIN_BYTES 0u
#define PPG_RESET_MAX_BYTES 0u

/* RESET_REPLY */
#define PPG_TYPE_RESET_REPLY 0x89u
#define PPG_RESET_REPLY_MIN_BYTES 0u
#define PPG_RESET_REPLY_MAX_BYTES 0u

/* STATISTICS */
#define PPG_TYPE_STATISTICS 0x0Au
#define PPG_STATISTICS_MIN_BYTES 0u
#define PPG_STATISTICS_MAX_BYTES 0u

/* STATISTICS_REPLY */
#define PPG_TYPE_STATISTICS_REPLY 0x8Au
#define PPG_STATISTICS_REPLY_MIN_BYTES 32u
#define PPG_STATISTICS_REPLY_MAX_BYTES 32u
#define PPG_STATISTICS_REPLY_FRAMES_AT 0u /* uint32_t */
#define PPG_STATISTICS_REPLY_CRC_ERRORS_AT 4u /* uint32_t */
#define PPG_STATISTICS_REPLY_COBS_ERRORS_AT 8u /* uint32_t */
#define PPG_STATISTICS_REPLY_MALFORMED_AT 12u /* uint32_t */
#define PPG_STATISTICS_REPLY_OVERSIZE_AT 16u /* uint32_t */
#define PPG_STATISTICS_REPLY_UART_OVERRUNS_AT 20u /* uint32_t */
#define PPG_STATISTICS_REPLY_DUPLICATES_AT 24u /* uint32_t */
#define PPG_STATISTICS_REPLY_STALE_AT 28u /* uint32_t */

/* PUSH */
#define PPG_TYPE_PUSH 0x0Bu
#define PPG_PUSH_MIN_BYTES 1u
#define PPG_PUSH_MAX_BYTES 1u
#define PPG_PUSH_RESTART_AT 0u /* uint8_t */

/* PUSH_REPLY */
#define PPG_TYPE_PUSH_REPLY 0x8Bu
#define PPG_PUSH_REPLY_MIN_BYTES 21u
#define PPG_PUSH_REPLY_MAX_BYTES 512u
#define PPG_PUSH_REPLY_MODEL_STATUS_AT 0u /* int32_t */
#define PPG_PUSH_REPLY_FILLING_AT 4u /* uint8_t */
#define PPG_PUSH_REPLY_SAMPLES_CRC_AT 5u /* uint32_t */
#define PPG_PUSH_REPLY_TICKS_AT 9u /* uint32_t, ticks */
#define PPG_PUSH_REPLY_TIMER_TICKS_AT 13u /* uint32_t, ticks */
#define PPG_PUSH_REPLY_OUTPUT_CRC_AT 17u /* uint32_t */
#define PPG_PUSH_REPLY_OUTPUT_AT 21u /* uint8_t[] */

/* LAST_FAULT */
#define PPG_TYPE_LAST_FAULT 0x0Cu
#define PPG_LAST_FAULT_MIN_BYTES 0u
#define PPG_LAST_FAULT_MAX_BYTES 0u

/* LAST_FAULT_REPLY */
#define PPG_TYPE_LAST_FAULT_REPLY 0x8Cu
#define PPG_LAST_FAULT_REPLY_MIN_BYTES 33u
#define PPG_LAST_FAULT_REPLY_MAX_BYTES 33u
#define PPG_LAST_FAULT_REPLY_KIND_AT 0u /* uint8_t */
#define PPG_LAST_FAULT_REPLY_EXCEPTION_AT 1u /* uint32_t */
#define PPG_LAST_FAULT_REPLY_FAULT_STATUS_AT 5u /* uint32_t */
#define PPG_LAST_FAULT_REPLY_HARD_FAULT_STATUS_AT 9u /* uint32_t */
#define PPG_LAST_FAULT_REPLY_BUS_ADDRESS_AT 13u /* uint32_t */
#define PPG_LAST_FAULT_REPLY_PROGRAM_COUNTER_AT 17u /* uint32_t */
#define PPG_LAST_FAULT_REPLY_LINK_REGISTER_AT 21u /* uint32_t */
#define PPG_LAST_FAULT_REPLY_STACK_POINTER_AT 25u /* uint32_t */
#define PPG_LAST_FAULT_REPLY_RUNS_AT 29u /* uint32_t */

/* POWER_RUN */
#define PPG_TYPE_POWER_RUN 0x0Du
#define PPG_POWER_RUN_MIN_BYTES 16u
#define PPG_POWER_RUN_MAX_BYTES 16u
#define PPG_POWER_RUN_BURSTS_AT 0u /* uint32_t */
#define PPG_POWER_RUN_RUNS_AT 4u /* uint32_t */
#define PPG_POWER_RUN_AWAKE_MS_AT 8u /* uint32_t, ms */
#define PPG_POWER_RUN_SLEEP_MS_AT 12u /* uint32_t, ms */

/* POWER_RUN_REPLY */
#define PPG_TYPE_POWER_RUN_REPLY 0x8Du
#define PPG_POWER_RUN_REPLY_MIN_BYTES 13u
#define PPG_POWER_RUN_REPLY_MAX_BYTES 13u
#define PPG_POWER_RUN_REPLY_STATE_AT 0u /* uint8_t */
#define PPG_POWER_RUN_REPLY_MODEL_STATUS_AT 1u /* int32_t */
#define PPG_POWER_RUN_REPLY_BURSTS_DONE_AT 5u /* uint32_t */
#define PPG_POWER_RUN_REPLY_BURST_TICKS_AT 9u /* uint32_t, ticks */

/* BOOT */
#define PPG_TYPE_BOOT 0xC0u
#define PPG_BOOT_MIN_BYTES 178u
#define PPG_BOOT_MAX_BYTES 178u
#define PPG_BOOT_SESSION_AT 0u /* uint32_t */
#define PPG_BOOT_CLOCK_HZ_AT 4u /* uint32_t, Hz */
#define PPG_BOOT_BSP_STATUS_AT 8u /* uint32_t */
#define PPG_BOOT_INPUT_BYTES_AT 12u /* uint32_t, B */
#define PPG_BOOT_OUTPUT_BYTES_AT 16u /* uint32_t, B */
#define PPG_BOOT_ARENA_BYTES_AT 20u /* uint32_t, B */
#define PPG_BOOT_OPERATOR_COUNT_AT 24u /* uint32_t */
#define PPG_BOOT_MODEL_STATUS_AT 28u /* int32_t */
#define PPG_BOOT_CPUID_AT 32u /* uint32_t */
#define PPG_BOOT_COUNTER_SOURCE_AT 36u /* uint8_t */
#define PPG_BOOT_RUNTIME_AT 37u /* char[8] */
#define PPG_BOOT_RUNTIME_BYTES 8u /* B */
#define PPG_BOOT_FIRMWARE_VERSION_AT 45u /* char[24] */
#define PPG_BOOT_FIRMWARE_VERSION_BYTES 24u /* B */
#define PPG_BOOT_BOARD_ID_AT 69u /* char[32] */
#define PPG_BOOT_BOARD_ID_BYTES 32u /* B */
#define PPG_BOOT_MODEL_SHA256_AT 101u /* uint8_t[32] */
#define PPG_BOOT_MODEL_SHA256_BYTES 32u /* B */
#define PPG_BOOT_BUILD_ID_AT 133u /* uint8_t[32] */
#define PPG_BOOT_BUILD_ID_BYTES 32u /* B */
#define PPG_BOOT_HOP_AT 165u /* uint32_t */
#define PPG_BOOT_PUSH_BYTES_AT 169u /* uint32_t, B */
#define PPG_BOOT_RESTART_CAUSE_AT 173u /* uint8_t */
#define PPG_BOOT_RUN_LIMIT_MS_AT 174u /* uint32_t, ms */

/* FAULT */
#define PPG_TYPE_FAULT 0xC1u
#define PPG_FAULT_MIN_BYTES 33u
#define PPG_FAULT_MAX_BYTES 33u
#define PPG_FAULT_KIND_AT 0u /* uint8_t */
#define PPG_FAULT_EXCEPTION_AT 1u /* uint32_t */
#define PPG_FAULT_FAULT_STATUS_AT 5u /* uint32_t */
#define PPG_FAULT_HARD_FAULT_STATUS_AT 9u /* uint32_t */
#define PPG_FAULT_BUS_ADDRESS_AT 13u /* uint32_t */
#define PPG_FAULT_PROGRAM_COUNTER_AT 17u /* uint32_t */
#define PPG_FAULT_LINK_REGISTER_AT 21u /* uint32_t */
#define PPG_FAULT_STACK_POINTER_AT 25u /* uint32_t */
#define PPG_FAULT_RUNS_AT 29u /* uint32_t */

/* ERROR */
#define PPG_TYPE_ERROR 0xFFu
#define PPG_ERROR_MIN_BYTES 6u
#define PPG_ERROR_MAX_BYTES 6u
#define PPG_ERROR_STATUS_AT 0u /* uint8_t */
#define PPG_ERROR_REQUEST_TYPE_AT 1u /* uint8_t */
#define PPG_ERROR_DETAIL_AT 2u /* int32_t */

#endif

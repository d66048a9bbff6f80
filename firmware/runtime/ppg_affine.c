#include "ppg_affine.h"

#include "ppg_attributes.h"
#include "ppg_memory.h"
#include "ppg_simd.h"

static int8_t on_line(int32_t code, int32_t slope, int32_t offset) {
  int32_t value = (offset + (int32_t)(((int64_t)slope * code) >> 8)) >> 16;
  return (int8_t)((value < 0 ? 0 : (value > 255 ? 255 : value)) - 128);
}

#if PPG_SIMD

/* Register plan: r4-r11 slopes and offsets of 4 channels   r1 in   r2 out
     r3 pitch below, positions - 1 above   r0, r12, lr values
   A code in the upper byte of a half is the code times 256: two masks take the place of two sign extensions, and
   leave the slope 8 bits more. USAT16 cuts two results at once to 0 .. 255; the last EOR takes 128 off. */
#define ONE_POSITION                \
  "ldr r0, [r1]\n"                  \
  "uxtah r1, r1, r3\n"              \
  "lsl r12, r0, #8\n"               \
  "and r0, r0, #0xFF00FF00\n"       \
  "and r12, r12, #0xFF00FF00\n"     \
  "smlawb lr, r4, r12, r5\n"        \
  "smlawt r12, r8, r12, r9\n"       \
  "pkhtb r12, r12, lr, asr #16\n"   \
  "smlawb lr, r6, r0, r7\n"         \
  "smlawt r0, r10, r0, r11\n"       \
  "pkhtb r0, r0, lr, asr #16\n"     \
  "usat16 r12, #8, r12\n"           \
  "usat16 r0, #8, r0\n"             \
  "orr r0, r12, r0, lsl #8\n"       \
  "eor r0, r0, #0x80808080\n"       \
  "str r0, [r2]\n"                  \
  "uxtah r2, r2, r3\n"

__attribute__((naked)) PPG_KEEP_FUNCTION static void four_channels(
    const int32_t *lines __attribute__((unused)), const int8_t *in __attribute__((unused)),
    int8_t *out __attribute__((unused)), uint32_t pitch_and_positions __attribute__((unused))) {
  __asm volatile(
      "push {r4-r11, lr}\n"
      "ldm r0, {r4-r11}\n"
      "tst r3, #0x10000\n" /* positions - 1 is even: the first one alone, then pairs */
      "bne 2f\n" ONE_POSITION
      "subs r3, r3, #0x10000\n"
      "bcc 3f\n"
      "2:\n" ONE_POSITION ONE_POSITION
      "subs r3, r3, #0x20000\n"
      "bcs 2b\n"
      "3:\n"
      "pop {r4-r11, pc}\n");
}

#else

static void four_channels(const int32_t *lines, const int8_t *in, int8_t *out, uint32_t pitch_and_positions) {
  uint32_t pitch = pitch_and_positions & 0xFFFFu;
  for (uint32_t left = (pitch_and_positions >> 16) + 1; left > 0; left--, in += pitch, out += pitch) {
    for (int32_t i = 0; i < 4; i++) out[i] = on_line(in[i], lines[2 * i], lines[2 * i + 1]);
  }
}

#endif

static void one_channel(const int32_t *line, const int8_t *in, int8_t *out, int32_t positions, int32_t pitch) {
  int32_t slope = line[0], offset = line[1];
  for (; positions > 0; positions--, in += pitch, out += pitch) *out = on_line(*in, slope, offset);
}

static void translate(const int8_t *table, int8_t *codes, int32_t positions, int32_t pitch) {
  for (; positions > 0; positions--, codes += pitch) *codes = table[(uint8_t)*codes];
}

void ppg_affine(const ppg_affine_t *affine, const int8_t *in, int8_t *out) {
  int32_t channels = affine->channels, positions = affine->positions, channel = 0;
  uint32_t pitch_and_positions = (uint32_t)channels | ((uint32_t)(positions - 1) << 16);
  for (; channel + 4 <= channels; channel += 4) {
    four_channels(affine->lines + 2 * channel, in + channel, out + channel, pitch_and_positions);
  }
  for (; channel < channels; channel++) {
    one_channel(affine->lines + 2 * channel, in + channel, out + channel, positions, channels);
  }
  for (int32_t i = 0; i < affine->tabled_count; i++) {
    translate(affine->tables + 256 * i, out + affine->tabled[i], positions, channels);
  }
  ppg_clamp_all(out, affine->low, affine->high, channels * positions);
}

// Written for the tests of ppg-deploy; see tests/tflm_api/README.md.
#pragma once
#include <cstdint>
#include <cstring>

namespace tflite {
class Model {
 public:
  // FlatBuffers: the root table, its table of offsets, field 0 (`version`).
  uint32_t version() const {
    const uint8_t *const file = reinterpret_cast<const uint8_t *>(this);
    const uint8_t *const root = file + read<uint32_t>(file);
    const uint16_t at = read<uint16_t>(root - read<int32_t>(root) + 4);
    return at == 0 ? 0 : read<uint32_t>(root + at);
  }

 private:
  template <typename T>
  static T read(const uint8_t *at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
};
inline const Model *GetModel(const void *file) { return static_cast<const Model *>(file); }
}  // namespace tflite

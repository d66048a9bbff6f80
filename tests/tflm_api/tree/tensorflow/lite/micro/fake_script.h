// What the fake interpreter does. A test that builds firmware writes this file anew for its model.
#pragma once
#include <cstddef>

struct FakeScript {
  size_t needed_bytes = 4096;
  size_t input_bytes = 16;
  size_t output_bytes = 4;
  unsigned operators = 3;
  unsigned registrations = 2;
  unsigned failing_operator = ~0u;
  bool refuses_model = false;
  bool reset_fails = false;
};
inline FakeScript fake_script;

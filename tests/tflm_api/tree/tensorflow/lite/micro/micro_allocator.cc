// Written for the tests of ppg-deploy; see tests/tflm_api/README.md.
#if !defined(__OPTIMIZE_SIZE__) && defined(__arm__)
#error "the core is compiled with -Os, as TFLM's own Makefile does"
#endif
namespace tflite {
volatile int fake_answer = 42;
int fake_static = fake_answer;  // only code that runs before main() can do this
}  // namespace tflite

// Written for the tests of ppg-deploy; see tests/tflm_api/README.md.
#if !defined(__OPTIMIZE_SIZE__) && defined(__arm__)
#error "the core is compiled with -Os, as TFLM's own Makefile does"
#endif
namespace tflite {
int fake_static = [] { return 42; }();
}  // namespace tflite

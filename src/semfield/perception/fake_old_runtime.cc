// A library for tests that claims to be an ONNX Runtime too old to be used.
namespace {
struct ApiBase {
  const void* (*get_api)(unsigned);
  const char* (*get_version)();
};
const void* GetApi(unsigned) {
  return nullptr;
}
const char* GetVersion() {
  return "1.9.0";
}
const ApiBase kBase{GetApi, GetVersion};
}  // namespace

#ifdef FAKE_OLD_RUNTIME
extern "C" const void* OrtGetApiBase() {
  return &kBase;
}
#else
extern "C" const void* SomethingElse() {
  return &kBase;
}
#endif

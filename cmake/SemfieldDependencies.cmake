# Third-party libraries, all from Debian packages; docs/dependencies.md says why each is here.
find_package(Threads REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(PkgConfig REQUIRED)
pkg_check_modules(hwy REQUIRED IMPORTED_TARGET libhwy)
pkg_check_modules(turbojpeg REQUIRED IMPORTED_TARGET libturbojpeg)
pkg_check_modules(spng REQUIRED IMPORTED_TARGET spng)
find_package(tinyexr REQUIRED)
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)
# What --version names.
set(SEMFIELD_LIBRARY_VERSIONS "Eigen ${Eigen3_VERSION}, fmt ${fmt_VERSION}, spdlog ${spdlog_VERSION}, \
JSON ${nlohmann_json_VERSION}, CLI11 ${CLI11_VERSION}, OpenSSL ${OPENSSL_VERSION}, Highway ${hwy_VERSION}, \
TurboJPEG ${turbojpeg_VERSION}, spng ${spng_VERSION}, tinyexr ${tinyexr_VERSION}, xxHash ${xxhash_VERSION}, \
utf8proc ${utf8proc_VERSION}")
if(SEMFIELD_BUILD_TESTS)
  find_package(GTest 1.12 REQUIRED)
  include(GoogleTest)
endif()
if(SEMFIELD_BUILD_BENCH)
  find_package(benchmark REQUIRED)
endif()

# Writes a header that names the interfaces of a build: a hash of all headers, the compiler and its options.
#   cmake -DSOURCE=... -DOUT=... -DCOMPILER=... -P BuildId.cmake
file(GLOB_RECURSE headers RELATIVE ${SOURCE} ${SOURCE}/*.h)
list(SORT headers)
set(all "${COMPILER}")
foreach(header ${headers})
  file(SHA256 ${SOURCE}/${header} hash)
  string(APPEND all "${header} ${hash}\n")
endforeach()
string(SHA256 id "${all}")
string(SUBSTRING ${id} 0 16 id)
file(CONFIGURE OUTPUT ${OUT} CONTENT "#define SEMFIELD_BUILD_ID \"@id@\"\n" @ONLY)

# The house: every library is a room with a floor number, and links only rooms on floors below it.
#
#   semfield_library(<room> SOURCES ... [LINKS <rooms and libraries>])   -> semfield_<room>
#   semfield_interface(<room> [LINKS ...])                -> semfield_<room>, headers only
#   semfield_test(<room> <name> SOURCES ... [LINKS ...])                 -> ctest <room>/<name>
#   semfield_bench(<room> <name> SOURCES ... [LINKS ...])

# Rooms by floor, lowest first; tests/floors_test.cc reads this list too.
set(SEMFIELD_FLOORS
  "base=0" "geometry=10" "image=10" "ops=20" "capture=30" "synthetic=31" "diagnosis=33" "poses=35" "perception=40"
  "training=50" "field=60" "methods=70" "methods/radiance=71" "methods/feature_field=75" "methods/language_field=76" "methods/laser=76" "catalog=77" "run=78" "surface=80" "views=82" "scenes=83" "interaction=85"
  "objects=90" "edits=95" "evaluation=100" "report=105" "jobs=110" "apps/cli=120" "bench=130")

add_library(semfield_flags INTERFACE)
target_include_directories(semfield_flags INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
                           $<INSTALL_INTERFACE:include>)
target_compile_options(semfield_flags INTERFACE $<BUILD_INTERFACE:-Wall> $<BUILD_INTERFACE:-Wextra>
                       $<BUILD_INTERFACE:-Wno-unused-parameter>)
if(SEMFIELD_WARNINGS_AS_ERRORS)
  target_compile_options(semfield_flags INTERFACE $<BUILD_INTERFACE:-Werror>)
endif()
# g++ 12 warns of its own std::string (GCC bug 105651).
target_compile_options(semfield_flags INTERFACE $<BUILD_INTERFACE:-Wno-restrict>)
# Options are given by designated initialisers on purpose: a field that is not named keeps its default.
target_compile_options(semfield_flags INTERFACE $<BUILD_INTERFACE:-Wno-missing-field-initializers>)
if(SEMFIELD_SANITIZE)
  # Line tables (-g1) are all that a sanitizer's stack trace needs; with full debug information g++ 12 takes minutes
  # a file to track the variables of the instrumented kernels, and with -O2 it takes four times as long for a kernel as
  # with -O1.
  target_compile_options(semfield_flags INTERFACE -fsanitize=${SEMFIELD_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all -g1 $<$<CXX_COMPILER_ID:GNU>:-O1>)
  target_compile_definitions(semfield_flags INTERFACE _GLIBCXX_ASSERTIONS)
  target_link_options(semfield_flags INTERFACE -fsanitize=${SEMFIELD_SANITIZE})
endif()

if(SEMFIELD_BUILD_TESTS)
  add_library(semfield_test_main STATIC ${PROJECT_SOURCE_DIR}/tests/test_main.cc)
  target_link_libraries(semfield_test_main PUBLIC GTest::gtest)
endif()

function(semfield_floor_of room out)
  foreach(entry ${SEMFIELD_FLOORS})
    string(REPLACE "=" ";" parts ${entry})
    list(GET parts 0 name)
    list(GET parts 1 floor)
    if(name STREQUAL room)
      set(${out} ${floor} PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "room '${room}' has no floor: add it to SEMFIELD_FLOORS in cmake/SemfieldRooms.cmake")
endfunction()

# Turns room names into targets and refuses a link that goes up or sideways.
function(semfield_resolve_links room links out)
  semfield_floor_of(${room} own_floor)
  set(resolved)
  foreach(link ${links})
    if(link MATCHES "^semfield_(.+)$")
      set(other ${CMAKE_MATCH_1})
      string(REGEX REPLACE "^methods_" "methods/" other ${other})
      semfield_floor_of(${other} other_floor)
      if(NOT other_floor LESS own_floor)
        message(FATAL_ERROR "room '${room}' (floor ${own_floor}) may not link '${other}' (floor ${other_floor})")
      endif()
    endif()
    list(APPEND resolved ${link})
  endforeach()
  set(${out} ${resolved} PARENT_SCOPE)
endfunction()

function(semfield_library room)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  string(REPLACE "/" "_" target semfield_${room})
  semfield_resolve_links(${room} "${arg_LINKS}" links)
  add_library(${target} STATIC ${arg_SOURCES})
  target_link_libraries(${target} PUBLIC semfield_flags ${links})
  set_property(GLOBAL APPEND PROPERTY SEMFIELD_LIBRARIES ${target})
endfunction()

# A room of declarations alone.
function(semfield_interface room)
  cmake_parse_arguments(arg "" "" "LINKS" ${ARGN})
  string(REPLACE "/" "_" target semfield_${room})
  semfield_resolve_links(${room} "${arg_LINKS}" links)
  add_library(${target} INTERFACE)
  target_link_libraries(${target} INTERFACE semfield_flags ${links})
  set_property(GLOBAL APPEND PROPERTY SEMFIELD_LIBRARIES ${target})
endfunction()

function(semfield_test room name)
  if(NOT SEMFIELD_BUILD_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS;LABELS" ${ARGN})
  string(REPLACE "/" "_" target test_${room}_${name})
  string(REPLACE "/" "_" own semfield_${room})
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE ${own} ${arg_LINKS} semfield_test_main)
  add_test(NAME ${room}/${name} COMMAND ${target})
  set_tests_properties(${room}/${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 900 LABELS "${arg_LABELS}"
                       ENVIRONMENT "SEMFIELD_SOURCE_DIR=${PROJECT_SOURCE_DIR}")
endfunction()

function(semfield_bench room name)
  if(NOT SEMFIELD_BUILD_BENCH)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  string(REPLACE "/" "_" target bench_${room}_${name})
  string(REPLACE "/" "_" own semfield_${room})
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE ${own} ${arg_LINKS} benchmark::benchmark_main)
endfunction()

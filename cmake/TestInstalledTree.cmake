# Installs the build into a folder of its own, then works with that folder alone: the command answers, a program made
# of examples/consumer finds, links and uses the library.
#   cmake -DBUILD=... -DCONSUMER=... -DCAPTURE=... -DCOMPILER=... -P TestInstalledTree.cmake
set(folder ${BUILD}/installed_tree_test)
set(tree ${folder}/tree)
file(REMOVE_RECURSE ${folder})

function(run expected)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT code EQUAL 0 OR NOT output MATCHES "${expected}")
    string(REPLACE ";" " " command "${ARGN}")
    message(FATAL_ERROR "${command}\nexpected exit code 0 and '${expected}', got ${code} and:\n${output}")
  endif()
endfunction()

# A build that lacks something is told what to build, and nothing is installed.
file(RENAME ${BUILD}/shell/completion.stamp ${BUILD}/shell/completion.away)
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${tree} RESULT_VARIABLE code
                OUTPUT_VARIABLE output ERROR_VARIABLE output)
file(RENAME ${BUILD}/shell/completion.away ${BUILD}/shell/completion.stamp)
string(REGEX REPLACE "[ \n]+" " " output "${output}")
if(code EQUAL 0 OR NOT output MATCHES "scripts/build.sh release semfield_installed" OR EXISTS ${tree}/bin)
  message(FATAL_ERROR "an install of half a build: exit code ${code} and:\n${output}")
endif()

run("" ${CMAKE_COMMAND} --install ${BUILD} --prefix ${tree})
foreach(file bin/semfield include/semfield/base/error.h lib/cmake/semfield/semfieldConfig.cmake
        share/semfield/configs/train/default.json share/semfield/models/sam.json share/doc/semfield/copyright
        share/man/man1/semfield.1 share/semfield/schemas/train.schema.json share/bash-completion/completions/semfield
        share/zsh/vendor-completions/_semfield share/fish/vendor_completions.d/semfield.fish)
  if(NOT EXISTS ${tree}/${file})
    message(FATAL_ERROR "the installed tree lacks ${file}")
  endif()
endforeach()
file(GLOB_RECURSE internal ${tree}/include/*_test* ${tree}/include/*_reference.h)
if(internal)
  message(FATAL_ERROR "headers of tests were installed: ${internal}")
endif()

run("^semfield [0-9]+[.][0-9]+" ${tree}/bin/semfield --version)
run("views" ${tree}/bin/semfield info ${CAPTURE})
# The command neither links LibTorch nor the module that needs it.
find_program(readelf readelf)
if(readelf)
  execute_process(COMMAND ${readelf} --dynamic ${tree}/bin/semfield OUTPUT_VARIABLE needed COMMAND_ERROR_IS_FATAL ANY)
  if(NOT needed MATCHES "NEEDED" OR needed MATCHES "torch|libc10|semfield_scenes|onnxruntime")
    message(FATAL_ERROR "the command links what is to be opened at run time:\n${needed}")
  endif()
endif()
if(EXISTS ${tree}/lib/semfield/libonnxruntime.so.1)
  run("sam" ${tree}/bin/semfield models list)
endif()

run("" ${CMAKE_COMMAND} -S ${CONSUMER} -B ${folder}/consumer -DCMAKE_PREFIX_PATH=${tree} -DCMAKE_BUILD_TYPE=Release
    -DCMAKE_CXX_COMPILER=${COMPILER})
run("" ${CMAKE_COMMAND} --build ${folder}/consumer)
run("[0-9]+ views, [0-9]+ of them held out" ${folder}/consumer/consumer ${CAPTURE})
file(REMOVE_RECURSE ${folder})

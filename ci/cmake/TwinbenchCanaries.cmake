# Canaries: drivers with one bug planted, to measure whether sweeps and fuzzers find it. A canary is a patch, so that the drivers
# that people use have no line of it. `canaries` builds the program once for each, as canaries/twinbench_canary_NN; the patched
# source is compiled into it, and so the library's own is not taken.
#
# tb_canary(PATCH): the first two digits of its name are its number; a line "Recompile: FILE" names a source that a patched header
# changes.
find_program(PATCH_PROGRAM patch)
if(NOT TARGET canaries)
  add_custom_target(canaries)
endif()

function(tb_canary patch)
  get_filename_component(name ${patch} NAME)
  string(SUBSTRING ${name} 0 2 number)
  set(folder ${CMAKE_BINARY_DIR}/canaries/source_${number})
  file(STRINGS ${patch} lines REGEX "^([+][+][+] b/|Recompile: )")
  set(originals)
  set(copies)
  set(sources)
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "^([+][+][+] b/|Recompile: )" "" path "${line}")
    list(APPEND originals ${PROJECT_SOURCE_DIR}/${path})
    list(APPEND copies ${folder}/${path})
    if(path MATCHES "[.]cpp$")
      list(APPEND sources ${folder}/${path})
    endif()
  endforeach()
  set(copy)
  foreach(original copied IN ZIP_LISTS originals copies)
    list(APPEND copy COMMAND ${CMAKE_COMMAND} -E copy ${original} ${copied})
  endforeach()
  add_custom_command(OUTPUT ${copies} ${copy}
    COMMAND ${PATCH_PROGRAM} --quiet --strip=1 --directory=${folder} --input=${patch}
    DEPENDS ${originals} ${patch} COMMENT "Canary ${number}" VERBATIM)
  add_executable(twinbench_canary_${number} EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/harness/cli/main.cpp ${copies})
  set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS "-w;-fno-exceptions;-fno-rtti")
  target_include_directories(twinbench_canary_${number} BEFORE PRIVATE ${folder}/drivers)
  target_link_libraries(twinbench_canary_${number} PRIVATE tb_options tb_cli CLI11::CLI11)
  set_target_properties(twinbench_canary_${number} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/canaries)
  add_dependencies(canaries twinbench_canary_${number})
endfunction()

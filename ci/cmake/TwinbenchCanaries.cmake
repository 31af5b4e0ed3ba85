# Canaries: drivers with one bug planted, to measure whether sweeps and fuzzers find it. A canary is a patch, so that the drivers
# that people use have no line of it. `canaries` builds the program once for each, as canaries/twinbench_canary_NN, and with the
# preset `fuzz` a fuzz target for each, as canaries/fuzz_canary_NN; the patched source is compiled into it, and so the library's
# own is not taken.
#
# tb_canary(PATCH): the first two digits of its name are its number; a line "Recompile: FILE" names a source that a patched header
# changes.
find_program(PATCH_PROGRAM patch)
if(NOT TARGET canaries)
  add_custom_target(canaries)
endif()

# An executable of MAIN and the patched sources, in canaries/.
function(tb_canary_program name main folder copies)
  set(sources ${copies})
  list(FILTER sources INCLUDE REGEX "[.]cpp$")
  add_executable(${name} EXCLUDE_FROM_ALL ${main} ${copies})
  set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS "-w;-fno-exceptions;-fno-rtti")
  target_include_directories(${name} BEFORE PRIVATE ${folder}/drivers)
  target_link_libraries(${name} PRIVATE tb_options ${ARGN})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/canaries)
  add_dependencies(canaries ${name})
endfunction()

function(tb_canary patch)
  get_filename_component(name ${patch} NAME)
  string(SUBSTRING ${name} 0 2 number)
  set(folder ${CMAKE_BINARY_DIR}/canaries/source_${number})
  file(STRINGS ${patch} lines REGEX "^([+][+][+] b/|Recompile: )")
  set(originals)
  set(copies)
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "^([+][+][+] b/|Recompile: )" "" path "${line}")
    list(APPEND originals ${PROJECT_SOURCE_DIR}/${path})
    list(APPEND copies ${folder}/${path})
  endforeach()
  set(copy)
  foreach(original copied IN ZIP_LISTS originals copies)
    list(APPEND copy COMMAND ${CMAKE_COMMAND} -E copy ${original} ${copied})
  endforeach()
  add_custom_command(OUTPUT ${copies} ${copy}
    COMMAND ${PATCH_PROGRAM} --quiet --strip=1 --directory=${folder} --input=${patch}
    DEPENDS ${originals} ${patch} COMMENT "Canary ${number}" VERBATIM)
  if(TWINBENCH_FUZZ)
    # Which driver it is, its place says.
    set(subject virtio_blk)
    if(copies MATCHES "drivers/net/")
      set(subject e1000)
    elseif(copies MATCHES "drivers/serial/")
      set(subject serial)
    endif()
    tb_canary_program(fuzz_canary_${number} ${PROJECT_SOURCE_DIR}/fuzz/fuzzer_main.cpp ${folder} "${copies}"
      ${TWINBENCH_FUZZING_ENGINE} ${subject}_program_target)
  else()
    tb_canary_program(twinbench_canary_${number} ${PROJECT_SOURCE_DIR}/harness/cli/main.cpp ${folder} "${copies}" tb_cli CLI11::CLI11)
  endif()
endfunction()

# tb_library(NAME SOURCES... [LINK ...])     a static library of the house, warnings as errors
# tb_test(NAME SOURCES... [LINK ...])        a GoogleTest program, registered with ctest
# tb_benchmark(NAME SOURCES... [LINK ...])   a Google Benchmark program, run by hand or by `twinbench bench`
#
# Includes are written from a folder of the house: <hal/...> and "pci/..." in drivers,
# "models/core/..." and "harness/trace/..." elsewhere.

function(tb_library name)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${TWINBENCH_LIBRARY_OPTIONS} PUBLIC ${arg_LINK})
endfunction()

function(tb_test name)
  if(NOT BUILD_TESTING)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  # Before SystemC, whose library has a main() too.
  target_link_libraries(${name} PRIVATE tb_options GTest::gmock_main ${arg_LINK})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300
    ENVIRONMENT "SYSTEMC_DISABLE_COPYRIGHT_MESSAGE=1")
endfunction()

function(tb_benchmark name)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE tb_options benchmark::benchmark_main ${arg_LINK})
endfunction()

# Language, warnings and the switches that the presets set.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

option(TWINBENCH_KERNEL_ONLY "Build only the drivers, for a kernel" OFF)
option(TWINBENCH_FUZZ "Build the libFuzzer targets (needs clang)" OFF)
set(TWINBENCH_FUZZING_ENGINE "-fsanitize=fuzzer" CACHE STRING "What fuzz targets link for their main")
option(TWINBENCH_COVERAGE "Instrument for line coverage" OFF)
set(TWINBENCH_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them, e.g. address,undefined")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
  set(CMAKE_C_COMPILER_LAUNCHER "${CCACHE_PROGRAM}")
endif()

# What sources are compiled with that only carry what is tested (tb_coverage(none)): no instrumentation.
add_library(tb_plain INTERFACE)
target_compile_options(tb_plain INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Werror;-Wshadow;-Wconversion;-Wno-sign-conversion>)
# All others: the same, and what the presets ask for.
add_library(tb_options INTERFACE)
target_link_libraries(tb_options INTERFACE tb_plain)
# Which of the two the libraries of a folder get.
set(TWINBENCH_LIBRARY_OPTIONS tb_options)
if(TWINBENCH_SANITIZE)
  target_compile_options(tb_options INTERFACE
    -fsanitize=${TWINBENCH_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  # The vptr check reads type information, which drivers are compiled without (-fno-rtti).
  target_compile_options(tb_options INTERFACE -fno-sanitize=vptr)
  target_link_options(tb_options INTERFACE -fsanitize=${TWINBENCH_SANITIZE})
endif()
if(TWINBENCH_COVERAGE)
  target_compile_options(tb_options INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(tb_options INTERFACE --coverage)
endif()
if(TWINBENCH_FUZZ)
  # Only the fuzz targets link the fuzzer's main.
  target_compile_options(tb_options INTERFACE -fsanitize=fuzzer-no-link)
  if(NOT TWINBENCH_SANITIZE)
    # They come from outside, if there are any.
    target_compile_options(tb_options INTERFACE -fno-sanitize=vptr)
    # A sanitizer's library has what instrumented code calls, for programs without the fuzzer.
    target_link_options(tb_options INTERFACE -fsanitize=undefined)
  endif()
endif()
# What the fuzzer learns of the sources in this folder and below: everything, where nothing is said; `tb_coverage(edges)`: where
# they go, not what they compare; `tb_coverage(none)`: nothing. They only carry what is tested, and every count and check in them
# costs time: the preset `asan` has them checked, with the same inputs. (Functions in headers that they share with the drivers are
# the linker's choice; those are the seam's windows, of one line each.)
macro(tb_coverage what)
  if(TWINBENCH_FUZZ AND "${what}" STREQUAL "edges")
    add_compile_options(-fno-sanitize-coverage=trace-cmp,indirect-calls)
  elseif(TWINBENCH_FUZZ)
    set(TWINBENCH_LIBRARY_OPTIONS tb_plain)
    # Where the instrumentation comes from outside, tb_plain has it too.
    add_compile_options(-fno-sanitize-coverage=trace-cmp,indirect-calls,inline-8bit-counters,pc-table)
  endif()
endmacro()

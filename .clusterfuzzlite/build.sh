#!/bin/bash -eu
# Builds every fuzz target into $OUT, with its seed corpus, dictionary and options: ClusterFuzzLite calls it, and sets CC, CXX,
# CFLAGS, CXXFLAGS, LIB_FUZZING_ENGINE, SANITIZER, SRC, WORK and OUT. Nothing is downloaded.
source_folder=${SRC:?}/twinbench
[ -d "$source_folder" ] || source_folder=$(cd "$(dirname "$0")/.." && pwd)
build=${WORK:?}/twinbench

# The packages' libraries are built against libstdc++: so is this.
flags=${CXXFLAGS//-stdlib=libc++/}

cmake -S "$source_folder" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBUILD_TESTING=OFF \
  -DCMAKE_C_COMPILER="${CC:?}" -DCMAKE_C_FLAGS="${CFLAGS:-}" -DCMAKE_CXX_COMPILER="${CXX:?}" -DCMAKE_CXX_FLAGS="$flags" \
  -DTWINBENCH_FUZZ=ON -DTWINBENCH_FUZZING_ENGINE="${LIB_FUZZING_ENGINE:?}" \
  -DCMAKE_BUILD_RPATH='$ORIGIN/lib' -DCMAKE_BUILD_RPATH_USE_ORIGIN=ON
cmake --build "$build" --target fuzzers dictionaries

mkdir -p "$OUT/lib"
for program in "$build"/bin/fuzz_*; do
  name=$(basename "$program")
  target=${name#fuzz_}
  cp "$program" "$OUT/"
  # The runner has no packages of ours.
  ldd "$program" | awk '$3 ~ /^\// { print $3 }' | grep -vE '/(libc|libm|libdl|libpthread|librt|ld-linux[^/]*)\.so' |
    xargs -r -I{} cp -nL {} "$OUT/lib/"
  corpus=$source_folder/fuzz/corpus/$target
  if [ -d "$corpus" ]; then (cd "$corpus" && zip -q -r "$OUT/${name}_seed_corpus.zip" .); fi
  if [ -f "$build/dictionaries/$target.dict" ]; then cp "$build/dictionaries/$target.dict" "$OUT/$name.dict"; fi
  printf '[libfuzzer]\nmax_len = %d\ndetect_leaks = 0\nlen_control = 0\n' "$(case $target in *_program | model_*) echo 384 ;; *_stream) echo 4096 ;; *) echo 65536 ;; esac)" \
    >"$OUT/$name.options"
done

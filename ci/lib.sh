# Shared by the scripts of this folder; sourced, with the repository's root as the current folder.
set -euo pipefail
jobs=$(nproc)
started=$SECONDS

say() { printf '\n== [%4ds] %s\n' "$((SECONDS - started))" "$*"; }

# build PRESET [TARGET...]: configures when needed and builds; the compiler's words are shown only when it objects.
build() {
  local preset=$1 log
  shift
  log=$(mktemp)
  say "build: $preset"
  if ! { cmake --preset "$preset" && cmake --build --preset "$preset" -j "$jobs" ${1:+--target "$@"}; } >"$log" 2>&1; then
    grep -vE '^\[[0-9]+/[0-9]+\]' "$log" | tail -n 60 >&2 || true
    rm -f "$log"
    echo "build: the preset $preset failed (above)" >&2
    return 1
  fi
  tail -n 1 "$log"
  rm -f "$log"
}

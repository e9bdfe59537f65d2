#!/bin/sh
# Builds the example modules: ./build.sh [FOLDER]. Needs clang and lld (Debian: apt-get install clang lld).
# The bytes beside the sources are those of Debian 12's clang 14; another version may give others.
set -eu
cd "$(dirname "$0")"
to=${1:-.}
for source in *.c; do
  clang --target=wasm32 -std=c11 -O2 -nostdlib -ffreestanding -Wall -Wextra -Werror \
    -Wl,--no-entry -Wl,--strip-all -Wl,-z,stack-size=8192 \
    -o "$to/${source%.c}.wasm" "$source"
  chmod 644 "$to/${source%.c}.wasm"
done

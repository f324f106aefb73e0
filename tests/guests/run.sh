#!/usr/bin/env bash
# Builds and runs a guest: `run.sh installed BUILD_DIR` against an installation of that build, `run.sh fetched BUILD_DIR`
# against the sources, with the flags of that build: then ccache has compiled most of it already.
set -euo pipefail
kind=$1
build=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# cached NAME: a variable of that build.
cached() {
  sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"
}
# What the library is built with, its guest has to link, too.
sanitizers=$(cached WEIR_SANITIZERS)
arguments=(-G Ninja "-DCMAKE_EXE_LINKER_FLAGS=${sanitizers//;/ }")
case $kind in
  installed)
    cmake --install "$build" --prefix "$work/prefix" > /dev/null
    arguments+=("-DCMAKE_PREFIX_PATH=$work/prefix")
    ;;
  fetched)
    arguments+=("-DWEIR_SOURCE=$here/../..")
    for name in CMAKE_BUILD_TYPE CMAKE_CXX_EXTENSIONS CMAKE_CXX_FLAGS_DEBUG WEIR_WARNING_FLAGS WEIR_SANITIZERS \
      WEIR_USE_CCACHE; do
      arguments+=("-D$name=$(cached $name)")
    done
    ;;
esac
cmake -S "$here/$kind" -B "$work/build" "${arguments[@]}"
cmake --build "$work/build" -j 2
"$work/build/guest"

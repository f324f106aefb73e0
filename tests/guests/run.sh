#!/usr/bin/env bash
# Builds and runs a guest: `run.sh installed BUILD_DIR` against an installation of that build, `run.sh fetched` against
# the sources.
set -euo pipefail
kind=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

arguments=(-G Ninja "-DCMAKE_BUILD_TYPE=" -DCMAKE_CXX_FLAGS=-O0) # as quick to build as can be
command -v ccache > /dev/null && arguments+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
case $kind in
  installed)
    cmake --install "$2" --prefix "$work/prefix" > /dev/null
    # What the library was built with, its guest has to link, too.
    arguments+=("-DCMAKE_PREFIX_PATH=$work/prefix" "-DCMAKE_EXE_LINKER_FLAGS=${3:-}")
    ;;
  fetched) arguments+=("-DWEIR_SOURCE=$here/../..") ;;
esac
cmake -S "$here/$kind" -B "$work/build" "${arguments[@]}"
cmake --build "$work/build" -j 2
"$work/build/guest"

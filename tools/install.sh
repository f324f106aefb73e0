#!/usr/bin/env bash
# Installs from Debian what weir is built and tested with, and nothing that is there already. `--fuzzers`: also what
# the fuzzers need.
set -euo pipefail

packages=(
  g++ cmake ninja-build ccache pkg-config python3 git openssl
  libcaf-dev libboost1.81-dev libboost-test1.81-dev rapidjson-dev libtomlplusplus-dev
  liblmdb-dev libsqlite3-dev libhowardhinnant-date-dev tzdata libspdlog-dev libfmt-dev libcli11-dev libssl-dev libsmartcols-dev libjemalloc-dev clang-format ca-certificates
)
[ "${1:-}" != --fuzzers ] || packages+=(clang-16 libclang-rt-16-dev)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "installing: ${missing[*]}" >&2
root=()
[ "$(id -u)" -eq 0 ] || root=(sudo)
export DEBIAN_FRONTEND=noninteractive
"${root[@]}" apt-get update -q >&2
"${root[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}" >&2

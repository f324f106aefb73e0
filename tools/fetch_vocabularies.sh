#!/usr/bin/env bash
# Fetches the rank data of o200k_base and cl100k_base from the npm package tiktoken (MIT) and writes it as .tiktoken
# files, which `weir tokens` and everybody who calls load_vocabulary can read. Needs npm and python3; never needed at
# run time.
#
#   tools/fetch_vocabularies.sh [FOLDER]     default: ${XDG_DATA_HOME:-~/.local/share}/weir/vocabularies
set -euo pipefail

package=tiktoken@1.0.22
# The hashes that OpenAI's own tiktoken expects of its files (tiktoken_ext/openai_public.py).
declare -A expected=(
  [o200k_base]=446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d
  [cl100k_base]=223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7
)

case "${1:-}" in
  -*) echo "usage: tools/fetch_vocabularies.sh [FOLDER]" >&2; exit 2 ;;
esac
folder=${1:-${XDG_DATA_HOME:-$HOME/.local/share}/weir/vocabularies}

good() { [ -f "$1" ] && [ "$(sha256sum < "$1" | cut -d ' ' -f 1)" = "$2" ]; }

missing=()
for name in "${!expected[@]}"; do
  good "$folder/$name.tiktoken" "${expected[$name]}" || missing+=("$name")
done
if [ ${#missing[@]} -gt 0 ]; then
  for program in npm python3 sha256sum; do
    command -v "$program" > /dev/null || { echo "fetch_vocabularies: $program is needed" >&2; exit 1; }
  done
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  (cd "$work" && npm pack --silent "$package" > /dev/null && tar xzf tiktoken-*.tgz)
  mkdir -p "$folder"
  for name in "${missing[@]}"; do
    # The package has lines of "! RANK TOKEN TOKEN …", the first token with this rank and each next one with the next.
    python3 - "$work/package/encoders/$name.json" "$work/$name.tiktoken" << 'CONVERT'
import json
import sys

with open(sys.argv[1], encoding="utf-8") as source, open(sys.argv[2], "w", encoding="ascii", newline="\n") as out:
    for line in json.load(source)["bpe_ranks"].splitlines():
        _, first, *tokens = line.split(" ")
        out.writelines(f"{token} {rank}\n" for rank, token in enumerate(tokens, int(first)))
CONVERT
    good "$work/$name.tiktoken" "${expected[$name]}" || { echo "fetch_vocabularies: $name is not what OpenAI publishes" >&2; exit 1; }
    # Beside its place first, so that nobody reads half a file.
    cp "$work/$name.tiktoken" "$folder/.$name.new"
    mv "$folder/.$name.new" "$folder/$name.tiktoken"
  done
fi
for name in o200k_base cl100k_base; do
  echo "${expected[$name]}  $folder/$name.tiktoken"
done

#!/usr/bin/env bash
# weir's main job, shown on loopback: five chat calls through two providers of which the first one fails as a plan says.
# With --live and OPENAI_API_KEY set, the same calls go to OpenAI.
set -euo pipefail
cd "$(dirname "$0")/.."

live=no
case "${1:-}" in
  --live) live=yes ;;
  '') ;;
  *) echo "usage: tools/quickstart.sh [--live]" >&2; exit 2 ;;
esac
if [ "$live" = yes ] && [ -z "${OPENAI_API_KEY:-}" ]; then
  echo "--live needs OPENAI_API_KEY" >&2
  exit 2
fi

echo "== building"
tools/install.sh
cmake --preset release > build-quickstart.log 2>&1 || { cat build-quickstart.log; exit 1; }
cmake --build --preset release -j 2 --target weir-cli weir-bench >> build-quickstart.log 2>&1 || { tail -40 build-quickstart.log; exit 1; }
rm -f build-quickstart.log
weir=$PWD/build/release/bin/weir

work=$(mktemp -d)
mocks=()
finish() {
  for pid in "${mocks[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${mocks[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

start_mock() { # NAME ARGUMENTS…: starts a mock provider and leaves its port in the variable NAME_PORT
  local name=$1
  shift
  "$weir" mock --port 0 --port-file "$work/$name.port" "$@" > "$work/$name.log" &
  mocks+=($!)
  for _ in $(seq 100); do
    [ -s "$work/$name.port" ] && break
    sleep 0.05
  done
  export "${name^^}_PORT=$(cat "$work/$name.port")"
}

examples=docs/examples/quickstart
export WEIR_DATA="$work/usage"
if [ "$live" = yes ]; then
  config=$examples/live.toml
else
  config=$examples/weir.toml
  start_mock primary --plan $examples/primary.toml
  start_mock backup --reply "The Atlantic Ocean."
fi
echo "== configuration"
"$weir" config check -c "$config"
"$weir" health -c "$config"

cases=tests/data/fixtures/openai
for recorded in chat/basic chat/json_object chat/length chat/developer_role tools/parallel_two; do
  echo
  echo "== call: the recorded request $recorded"
  python3 -c 'import json, sys; print(json.dumps(json.load(open(sys.argv[1]))["request"]["body"]))' \
    "$cases/$recorded.json" > "$work/request.json"
  "$weir" chat -c "$config" -m gpt-4 --tag "example=$recorded" --json --request "$work/request.json" > "$work/reply.json"
  python3 - "$work/reply.json" <<'PYTHON'
import json, sys
reply = json.load(open(sys.argv[1]))
for n, attempt in enumerate(reply["metadata"]["attempts"], 1):
    print(f'  attempt {n} at {attempt["provider"]}: {attempt["error"] or "answered"}'
          f' ({attempt["latency_ms"]} ms{", after waiting " + str(attempt["waited_ms"]) + " ms" if attempt["waited_ms"] else ""})')
usage = reply["usage"]
said = reply["content"] or ", ".join(f'{call["name"]}({call["arguments"]})' for call in reply["tool_calls"])
print(f'  {reply["metadata"]["provider"]}: {said[:100]}')
print(f'  {usage["prompt_tokens"]} + {usage["completion_tokens"]} tokens, {usage["cost"]} {usage["currency"]}')
PYTHON
done

echo
echo "== the ledger, read back"
"$weir" usage summary -c "$config"
echo
"$weir" usage records -c "$config"

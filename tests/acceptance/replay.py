"""Recorded traffic of real providers through the program: each case whole, in random pieces, and byte by byte.

A server on loopback answers as the recording says, `weir chat --json --request` is run against it with retries off, and
its reply is held against what an independent reader made of the same bytes (tests/data/fixtures/index.json).

    replay.py BIN_FOLDER [PART_OF_A_CASE'S_NAME]
"""
import asyncio
import json
import os
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from rig import Rig

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "fixtures")
TYPES = {"openai.chat": "generic", "anthropic.messages": "claude"}
WAYS = ("whole", "random", "byte")
WORKERS = 4
HOP_BY_HOP = {"content-length", "transfer-encoding", "connection", "content-encoding", "keep-alive"}
ERROR_TYPES = {  # of the index: those of weir
    "auth": "auth", "permission": "auth", "rate_limit": "rate_limit", "insufficient_quota": "quota_exceeded",
    "context_length": "token_limit", "request_too_large": "token_limit invalid_request",
    "model_not_found": "model_not_found", "not_found": "invalid_request model_not_found",
    "invalid_request": "invalid_request", "content_filter": "content_filter", "overloaded": "server_error",
    "server_error": "server_error", "timeout": "timeout", "network": "network",
}


class Case:
    """A recording, and what is expected of it."""

    def __init__(self, entry):
        with open(os.path.join(CASES, entry["file"])) as file:
            held = json.load(file)
        recorded = held if isinstance(held, dict) else {each["id"]: each for each in held}[entry["id"]]
        self.name, self.type, self.expected = entry["id"], TYPES[entry["api"]], entry["expected"]
        answer = recorded["response"]
        self.status, self.body = answer["status"], answer["body"].encode()
        self.headers = {name.lower(): value for name, value in answer.get("headers", {}).items()}
        self.is_stream = "event-stream" in self.headers.get("content-type", "")
        self.asks_for_stream = self.is_stream or bool(recorded["request"]["body"].get("stream"))

    def head(self):
        lines = [f"HTTP/1.1 {self.status} Recorded"]
        lines += [f"{name}: {value}" for name, value in self.headers.items() if name not in HOP_BY_HOP]
        lines.append("transfer-encoding: chunked" if self.is_stream else f"content-length: {len(self.body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def pieces(self, way):
        """The body as the writes in which it goes out."""
        dice = random.Random(self.name)
        at = 0
        while at < len(self.body):
            size = {"whole": len(self.body), "byte": 1, "random": dice.randint(1, 23)}[way]
            piece = self.body[at:at + size]
            at += size
            yield b"%x\r\n%s\r\n" % (len(piece), piece) if self.is_stream else piece
        if self.is_stream:
            yield b"0\r\n\r\n"


class Server:
    """Plays recordings: the path is /WAY/NUMBER/…. Runs on a thread of its own; use as a context."""

    def __init__(self, cases):
        self.cases = cases
        self.loop = asyncio.new_event_loop()

    def __enter__(self):
        listening = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0))
        self.port = listening.sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    async def serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                for line in head.split("\r\n"):
                    if line.lower().startswith("content-length:"):
                        await reader.readexactly(int(line.split(":")[1]))
                way, number = head.split(" ")[1].split("/")[1:3]
                case = self.cases[int(number)]
                writer.write(case.head())
                for piece in case.pieces(way):
                    writer.write(piece)
                    await asyncio.sleep(0)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def differences_of_error(reply, expected):
    error = reply.get("error") or {}
    if reply.get("success") is not False:
        yield "it is reported as a success"
    if error.get("type") not in ERROR_TYPES[expected["class"]].split():
        yield f"error.type is {error.get('type')}, for {expected['class']}"
    if error.get("retryable") is not expected["retryable"]:
        yield f"error.retryable is {error.get('retryable')}"
    if expected.get("status") not in (None, 200, error.get("status_code")):
        yield f"error.status_code is {error.get('status_code')}, for {expected['status']}"


def differences_of_calls(calls, expected):
    if len(calls) != len(expected):
        yield f"{len(calls)} tool calls, for {len(expected)}"
    for call, want in zip(calls, expected):
        if call["name"] != want["name"]:
            yield f"the tool is {call['name']}, for {want['name']}"
        if not call["id"] or (want["id"] and call["id"] != want["id"]):
            yield f"the call's id is {call['id']!r}, for {want['id']!r}"
        if want.get("type", "function") != "function":
            continue
        try:
            arguments = json.loads(call["arguments"] or "{}")
        except ValueError:
            arguments = None
        if arguments != want["arguments_json"]:
            yield f"the arguments are {call['arguments']!r:.80}"


def differences_of_usage(usage, expected):
    for name in ("prompt_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens"):
        if expected.get(name) not in (None, usage.get(name)):
            yield f"usage.{name} is {usage.get(name)}, for {expected[name]}"
    output = expected.get("billable_output_tokens") or expected.get("completion_tokens")
    if output not in (None, usage.get("completion_tokens")):
        yield f"usage.completion_tokens is {usage.get('completion_tokens')}, for {output}"


def differences_of_reply(reply, expected):
    choice = expected["choices"][0]
    if reply.get("success") is not True:
        yield f"it is reported as a failure: {reply.get('error')}"
        return
    want = choice["text"] or choice.get("refusal") or ""
    if (reply.get("content") or "") != want:
        yield f"content is {reply.get('content')!r:.80}, for {want!r:.80}"
    also = choice.get("finish_reason_also_accepted") or []
    accepted = [choice["finish_reason"]] + (also if isinstance(also, list) else [also])
    if reply.get("finish_reason") not in accepted:
        yield f"finish_reason is {reply.get('finish_reason')}, for {accepted}"
    yield from differences_of_calls(reply.get("tool_calls") or [], choice["tool_calls"])
    yield from differences_of_usage(reply.get("usage") or {}, expected["usage"] or {})


def differences_of_deltas(deltas, reply):
    """What was shown on the way must be what is said at the end."""
    def said(*types):
        return "".join(each["text"] for each in deltas if each["type"] in types)

    if not reply.get("success"):
        return
    content = reply.get("content") or ""
    if content not in (said("content"), said("content", "refusal"), said("refusal")):
        yield f"the deltas say {said('content')!r:.80}, the reply {content!r:.80}"
    calls = {}
    for each in deltas:
        if each["type"] == "tool_call":
            call = calls.setdefault(each["index"], {"id": "", "name": "", "arguments": ""})
            call["id"], call["name"] = call["id"] or each.get("id", ""), call["name"] or each.get("name", "")
            call["arguments"] += each["text"]
    if sorted(calls) != list(range(len(reply["tool_calls"]))):
        yield f"the deltas have the calls {sorted(calls)}, the reply {len(reply['tool_calls'])}"
        return
    for index, call in calls.items():
        final = reply["tool_calls"][index]
        if (call["id"], call["name"], call["arguments"]) != (final["id"], final["name"], final["arguments"]):
            yield f"the deltas' call is {call}, the reply's {final}"


class Replay:
    """Runs the program for one case and way after the other, a folder for each worker."""

    def __init__(self, rig, server):
        self.rig, self.server, self.worker = rig, server, threading.local()

    def folder(self):
        if not hasattr(self.worker, "folder"):
            self.worker.folder = self.rig.path(f"worker-{threading.get_ident()}")
            os.mkdir(self.worker.folder)
        return self.worker.folder

    def differences(self, number, way):
        case = self.server.cases[number]
        config = os.path.join(self.folder(), "weir.toml")
        request = os.path.join(self.folder(), "request.json")
        with open(config, "w") as out:
            out.write(f"""[llm]
default_provider = "recorded"
usage_data_dir = "{self.folder()}/usage"
[llm.providers.recorded]
type = "{case.type}"
api_key = "none"
base_url = "http://127.0.0.1:{self.server.port}/{way}/{number}/v1"
timeout = 20000
max_retries = 0
[llm.providers.recorded.models.any]
max_tokens = 8192
""")
        with open(request, "w") as out:
            json.dump({"model": "any", "messages": [{"role": "user", "content": "Again."}],
                       "stream": case.asks_for_stream}, out)
        stream = ["--stream"] if case.asks_for_stream else []
        code, out, err = self.rig.run("chat", "-c", config, "--json", "--request", request, *stream)
        try:
            lines = [json.loads(line) for line in out.splitlines()]
            reply = lines[-1]
        except (ValueError, IndexError):
            return [f"no JSON, exit {code}: {(out + err)[-200:]}"]
        found = [] if len(lines) == 1 or stream else [f"{len(lines)} lines"]
        expected = case.expected
        if (code == 0) != expected["ok"]:
            found.append(f"exit {code}")
        found += differences_of_reply(reply, expected) if expected["ok"] else differences_of_error(reply, expected["error"])
        return found + (list(differences_of_deltas(lines[:-1], reply)) if stream else [])


def load(part):
    with open(os.path.join(CASES, "index.json")) as file:
        entries = json.load(file)["cases"]
    return [Case(entry) for entry in entries if entry["api"] in TYPES and part in entry["id"]]


def main():
    cases = load(sys.argv[2] if len(sys.argv) > 2 else "")
    assert cases, "there is no such case"
    begin, wrong = time.monotonic(), 0
    with Rig(sys.argv[1]) as rig, Server(cases) as server, ThreadPoolExecutor(WORKERS) as workers:
        replay = Replay(rig, server)
        running = [(number, way, workers.submit(replay.differences, number, way))
                   for way in WAYS for number in range(len(cases))]
        for number, way, done in running:
            if found := done.result():
                wrong += 1
                print(f"{cases[number].name}, {way}: " + "; ".join(found))
    print(f"{len(cases)} cases in {len(WAYS)} ways, {time.monotonic() - begin:.1f} s")
    print(f"{len(running) - wrong} passed, {wrong} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

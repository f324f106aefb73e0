#!/usr/bin/env python3
"""Writes the fuzzers' seeds from the recorded traffic in tests/data/fixtures.

    make_corpus.py           writes tests/fuzz/corpus/<fuzzer>/…; regressions (`regression_*`) are left as they are
    make_corpus.py --check   writes nothing; exit 1 where a seed is missing, differs, or a bound is broken

A seed opens with what the fuzzer takes its choices from: the digit 0 stands for the first entry of a table.
"""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(os.path.dirname(HERE), "data", "fixtures")
CORPUS = os.path.join(HERE, "corpus")
MOST_FILES, MOST_BYTES, MOST_TOTAL = 40, 8 * 1024, 1000 * 1000
GENERATED = 34  # of one fuzzer; the rest is for regressions

# As `response_head` and `fuzz_error_body` have them.
STATUSES = [200, 400, 401, 404, 429, 500, 503, 529, 201, 204, 302, 403, 408, 413, 422, 599]
ERROR_STATUSES = [400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 503, 504, 529, 307, 599]
APIS = {"openai.chat": "chat", "anthropic.messages": "messages", "openai.responses": "responses"}
ERROR_FIELDS = ["retry-after", "retry-after-ms", "x-should-retry", "x-request-id", "location"]


def choice(table, value):
    return bytes([ord("0") + table.index(value)]) if value in table else b"0"


def load(file):
    with open(os.path.join(FIXTURES, file), encoding="utf-8") as source:
        return json.load(source)


def cases():
    """The index's entries, each with its case."""
    for entry in load("index.json")["cases"]:
        found = load(entry["file"])
        yield entry, next(c for c in found if c["id"] == entry["id"]) if isinstance(found, list) else found


def whole_events(body):
    """A stream's beginning and end, if it is too long: events are left out of its middle."""
    most = MOST_BYTES - 64
    if len(body) <= most:
        return body
    gap = b"\r\n\r\n" if b"\r\n\r\n" in body else b"\n\n"
    events = [event + gap for event in body.split(gap) if event]
    last = events[-3:]
    size = sum(map(len, last))
    first = []
    for event in events[:-3]:
        size += len(event)
        if size > most:
            break
        first.append(event)
    return b"".join(first + last)


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def from_responses(seeds):
    """Bodies of recorded responses: streams, whole replies, errors."""
    for entry, case in cases():
        api = APIS.get(entry["api"])
        response = case["response"]
        body = response["body"].encode()
        name = case["id"].replace("/", "_")
        headers = {key.lower(): value for key, value in response.get("headers", {}).items()}
        if api is None:
            continue
        status = choice(STATUSES, response["status"])
        if body.lstrip()[:1] not in (b"{", b"["):
            # In one size of pieces or another, by the case: single bytes, or some dozens.
            sizes = [b"000", b"\x01\x01\x01", b"\x05\x1d\x02", b"\xff\x01\xff"][len(seeds[f"{api}_stream"]) % 4]
            seeds[f"{api}_stream"][name] = status + b"0" + sizes + whole_events(body)
            if len(seeds["sse"]) < 12:
                seeds["sse"][name] = b"0" + sizes + whole_events(body)[:2048]
        elif response["status"] == 200:
            seeds[f"{api}_reply"][name] = status + b"1" + body
            if len(body) < 800:
                seeds[f"{api}_stream"].setdefault("whole_" + name, status + b"1000" + body)
        if response["status"] != 200:
            fields = b"".join(headers.get(field, "").encode() + b"\n" for field in ERROR_FIELDS)
            seeds["error_body"][name] = choice(ERROR_STATUSES, response["status"]) + fields + body
            seeds[f"{api}_reply"][name] = status + b"1" + body


def from_vectors(seeds):
    """The grammar's corners."""
    for vector in load("sse/vectors.json")["vectors"]:
        seeds["sse"]["vector_" + vector["name"]] = b"0\x01\x02\x03" + vector["input"].encode()


def from_requests(seeds):
    """What clients sent."""
    paths = {"/chat/completions": "chat_request", "/messages": "messages_request"}
    captured = load("gateway_requests/cases.json")["requests"]
    recorded = [dict(case["request"], client=case["id"]) for _, case in cases() if "request" in case]
    for request in captured + recorded:
        for end, fuzzer in paths.items():
            body = request.get("body")
            if request["path"].endswith(end) and isinstance(body, dict):
                name = "".join(c if c.isalnum() else "_" for c in request["client"])
                while name in seeds[fuzzer]:
                    name += "_2"
                seeds[fuzzer][name] = compact(body)


def responses_events(seeds):
    """What few recordings have, in the shapes of OpenAI's API reference: calls, thoughts, refusals, ends."""
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather", "arguments": '{"city":"Paris"}'}
    custom = {"type": "custom_tool_call", "id": "ct_1", "call_id": "call_2", "name": "shell", "input": "ls -l"}
    thought = {"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAA",
               "summary": [{"type": "summary_text", "text": "First."}, {"type": "summary_text", "text": "Then."}]}
    said = {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Hi there"}]}
    refused = {"type": "message", "id": "msg_2", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    usage = {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 2}, "output_tokens": 5,
             "output_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 14}

    def response(status, output, **more):
        return dict({"id": "resp_1", "object": "response", "model": "m", "status": status, "output": output, "usage": usage}, **more)

    def added(index, item, **empty):
        return {"type": "response.output_item.added", "output_index": index, "item": dict(item, **empty)}

    def piece(kind, index, text, **more):
        return dict({"type": f"response.{kind}.delta", "output_index": index, "delta": text}, **more)

    def done(index, item):
        return {"type": "response.output_item.done", "output_index": index, "item": item}

    def end(status, output, **more):
        return {"type": f"response.{status}", "response": response(status, output, **more)}

    began = {"type": "response.created", "response": response("in_progress", [], usage=None)}
    cut = {"incomplete_details": {"reason": "max_output_tokens"}}
    streams = {
        "call": [began, added(0, call, arguments=""), piece("function_call_arguments", 0, '{"city":'),
                 piece("function_call_arguments", 0, '"Paris"}'),
                 {"type": "response.function_call_arguments.done", "output_index": 0, "arguments": '{"city":"Paris"}'},
                 done(0, call), end("completed", [call])],
        "custom": [began, added(0, custom, input=""), piece("custom_tool_call_input", 0, "ls -l"), done(0, custom), end("completed", [custom])],
        "thought": [began, piece("reasoning_summary_text", 0, "First.", summary_index=0),
                    piece("reasoning_summary_text", 0, "Then.", summary_index=1), done(0, thought), piece("output_text", 1, "Hi"),
                    done(1, said), end("completed", [thought, said])],
        "refused": [began, piece("refusal", 0, "No"), done(0, refused), end("completed", [refused])],
        "silent": [began, end("completed", [thought, said, call, search])],
        "cut": [began, added(0, call, arguments=""), piece("function_call_arguments", 0, '{"ci'), end("incomplete", [], **cut)],
        "failed": [began, end("failed", [], error={"code": "server_error", "message": "boom"})],
        "error": [began, {"type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": None}],
        "broken_off": [began, added(0, call, arguments=""), piece("function_call_arguments", 0, '{"city":')],
    }
    for name, events in streams.items():
        lines = [b"event: " + event["type"].encode() + b"\ndata: " + compact(event) + b"\n\n" for event in events]
        seeds["responses_stream"]["made_" + name] = b"00\x11\x01\x40" + b"".join(lines)
    replies = {"calls": response("completed", [thought, call, custom]), "message": response("completed", [said, search]),
               "refused": response("completed", [refused]), "cut": response("incomplete", [said, call], **cut),
               "failed": response("failed", [], error={"code": "server_error", "message": "boom"})}
    for name, reply in replies.items():
        seeds["responses_reply"]["made_" + name] = b"01" + compact(reply)


def texts(seeds):
    """Texts of many scripts, long runs, and lists of ranks."""
    seeds["tokens"] = {
        "english": b"0Hello, world! It's the internationalisation of hello; they'll say ABC and Abc.",
        "english_cl100k": b"1Hello, world! It's the internationalisation of hello; they'll say ABC and Abc.",
        "numbers": b"01234567 12,345.67 0x1f 3.14e-10 \xd9\xa1\xd9\xa2\xd9\xa3",
        "code": b'1int main() {\n    return 0; // done\n}\r\n\r\n\t\tif (x == 1 && y != 2) { z["a"] = \'b\'; }\n',
        "spaces": b"0  a   b\n\n  c \t \r\n   \xe3\x80\x80 d    ",
        "scripts": "0été 中文字符 русский עברית العربية हिन्दी 日本語 한국어 ǅ ʰ".encode(),
        "emoji": "1😀👩‍👩‍👧 ❤️ 🇩🇪".encode(),
        "marks": "0a\u0301b\u0302C\u0303 \u0301\u0301 x\u200d".encode(),
        "runs": b"1" + b"a" * 70 + b" " * 70 + b"=" * 20 + b"ab" * 50 + b"\n" * 20 + b"0" * 20,
        "long_letters": b"La",
        "long_spaces": b"M ",
        "long_mixed": b"Lab ",
        "long_marks": "M\u0301".encode(),
        "long_contractions": b"L's",
        "broken": b"0a\xff\xc0\xaf\xe4\xb8z\xed\xa0\x80\xf4\x90\x80\x80",
        "special": b"1<|endoftext|>",
        "list": b"vYWI= 256\nYWJh 257\nYWJhYg== 258\n",
        "list_twice": b"vYWI= 256\r\nYWI= 257\r\n",
        "list_rank": b"vYWI= 16777216\n",
        "list_broken": b"vYWI 1\n=\n  \n",
    }


def schemas(seeds):
    """A schema, a NUL, an instance."""
    weather = {"type": "object", "properties": {"city": {"type": "string", "minLength": 1},
               "unit": {"enum": ["c", "f"]}, "days": {"type": "integer", "minimum": 1, "maximum": 7}},
               "required": ["city"], "additionalProperties": False}
    tree = {"$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}}, "$ref": "#/$defs/node"}
    pairs = {
        "fits": (weather, {"city": "Paris", "unit": "c", "days": 3}),
        "lacks": (weather, {"unit": "k", "days": 1.5, "more": None}),
        "recursive": (tree, {"next": {"next": {"next": {}}}}),
        "endless": ({"$ref": "#"}, 1),
        "circle": ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, []),
        "any": ({"anyOf": [{"type": "null"}, {"type": "array", "items": {"type": ["string", "number"]}}]}, ["a", 1, True]),
        "all": ({"allOf": [{"minProperties": 1}, {"maxProperties": 2}], "not": {"required": ["x"]}}, {"x": 1}),
        "one": ({"oneOf": [{"multipleOf": 3}, {"multipleOf": 5}]}, 15),
        "array": ({"prefixItems": [{"const": 1}], "items": False, "uniqueItems": True, "contains": {"type": "integer"}}, [1, 1]),
        "pattern": ({"type": "string", "pattern": "^(a+)+$", "format": "date-time"}, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"),
        "conditional": ({"if": {"type": "string"}, "then": {"maxLength": 2}, "else": {"exclusiveMinimum": 0}}, -1),
        "dependent": ({"dependentRequired": {"a": ["b"]}, "patternProperties": {"^x": {"type": "boolean"}},
                       "propertyNames": {"maxLength": 3}}, {"a": 1, "xy": 0, "long": 1}),
        "true": (True, None),
        "false": (False, {}),
        "nonsense": ({"type": 7, "properties": [], "required": "x", "items": {"$ref": "http://example.com/"}}, {}),
    }
    for name, (schema, instance) in pairs.items():
        seeds["json_schema"][name] = compact(schema) + b"\0" + compact(instance)
    parameters = [t["function"]["parameters"] for _, case in cases()
                  for t in (case.get("request", {}).get("body") or {}).get("tools", [])
                  if isinstance(t, dict) and isinstance(t.get("function"), dict) and "parameters" in t["function"]]
    for number, schema in enumerate(parameters):
        seeds["json_schema"][f"tool_{number}"] = compact(schema) + b"\0" + b'{"location":"Paris","city":"Oslo"}'


def made():
    names = ["sse", "error_body", "chat_request", "messages_request", "json_schema", "tokens"]
    names += [f"{api}_{kind}" for api in APIS.values() for kind in ("stream", "reply")]
    seeds = {name: {} for name in names}
    from_responses(seeds)
    from_vectors(seeds)
    from_requests(seeds)
    responses_events(seeds)
    texts(seeds)
    schemas(seeds)
    for name, files in seeds.items():
        once = {content: file for file, content in sorted(files.items(), reverse=True)}
        kept = sorted((len(content), file) for content, file in once.items() if len(content) <= MOST_BYTES)
        # Too many: small and large ones alike are left out.
        step = max(1.0, len(kept) / GENERATED)
        kept = [kept[int(at * step)][1] for at in range(min(GENERATED, len(kept)))]
        seeds[name] = {file: files[file] for file in kept}
    return seeds


def present(fuzzer):
    folder = os.path.join(CORPUS, "fuzz_" + fuzzer)
    found = {}
    for file in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        with open(os.path.join(folder, file), "rb") as source:
            found[file] = source.read()
    return found


def write(seeds):
    for fuzzer, files in seeds.items():
        folder = os.path.join(CORPUS, "fuzz_" + fuzzer)
        os.makedirs(folder, exist_ok=True)
        for file in present(fuzzer):
            if not file.startswith("regression_") and file not in files:
                os.remove(os.path.join(folder, file))
        for file, content in files.items():
            with open(os.path.join(folder, file), "wb") as out:
                out.write(content)


def faults(seeds):
    total = 0
    for fuzzer, files in seeds.items():
        found = present(fuzzer)
        total += sum(map(len, found.values()))
        expected = {file for file in found if file.startswith("regression_")} | set(files)
        for file in sorted(expected ^ set(found)):
            yield f"fuzz_{fuzzer}/{file}: is there and not made, or made and not there"
        for file, content in files.items():
            if file in found and found[file] != content:
                yield f"fuzz_{fuzzer}/{file}: differs from what is made of the fixtures"
        if len(found) > MOST_FILES:
            yield f"fuzz_{fuzzer}: {len(found)} files; at most {MOST_FILES}"
        for file, content in found.items():
            if len(content) > MOST_BYTES:
                yield f"fuzz_{fuzzer}/{file}: {len(content)} bytes; at most {MOST_BYTES}"
    if total > MOST_TOTAL:
        yield f"corpus: {total} bytes; at most {MOST_TOTAL}"


def main():
    seeds = made()
    if sys.argv[1:] != ["--check"]:
        write(seeds)
    found = list(faults(seeds))
    print("\n".join(found) if found else f"{sum(map(len, seeds.values()))} seeds for {len(seeds)} fuzzers")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()

"""The faults of a provider that are visible at a socket, as plans of the mock, and what weir makes of each.

A row: name, fault, (error type or None for an answer, attempts, what each attempt is booked as), and the same for streams where
it differs. Faults of TLS and of name servers stand in tests/transport; the race for a used connection in reuse_race.py.
"""
import json
import os

DENIED = "settled"  # an answer came, and it was no: nothing was used
USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}

# What weir makes of it. A request that may have been processed is repeated once and no more; a provider that says so in
# words, oftener.
ANSWERED = (None, 1, "settled")
BROKEN = ("network", 2, "unknown")
NONSENSE = ("server_error", 2, "unknown")
REFUSED = ("invalid_request", 1, DENIED)
TIMEOUT = ("timeout", 1, "unknown")
CUT = ("network", 1, "unknown")  # after something was shown


def response(body, status="200 OK", fields="", content_type="application/json", length=None):
    """A response as bytes, with the length that it has, or another."""
    return (f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{fields}"
            f"Content-Length: {len(body.encode()) if length is None else length}\r\n\r\n{body}")


def raw(text, then="keep"):
    return f'kind = "raw"\nbytes = {json.dumps(text)}\nthen = "{then}"'


def completion(content="Fine.", usage=USAGE, message=None, more=""):
    """A whole reply of the chat API; `more`: further JSON members."""
    body = {"id": "x", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "message": message or {"role": "assistant", "content": content}, "finish_reason": "stop"}]}
    if usage is not None:
        body["usage"] = usage
    return json.dumps(body)[:-1] + more + "}"


def event(content=None, finish=None, usage=None, end="\n\n", prefix="data: "):
    chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m",
             "choices": [] if content is None and finish is None else
             [{"index": 0, "delta": {} if content is None else {"content": content}, "finish_reason": finish}]}
    return prefix + json.dumps({**chunk, **({"usage": usage} if usage else {})}) + end


def events(text, **more):
    return raw(response(text, content_type="text/event-stream", **more))


HELLO, STOP, BILL, DONE = event("Fine."), event(finish="stop"), event(usage=USAGE), "data: [DONE]\n\n"
GOOD = HELLO + STOP + BILL + DONE


def status(number, **more):
    return f'kind = "status"\nstatus = {number}\n' + "\n".join(f"{key} = {json.dumps(value)}" for key, value in more.items())


def chunked(text, end="0\r\n\r\n", fields=""):
    return (f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n{fields}\r\n"
            f"{len(text):x}\r\n{text}\r\n{end}")


CONNECTION = [
    ("RST, 0 bytes", 'kind = "reset"', BROKEN),
    ("RST after 40 bytes", 'kind = "reset"\nafter_bytes = 40', BROKEN),
    ("FIN, 0 bytes", 'kind = "close"', BROKEN),
    ("FIN after 40 bytes", 'kind = "close"\nafter_bytes = 40', BROKEN),
    ("silence", 'kind = "hang"', TIMEOUT),
    ("single bytes", 'kind = "drip"\npiece_bytes = 1\ndelay = 0', ANSWERED),
    ("single bytes, too slow", 'kind = "drip"\npiece_bytes = 1\ndelay = 100', TIMEOUT),
    ("slow first byte", 'kind = "slow_first_byte"\ndelay = 100', ANSWERED),
    ("first byte too late", 'kind = "slow_first_byte"\ndelay = 5000', TIMEOUT),
    ("bytes after the response", raw(response(completion()) + "HTTP/1.1 200 OK\r\n\r\n"), ANSWERED),
]

HTTP = [
    ("no HTTP at all", raw("SSH-2.0-OpenSSH_9.2\r\n", "close"), NONSENSE),
    ("header of 17 KiB", raw(response(completion(), fields=f"X: {'x' * 17 * 1024}\r\n")), NONSENSE),
    ("header of 64 KiB", raw(response(completion(), fields=f"X: {'x' * 64 * 1024}\r\n")), NONSENSE),
    ("10,000 headers", raw(response(completion(), fields="A: b\r\n" * 10_000)), NONSENSE),
    ("length 1 too large", raw(response(completion(), length=len(completion()) + 1), "close"), BROKEN),
    ("length 1 too small", raw(response(completion(), length=len(completion()) - 1)), NONSENSE),
    ("two lengths", raw(response(completion(), fields="Content-Length: 7\r\n")), NONSENSE),
    ("length and chunks", raw(chunked(completion(), fields="Content-Length: 7\r\n")), NONSENSE),
    ("coding nobody knows", raw(response(completion(), fields="Transfer-Encoding: xchunked\r\n")), NONSENSE),
    ("chunk size that is none", raw(chunked(completion()).replace("\r\n\r\n", "\r\n\r\nzz", 1)), NONSENSE),
    ("no last chunk", raw(chunked(completion(), end=""), "close"), BROKEN),
    ("chunk extension", raw(chunked(completion()).replace("\r\n{", ";a=b\r\n{", 1)), ANSWERED),
    ("trailers", raw(chunked(completion(), end="0\r\nX-A: b\r\n\r\n")), ANSWERED),
    ("1xx once", raw("HTTP/1.1 103 Early Hints\r\n\r\n" + response(completion())), ANSWERED),
    ("1xx a thousand times", raw("HTTP/1.1 100 Continue\r\n\r\n" * 1000 + response(completion())), NONSENSE),
    ("204", raw("HTTP/1.1 204 No Content\r\n\r\n"), NONSENSE),
    ("302 to another host", raw(response("", "302 Found", "Location: http://127.0.0.1:1/\r\n")), REFUSED),
    ("gzip unasked", raw(response(completion(), fields="Content-Encoding: gzip\r\n")), NONSENSE),
    ("HTML under 200", 'kind = "wrong_content_type"', NONSENSE),
    ("HTML under 502", raw(response("<html>Bad Gateway</html>", "502 Bad Gateway", content_type="text/html")), ("server_error", 3, "unknown")),
    ("body over the bound", 'kind = "oversized_body"\nbody_bytes = "5MiB"', NONSENSE, BROKEN),
    ("empty body", 'kind = "empty_body"', NONSENSE, BROKEN),
]

STATUS = [
    ("400", status(400), REFUSED),
    ("400, context", status(400, code="context_length_exceeded"), ("token_limit", 1, DENIED)),
    ("400, filter", status(400, code="content_filter"), ("content_filter", 1, DENIED)),
    ("401", status(401), ("auth", 1, DENIED)),
    ("402", status(402), ("quota_exceeded", 1, DENIED)),
    ("403", status(403), ("auth", 1, DENIED)),
    ("404, model", status(404, code="model_not_found"), ("model_not_found", 1, DENIED)),
    ("405", status(405), REFUSED),
    ("408", status(408), ("timeout", 1, "unknown")),
    ("409", status(409), REFUSED),
    ("413", status(413), ("token_limit", 1, DENIED)),
    ("418", status(418), REFUSED),
    ("422", status(422), REFUSED),
    ("429", status(429), ("rate_limit", 6, DENIED)),
    ("429, quota", status(429, code="insufficient_quota"), ("quota_exceeded", 1, DENIED)),
    ("500", status(500), ("server_error", 3, "unknown")),
    ("501", status(501), ("server_error", 3, "unknown")),
    ("503", status(503), ("server_error", 3, DENIED)),
    ("504", status(504), ("timeout", 1, "unknown")),
    ("529", status(529), ("server_error", 3, DENIED)),
    ("599", status(599), ("server_error", 3, "unknown")),
    ("429, retry-after-ms 100", status(429, retry_after_ms="100"), ("rate_limit", 6, DENIED)),
    ("429, retry-after 200 s", status(429, retry_after="200"), ("rate_limit", 1, DENIED)),
    *((f"429, retry-after {hint or 'empty'}", status(429, retry_after=hint), ("rate_limit", 6, DENIED))
      for hint in ("0.1", "-1", "NaN", "1e9", "soon", "", "Wed, 21 Oct 2015 07:28:00 GMT")),
    ("500, x-should-retry false", status(500) + '\nheaders = {x-should-retry = "false"}', ("server_error", 1, "unknown")),
    ("400, x-should-retry true", status(400) + '\nheaders = {x-should-retry = "true"}', ("server_error", 3, DENIED)),
    ("error under 200", 'kind = "error_in_200"', NONSENSE),
]


def body(text):
    return raw(response(text))


# Of whole replies; a stream that gets one of them gets no stream.
JSON = [
    ("JSON cut at its half", 'kind = "truncated_json"', NONSENSE, CUT),
    ("JSON that is none", 'kind = "malformed_json"', NONSENSE),
    *((f"JSON cut after {at} bytes", body(completion()[:at]), NONSENSE) for at in range(1, len(completion()), 24)),
    ("nesting of 20,000", body('{"choices":' + "[" * 20_000 + "]" * 20_000 + "}"), NONSENSE),
    ("null", body("null"), NONSENSE),
    ("NaN in it", body(completion().replace("1", "NaN", 1)), NONSENSE),
    ("no choices", body('{"id":"x","choices":[]}'), NONSENSE),
    ("content of another type, passed over", body(completion(message={"role": "assistant", "content": 7})), ANSWERED),
    ("lone surrogate", body(completion(content="\ud800")), ANSWERED),
    ("a member twice", body(completion(more=', "id": "y"')), ANSWERED),
    *((f"usage {name}", body(completion(usage=usage)), ANSWERED) for name, usage in (
        ("missing", None), ("null", {}), ("negative", {**USAGE, "prompt_tokens": -1}), ('"12"', {**USAGE, "prompt_tokens": "12"}),
        ("1.5", {**USAGE, "prompt_tokens": 1.5}), ("2^64", {**USAGE, "prompt_tokens": 2**64}), ("with a wrong sum", {**USAGE, "total_tokens": 1}))),
    ("another model answers", body(completion().replace('"m"', '"other"')), ANSWERED),
]

# Of streams; they leave whole replies alone or are sent to streams only.
SSE = [
    ("CRLF", events(GOOD.replace("\n", "\r\n")), ANSWERED),
    ("CR", events(GOOD.replace("\n", "\r")), ANSWERED),
    ("LF, CR and CRLF in turn", events(HELLO + STOP.replace("\n", "\r") + BILL.replace("\n", "\r\n") + DONE), ANSWERED),
    ("BOM", events("\ufeff" + GOOD), ANSWERED),
    ("comments, 10,000", events(": so\n" * 10_000 + "\n" + GOOD), ANSWERED),
    ("no space after data:", events(event("Fine.", prefix="data:") + STOP + BILL + DONE), ANSWERED),
    ("an event of three data lines", events(HELLO.replace('{"id"', '{\ndata: "id"').replace('"m"', '"m"\ndata: ') + STOP + BILL + DONE), ANSWERED),
    ("another event's name", events("event: hint\ndata: {}\n\n" + GOOD), ANSWERED),
    ("no blank line at the end", events(HELLO + STOP + BILL + "data: [DONE]\n"), ANSWERED),
    ("a line without an end", events("data: " + "x" * (1 << 16)), BROKEN),
    ("a line of 5 MiB", 'kind = "oversized_body"\nbody_bytes = "5MiB"', BROKEN),
    ("[DONE] missing", 'kind = "no_done"', ANSWERED),
    ("no end mark", 'kind = "no_finish"', CUT),
    ("[DONE] twice", events(GOOD + DONE), ANSWERED),
    ("data after [DONE]", events(GOOD + HELLO), ANSWERED),
    ("[DONE] alone", events(DONE), NONSENSE),
    ("usage before the end", events(HELLO + BILL + STOP + DONE), ANSWERED),
    ("usage twice", events(HELLO + STOP + BILL + BILL + DONE), ANSWERED),
    ("usage that grows", events(event("Fi", usage={**USAGE, "completion_tokens": 1, "total_tokens": 6}) + event("ne.") + STOP + BILL + DONE), ANSWERED),
    ("no usage", events(HELLO + STOP + DONE), ANSWERED),
    ("malformed first event", 'kind = "malformed_chunk"', NONSENSE),
    ("malformed third event", 'kind = "malformed_chunk"\nafter_chunks = 2', ("server_error", 1, "unknown")),
    ("an error first", 'kind = "error_in_stream"', ("server_error", 2, "unknown")),
    ("an error of 429 first", 'kind = "error_in_stream"\nstatus = 429\ncode = "rate_limit_exceeded"', ("rate_limit", 6, "unknown")),
    ("an error within", 'kind = "error_in_stream"\nafter_chunks = 2', ("server_error", 1, "unknown")),
    ("cut before any event", 'kind = "cut_stream"', BROKEN),
    ("cut within", 'kind = "cut_stream"\nafter_chunks = 2', CUT),
    ("silence after the head", 'kind = "stall_stream"', TIMEOUT),
    ("silence within", 'kind = "stall_stream"\nafter_chunks = 2', TIMEOUT),
    ("a pause within", 'kind = "stall_stream"\nafter_chunks = 2\ndelay = 100', ANSWERED),
]


def rows():
    """Every row as (group, name, fault, mode, expected); `mode` is whether the call is streamed."""
    for group, cases in (("connection", CONNECTION), ("HTTP", HTTP), ("status", STATUS), ("JSON", JSON)):
        for name, fault, whole, *streamed in cases:
            yield group, name, fault, False, whole
            yield group, name, fault, True, (streamed or [whole])[0]
    for at in range(1, 400, 1 if os.environ.get("WEIR_LONG") else 57):  # a whole reply has more bytes than that
        for name, kind in (("FIN", "close"), ("RST", "reset")):
            yield "connection", f"{name} after {at} bytes of a reply", f'kind = "{kind}"\nafter_bytes = {at}', False, BROKEN
    for name, fault, expected in SSE:
        yield "SSE", name, fault, True, expected

"""A mock provider that others wrote (npm `@copilotkit/aimock`) answers `weir chat`: both APIs, whole and streamed.

What the project's own mock and client could have misunderstood alike shows here.
"""
import json
import os
import re
import subprocess

from node_packages import packages
from rig import main

ANSWER = "The Atlantic Ocean, of course: Bouvet Island lies in it – far south."
FIXTURES = {"fixtures": [
    {"match": {"userMessage": "weather"},
     "response": {"toolCalls": [{"name": "get_weather", "arguments": {"city": "Paris", "days": 3}},
                                {"name": "get_time", "arguments": {}}]}},
    {"match": {"userMessage": "busy"},
     "response": {"error": {"message": "Rate limited", "type": "rate_limit_error"}, "status": 429}},
    {"match": {"userMessage": "ocean"}, "response": {"content": ANSWER}},
]}
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
         for name in ("get_weather", "get_time")]


class Mock:
    """The other mock as a child process. Use as a context; gives its port."""

    def __init__(self, rig, packages_folder):
        fixtures = rig.write("fixtures.json", json.dumps(FIXTURES))
        program = os.path.join(packages_folder, "node_modules", "@copilotkit", "aimock", "dist", "cli.js")
        self.process = subprocess.Popen(["node", program, "--port", "0", "--fixtures", fixtures, "--chunk-size", "7",
                                         "--latency", "25"],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def __enter__(self):
        said = []
        for line in self.process.stdout:
            said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                return int(found.group(1))
        raise AssertionError("the other mock did not start: " + "".join(said)[-500:])

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def write_config(rig, kind, port):
    return rig.write(f"{kind}.toml", f"""[llm]
default_provider = "other"
usage_data_dir = "{rig.path('usage')}"
[llm.providers.other]
type = "{kind}"
api_key = "any"
base_url = "http://127.0.0.1:{port}/v1"
max_retries = 0
[llm.providers.other.models.some-model]
max_tokens = 1000
supports_tools = true
supports_streaming = true
""")


def ask(rig, config, question, stream, tools=()):
    """Returns the reply, and the deltas before it."""
    request = {"model": "some-model", "messages": [{"role": "user", "content": question}], "stream": stream}
    if tools:
        request["tools"] = tools
    file = rig.write("request.json", json.dumps(request))
    code, out, err = rig.run("chat", "-c", config, "--json", "--request", file, *(["--stream"] if stream else []))
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines and (code == 0) == lines[-1]["success"], (code, out, err)
    return lines[-1], lines[:-1]


def test(rig):
    with Mock(rig, packages()) as port:
        for kind in ("generic", "claude"):
            config = write_config(rig, kind, port)
            for stream in (False, True):
                where = f"{kind}, {'streamed' if stream else 'whole'}"
                reply, deltas = ask(rig, config, "Which ocean contains Bouvet Island?", stream)
                assert reply["content"] == ANSWER and reply["finish_reason"] == "stop", (where, reply)
                assert reply["metadata"]["request_id"], (where, reply)
                assert "".join(each["text"] for each in deltas) == (ANSWER if stream else ""), (where, deltas)
                assert not stream or len(deltas) > 2, (where, "it came at once", deltas)

                reply, _ = ask(rig, config, "How is the weather?", stream, TOOLS)
                calls = [(call["name"], json.loads(call["arguments"])) for call in reply["tool_calls"]]
                assert calls == [("get_weather", {"city": "Paris", "days": 3}), ("get_time", {})], (where, reply)
                assert all(call["id"] for call in reply["tool_calls"]), (where, reply)
                assert reply["finish_reason"] == "tool_calls", (where, reply)

                reply, _ = ask(rig, config, "Are you busy?", stream)
                error = reply["error"]
                assert error["type"] == "rate_limit" and error["status_code"] == 429 and error["retryable"], (where, error)
                print(f"ok    {where}")
        code, out, _ = rig.run("health", "-c", write_config(rig, "generic", port), "--json")
        assert code == 0 and json.loads(out)["providers"][0]["reachable"], out


if __name__ == "__main__":
    main(test)

"""The official clients of OpenAI and Anthropic (npm) against the mock: chat, streams, tools, models, images, errors, retries.

The checks themselves stand in official_clients.mjs; here the mocks are started, and their logs looked at afterwards.
"""
import json

from node_packages import packages, run_script
from rig import main, wait_for

COMMON = 'models = ["mock-model"]\napi_key = "right"\n'


def fault(kind, requests, **more):
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in more.items())
    return f'[[faults]]\nkind = "{kind}"\nrequests = "{requests}"\n{lines}'


def errors(second):
    """In the order of the checks: a whole reply thrice, then streams."""
    return (fault("status", "1", status=429, retry_after="7") + fault("status", "2", status=second)
            + fault("reset", "3", after_bytes=20)
            + fault("error_in_stream", "4", after_chunks=2, status=529, message="too much at once")
            + fault("cut_stream", "5", after_chunks=2))


RETRIES = fault("status", "1", status=500) + fault("status", "2", status=429, retry_after_ms="300")
PLANS = {
    "plain": "",
    "tools": "tool_calls = true\n",
    "all": 'tool_calls = "all"\n',
    "thinking": 'reasoning = "Let me think about it."\nchunk_tokens = 3\n',
    "pings": 'chunk_delay = 10\nping_every = 10\nkey_header = "authorization"\n',
    "errors_openai": errors(500),
    "errors_anthropic": errors(529),
    "retry_openai": RETRIES,
    "retry_anthropic": RETRIES,
    "endless": fault("endless", "1-"),
}


def ends_of(rig, name):
    """The lines of a mock's log that tell of a stream which its client left."""
    with open(rig.path(name + ".log")) as log:
        lines = [json.loads(line) for line in log.read().rpartition("\n")[0].splitlines()]
    return [each for each in lines if each.get("event") == "closed"]


def test(rig):
    folder = packages()
    ports = {name: rig.mock(name, plan=COMMON + plan) for name, plan in PLANS.items()}
    done = run_script("official_clients.mjs", folder, [json.dumps(ports)])
    print(done.stdout, end="")
    assert done.returncode == 0, done.stderr[-2000:]

    for name, dialect in (("retry_openai", "chat"), ("retry_anthropic", "messages")):
        tries = rig.requests(name)
        assert [each["status"] for each in tries] == [500, 429, 200], tries
        assert {each["dialect"] for each in tries} == {dialect}, tries
        waited = [after["time_ms"] - before["time_ms"] for before, after in zip(tries, tries[1:])]
        assert waited[1] >= 290, f"the retry came {waited[1]} ms after a 429 that asked for 300"
    streams = [each for each in rig.requests("plain") if each["stream"]]
    assert streams and all(each["chunks"] > 5 and each["billed"] for each in streams), streams

    # Who leaves an endless stream is noticed.
    wait_for("both clients' ends", lambda: len(ends_of(rig, "endless")) == 2)
    assert all(each["chunks"] >= 40 for each in ends_of(rig, "endless"))


if __name__ == "__main__":
    main(test)

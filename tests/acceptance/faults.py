"""Every fault that is visible at a socket, whole and streamed, on new and on used connections.

A row each: what the caller is told, how often it was tried, what the breaker counted, what the books say, and the time of
both calls. All in one process; WEIR_CASES names the rows to be run, for one who mends them.
"""
import json
import os
import socket
import threading
import time
from collections import Counter

from fault_list import BROKEN, TIMEOUT, rows
from rig import main

REPLY = "Fine. Très bien, and more."
SETTINGS = """[llm.retry]
base_delay = 5
max_delay = 50
jitter = false
[llm.circuit_breaker]
min_calls = 1000
[llm.limits]
max_body_bytes = "4MiB"
"""
PROVIDER = 'type = "generic"\ntimeout = 1500\nidle_timeout = 500\nconnect_timeout = 200\nallow_insecure_http = true\n'
COUNTED = ("network", "server_error", "timeout")  # what opens a breaker; the rest says nothing about the provider's health


class Row:
    """A fault in one mode, on a new connection and on a used one. Each has a provider of its own, since a fault can have an
    effect on what comes after it: a refused key rests."""

    def __init__(self, number, group, name, fault, stream, expected, port=None):
        self.name, self.fault, self.stream = f"{group}: {name}", fault, stream
        self.error, self.tries, self.state = expected
        self.port, self.answers = port, {}
        self.phases = PHASES if port is None else PHASES[:1]
        self.providers = {phase: f"r{number}-{phase}" for phase in self.phases}  # its model has the same name

    def plan(self):
        return f"[[faults]]\nmodels = {json.dumps(list(self.providers.values()))}\n{self.fault}\n" if self.fault else ""

    def config(self, port):
        return "".join(f'[llm.providers.{each}]\n{PROVIDER}base_url = "http://127.0.0.1:{self.port or port}/v1"\n'
                       for each in self.providers.values())


PHASES = ("new", "used")


class BadDoors:
    """Ports at which nobody answers, each in its way; they stay so while this lives."""

    def __init__(self):
        closed, silent, full, self.resetting = (socket.create_server(("127.0.0.1", 0), backlog=b) for b in (1, 100, 0, 100))
        port = {each: each.getsockname()[1] for each in (closed, silent, full, self.resetting)}
        closed.close()
        fillers = [socket.socket() for _ in range(4)]
        for each in fillers:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        self.open = [silent, full, *fillers]
        threading.Thread(target=self.reset, daemon=True).start()
        self.rows = [("nobody listens", port[closed], ("network", 4, "void")),
                     ("the backlog is full", port[full], ("timeout", 4, "void")),
                     ("accepted and reset", port[self.resetting], BROKEN),
                     ("accepted and never read", port[silent], TIMEOUT)]

    def reset(self):
        while True:
            peer, _ = self.resetting.accept()
            time.sleep(0.05)  # the request has been written then, so that its fate is unknown
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            peer.close()


def call(driver, some):
    """One call a row and phase, all at once; connections that are to be used ones serve another call before."""
    calls = [(each, phase, each.providers[phase]) for each in some for phase in each.phases]
    for number in [driver.begin(model="good", provider=provider) for _, phase, provider in calls if phase == "used"]:
        assert driver.wait(number)["reply"]["success"]
    numbers = [(row, phase, driver.begin(model=provider, stream=row.stream, provider=provider)) for row, phase, provider in calls]
    for row, phase, number in numbers:
        row.answers[phase] = driver.wait(number)


def wrongs_of(row, seen, booked, counted, logged):
    """Why a row is wrong, if it is."""
    for phase, answer in seen.items():
        reply = answer["reply"]
        told = (reply["error"] and reply["error"]["type"], len(reply["metadata"]["attempts"]))
        states = [each["state"] for each in booked[phase]]
        if told != (row.error, row.tries):
            yield f"{phase}: {told} instead of {(row.error, row.tries)}: {reply['error']}"
        if states != [row.state] * row.tries:
            yield f"{phase}: booked {states} instead of {row.tries} {row.state}"
        if {each["id"] for each in booked[phase]} != {each["id"] for each in reply["metadata"]["attempts"]}:
            yield f"{phase}: the reply's attempts are not those of the books"
        if row.port is None and len(logged[phase]) != sum(state != "void" for state in states):
            yield f"{phase}: {len(logged[phase])} requests at the mock, {states} in the books"
        if answer["deltas"] and answer["shown"] != reply["content"]:
            yield f"{phase}: {answer['shown']!r} was shown, the reply has {reply['content']!r}"
        if row.port is None and [each["on_connection"] > 1 for each in logged[phase][:1]] != [phase == "used"]:
            yield f"{phase}: the connection was not {phase}"
    expected = len(seen) * row.tries if row.error in COUNTED else 0
    if counted != expected:
        yield f"the breaker counted {counted} failures instead of {expected}"


def run(rig, table):
    port = rig.mock("mock", plan=f'models = []\nreply = "{REPLY}"\nchunk_delay = 15\n' + "".join(each.plan() for each in table))
    providers = "".join(each.config(port) for each in table)
    config = rig.write("faults.toml", f'[llm]\ndefault_provider = "{table[0].providers["new"]}"\n'
                                      f'usage_data_dir = "{rig.path("usage")}"\n{SETTINGS}{providers}')
    with rig.driver(config) as driver:
        for begin in range(0, len(table), 24):
            call(driver, table[begin:begin + 24])
        health = {each["name"]: each for each in driver.ask("health", False)["providers"]}
    records, logs = {}, {}
    for each in rig.records():
        records.setdefault(each["call_id"], []).append(each)
    for each in rig.requests("mock"):
        logs.setdefault(each["model"], []).append(each)
    wrong = []
    print(f"{'fault':<46} {'stream':<6} {'error':<16} {'tries':>5} {'counted':>7} {'ms':>6}  booked")
    for row in table:
        wrong += [f"{row.name}{' (stream)' if row.stream else ''}: {why}" for why in tell(row, records, logs, health)]
    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong)
    print(f"{len(table)} rows, {sum(len(each.answers) for each in table)} calls")


def tell(row, records, logs, health):
    booked = {phase: records.get(answer["reply"]["metadata"]["call_id"], []) for phase, answer in row.answers.items()}
    logged = {phase: logs.get(provider, []) for phase, provider in row.providers.items()}
    counted = sum(each["failures"] for provider in row.providers.values() for each in health[provider]["breakers"])
    reply = row.answers["new"]["reply"]
    times = [answer["reply"]["metadata"]["latency_ms"] for answer in row.answers.values()]
    print(f"{row.name:<46} {'yes' if row.stream else '':<6} {reply['error'] and reply['error']['type'] or 'answered':<16} "
          f"{len(reply['metadata']['attempts']):>5} {counted:>7} {max(times):>6.0f}  "
          + ", ".join(f"{count} {state}" for state, count in Counter(each["state"] for each in booked["new"]).items()))
    return list(wrongs_of(row, row.answers, booked, counted, logged))


def test(rig):
    wanted = os.environ.get("WEIR_CASES", "")
    table = [Row(n, *each) for n, each in enumerate(rows())]
    doors = BadDoors()
    for name, port, expected in doors.rows:
        for stream in (False, True):
            table.append(Row(len(table), "connection", name, "", stream, expected, port))
    run(rig, [each for each in table if wanted in each.name])


if __name__ == "__main__":
    main(test)

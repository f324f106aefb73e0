"""The sixteen faults by which routers are scored, S01 to S16: a primary that fails, a fallback that does not.

A row each: what the caller saw, attempts at each provider, time, what was booked. Times are scaled, so that the list takes
seconds: waits of 20 s and 30 s are 5 s, their limits 1 s, and the flapping minute of S15 is six seconds, with the breaker's
times a tenth as well.
"""
import os
import time
from decimal import Decimal

from rig import attempts_of, main, wait_for

WORDS = [f"word{n}" for n in range(1, 61)]
TEXT = " ".join(WORDS)
RETRY = "[llm.retry]\nbase_delay = 20\nmax_delay = 200\njitter = false\n"
FIRST_TOKEN = "max_retries = 3\ntimeout = 5000\nfirst_token_timeout = 1000\n"
LIMITS = FIRST_TOKEN + "idle_timeout = 1000\n"
SHOWN = " ".join(WORDS[:40])


def plan(fault="", more=""):
    """The plan of a mock that says sixty words, a chunk each, with at most one fault."""
    return f'models = []\nreply = "{TEXT}"\nchunk_delay = 2\n{more}\n' + (f"[[faults]]\n{fault}\n" if fault else "")


class Bench:
    """Runs the cases and keeps the score."""

    def __init__(self, rig):
        self.rig, self.wrong, self.cases = rig, [], set()
        self.wanted = os.environ.get("WEIR_CASES", "")  # such as `S08`: for one who mends it
        print(f"{'case':<34} {'the caller saw':<44} {'attempts':<24} {'ms':>5}  booked")

    def run(self, case, primary, fallback="", checks=(), extra="", windows=None, limits=LIMITS, **call):
        """One call with a primary of that plan; `checks` are pairs of what must hold and whether it does."""
        if not case.startswith(self.wanted):
            return
        rig = self.rig
        ports = {name: rig.mock(f"{case}-{name}", plan=text)
                 for name, text in (("primary", primary), ("fallback", fallback or plan()))}
        models = {name: "supports_prefill = true" + (f"\ncontext_window = {windows[name]}" if windows else "") for name in ports}
        config = rig.config({name: (port, limits) for name, port in ports.items()}, RETRY + extra, name=f"{case}.toml",
                            usage_folder=case, model_lines=models)
        with rig.driver(config) as driver:
            seen = driver.call("Say sixty words.", **{"stream": True, **call})
        seen["booked"] = [(each["provider_name"], each["state"]) for each in rig.records(case)]
        seen["at"] = {name: rig.requests(f"{case}-{name}") for name in ports}
        self.tell(case, seen, [*checks, *ALWAYS])
        for name in ports:
            rig.stop(f"{case}-{name}")

    def tell(self, case, seen, checks):
        booked = [f"{name} {state}" for name, state in seen["booked"]]
        print(f"{case:<34} {words_of(seen):<44} {text_of(attempts_of(seen)):<24} {seen['ms']:>5.0f}  "
              + ", ".join(f"{booked.count(each)} {each}" for each in dict.fromkeys(booked)))
        self.score(case, [what for what, holds in checks if not true_of(seen, holds)], seen)

    def score(self, case, broken, seen=None):
        self.cases.add(case[:3])
        for what in broken:
            print(f"  WRONG: {what}")
            self.wrong.append(f"{case}: {what}; {told_of(seen)}")

    def end(self):
        failed = {each[:3] for each in self.wrong}
        print(f"{len(self.cases - failed)} of {len(self.cases)} pass")
        assert not self.wrong, "\n".join(self.wrong)


def told_of(seen):
    """What a reader needs of a call that went wrong."""
    if seen is None:
        return ""
    reply = seen["reply"]
    return {"error": reply["error"], "attempts": reply["metadata"]["attempts"], "content": reply["content"][:200],
            "shown": seen["shown"][:200], "first_us": seen["first_us"], "ms": seen["ms"]}


def true_of(seen, holds):
    """Whether a check holds; one that finds nothing to look at does not."""
    try:
        return holds(seen)
    except (IndexError, KeyError):
        return False


def text_of(attempts):
    return ", ".join(f"{name} {count}" for name, count in attempts.items())


def words_of(seen):
    reply = seen["reply"]
    shown = len(seen["shown"].split())
    text = f"the answer of {reply['metadata']['provider']}" if reply["success"] else reply["error"]["type"]
    return text + (f", shown {shown} words" if seen["deltas"] else "") + (
        f", {seen['restarts']} restart" if seen["restarts"] else "")


# What must hold in every row, whatever the fault.
ALWAYS = [
    ("every attempt is booked once, where it was made",
     lambda s: sorted(a["provider"] for a in s["reply"]["metadata"]["attempts"]) == sorted(name for name, _ in s["booked"])),
    ("each request of the mocks is in the books as sent",
     lambda s: all(len(s["at"][name]) == sum(n == name and state != "void" for n, state in s["booked"]) for name in s["at"])),
    ("what was shown is the answer, or its beginning",
     lambda s: TEXT.startswith(s["shown"]) and (not s["reply"]["success"] or not s["deltas"] or s["shown"] == TEXT)),
    ("a failed call's reply has the text that was shown", lambda s: s["reply"]["success"] or s["reply"]["content"] == s["shown"]),
    ("at most six attempts", lambda s: len(s["reply"]["metadata"]["attempts"]) <= 6),
]


def answered_by(name, **attempts):
    return [(f"answered by {name} after {attempts}",
             lambda s: s["reply"]["success"] and s["reply"]["metadata"]["provider"] == name and attempts_of(s) == attempts),
            ("settled where answered", lambda s: (name, "settled") in s["booked"])]


def fails_as(types, shown="", **attempts):
    return [(f"fails as {types} after {attempts}",
             lambda s: not s["reply"]["success"] and s["reply"]["error"]["type"] in types and attempts_of(s) == attempts),
            (f"{len(shown.split())} words were shown, but for the last", lambda s: shown.startswith(s["shown"]) and
             len(s["shown"]) >= len(shown) * 3 // 4)]


def within(low, high):
    return [(f"takes {low} to {high} ms", lambda s: low <= s["ms"] <= high)]


def booked(*states):
    return [(f"booked as {states}", lambda s: s["booked"] == list(states))]


def before_any_token(bench):
    """S01 to S07: nothing was shown yet, so the caller must not notice."""
    spaced = ("the hint of 1 s is kept", lambda s: all(
        b["time_ms"] - a["time_ms"] >= 990 for a, b in zip(s["at"]["primary"], s["at"]["primary"][1:])))
    bench.run("S01 429, retry-after 1", plan('kind = "status"\nstatus = 429\nretry_after = "1"\nrequests = "1"'), checks=[
        spaced, ("answered", lambda s: s["reply"]["success"]), ("the primary is asked twice at most", lambda s: len(s["at"]["primary"]) <= 2)])
    bench.run("S01 429, retry-after 200", plan('kind = "status"\nstatus = 429\nretry_after = "200"'),
              checks=answered_by("fallback", primary=1, fallback=1) + within(0, 2000))
    bench.run("S02 429 without a hint, once", plan('kind = "status"\nstatus = 429\nrequests = "1"'),
              checks=answered_by("primary", primary=2))
    bench.run("S02 429 without a hint, always", plan('kind = "status"\nstatus = 429'),
              checks=answered_by("fallback", primary=4, fallback=1))
    bench.run("S03 one 500", plan('kind = "status"\nstatus = 500\nrequests = "1"'), checks=[
        ("answered", lambda s: s["reply"]["success"]),
        ("booked as unknown, then settled", lambda s: [state for _, state in s["booked"]] == ["unknown", "settled"])])
    bench.run("S04 503 always", plan('kind = "status"\nstatus = 503'), checks=answered_by("fallback", primary=3, fallback=1))
    for name, fault in (("once", '\nrequests = "1"'), ("always", "")):
        bench.run(f"S05 reset {name}", plan('kind = "reset"' + fault), checks=[
            ("answered", lambda s: s["reply"]["success"]), ("one repeat", lambda s: len(s["booked"]) == 2)])
    bench.run("S06 silence", plan('kind = "hang"'), limits=FIRST_TOKEN,
              checks=answered_by("fallback", primary=1, fallback=1) + within(900, 2500) +
              booked(("primary", "unknown"), ("fallback", "settled")))
    bench.run("S07 first token after 5 s", plan('kind = "stall_stream"\ndelay = 5000'), limits=FIRST_TOKEN,
              checks=answered_by("fallback", primary=1, fallback=1) + within(900, 2500))


RESCUES = ("fail", "buffer", "restart", "continue")


def broken_streams(bench):
    """S08 and S09 under each declared policy, S10 and S11."""
    for case, fault, least in (("S08 cut at 40 of 60", 'kind = "cut_stream"\nafter_chunks = 40', 0),
                               ("S09 stalls at 40 of 60", 'kind = "stall_stream"\nafter_chunks = 40', 900)):
        for rescue in RESCUES:
            checks = within(least, least + 2000) + [
                ("the primary's attempt is unknown", lambda s: ("primary", "unknown") in s["booked"])]
            if rescue == "fail":
                checks += fails_as(("network", "timeout"), SHOWN, primary=1)
            else:
                checks += answered_by("fallback", primary=1, fallback=1)
                restarts = 1 if rescue == "restart" else 0
                checks += [(f"{restarts} restart", lambda s, n=restarts: s["restarts"] == n)]
            if rescue == "buffer":
                checks += [("nothing is shown before the end", lambda s: s["first_us"] / 1000 > s["ms"] - 500)]
            if rescue == "continue":
                checks += [("the fallback says the rest only",
                            lambda s: s["at"]["fallback"][0]["completion_tokens"] < s["at"]["primary"][0]["completion_tokens"])]
            bench.run(f"{case}, {rescue}", plan(fault), checks=checks, rescue=rescue)
    bench.run("S10 malformed first chunk", plan('kind = "malformed_chunk"'),
              checks=answered_by("fallback", primary=1, fallback=1))
    for rescue in ("fail", "restart"):
        bench.run(f"S10 malformed chunk 41, {rescue}", plan('kind = "malformed_chunk"\nafter_chunks = 40'), rescue=rescue,
                  checks=fails_as(("server_error",), SHOWN, primary=1) if rescue == "fail" else
                  answered_by("fallback", primary=1, fallback=1))
    bench.run("S11 no [DONE]", plan('kind = "no_done"'), checks=answered_by("primary", primary=1) + booked(("primary", "settled")))
    bench.run("S11 no finish reason either", plan('kind = "no_finish"'), checks=fails_as(("network", "server_error"), TEXT, primary=1))


def what_is_not_the_providers_fault(bench):
    """S12 and S13."""
    def route(*candidates):
        return "[llm.routes.chat]\ncandidates = [" + ", ".join(
            f'{{provider = "{name}", model = "mock-model"}}' for name in candidates) + "]\n"

    small, large = plan(more="context_window = 50"), plan()
    bench.run("S12 does not fit, a larger one is there", small, large, model="chat", extra=route("primary", "fallback"),
              windows={"primary": 1000, "fallback": 100_000}, checks=answered_by("fallback", primary=1, fallback=1))
    bench.run("S12 does not fit, none is larger", small, large, model="chat", extra=route("primary", "fallback"),
              windows={"primary": 1000, "fallback": 1000}, checks=fails_as(("token_limit",), primary=1))
    bench.run("S12 does not fit, and is alone", small, large, model="chat", extra=route("primary"),
              checks=fails_as(("token_limit",), primary=1))
    refused = plan('kind = "status"\nstatus = 400\ncode = "content_filter"\nmessage = "The response was filtered."')
    bench.run("S13 refused by the content filter", refused, checks=fails_as(("content_filter",), primary=1))
    bench.run("S13 ended by the content filter", plan(more='finish_reason = "content_filter"'), checks=answered_by(
        "primary", primary=1) + [("the reason is told", lambda s: s["reply"]["finish_reason"] == "content_filter")])


def refused_prefill(bench):
    """S14: what was shown cannot be gone on with, and nothing is made up."""
    bench.run("S14 the fallback refuses prefill", plan('kind = "cut_stream"\nafter_chunks = 40'),
              fallback=plan(more='prefill = "refuse"'), rescue="continue",
              checks=fails_as(("network", "invalid_request", "server_error"), SHOWN, primary=1, fallback=1))


FLAPPING = [(n, n + 1) for n in (1, 3, 5)]  # seconds in which the primary answers 503


def flapping(bench):
    """S15: the primary flaps for six seconds while twenty calls come; all are answered, the primary is not hammered, and
    the calls return to it."""
    rig, case = bench.rig, "S15 flaps, 20 calls"
    fault = "\n".join(f'[[faults]]\nkind = "status"\nstatus = 503\nfrom = "{begin}s"\nto = "{end}s"' for begin, end in FLAPPING)
    ports = {"primary": rig.mock("flapping", plan=plan() + fault), "fallback": rig.mock("steady", plan=plan())}
    begin = time.monotonic()
    config = rig.config({name: (port, LIMITS) for name, port in ports.items()}, RETRY +
                        "[llm.circuit_breaker]\nwindow = 3000\nmin_calls = 4\nopen_time = 1000\nmax_open_time = 3000\n",
                        name="flapping.toml", usage_folder="flapping")
    seen, by = [], []
    with rig.driver(config) as driver:
        for n in range(20):
            time.sleep(max(0, begin + 0.3 + 0.3 * n - time.monotonic()))
            seen.append(driver.call())
        during = len(rig.requests("flapping"))
        time.sleep(max(0, begin + 6.1 - time.monotonic()))
        back = wait_for("a call at the primary", lambda: driver.call()["reply"]["metadata"]["provider"] == "primary", 10)
        by = [driver.call()["reply"]["metadata"]["provider"] for _ in range(3)]
    answered = sum(each["reply"]["success"] for each in seen)
    by_primary = sum(each["reply"]["metadata"]["provider"] == "primary" for each in seen)
    failed = sum(a["provider"] == "primary" and a["error"] is not None
                 for each in seen for a in each["reply"]["metadata"]["attempts"])
    print(f"{case:<34} {answered} of 20 answered, {by_primary} of them by the primary; {during} requests at it, {failed} of them "
          f"failed; back to it {back:.1f} s after the last flap; slowest call {max(each['ms'] for each in seen):.0f} ms")
    states = [record["state"] for record in rig.records("flapping")]
    bench.score(case, [what for what, holds in [
        ("all are answered", answered == 20), ("the primary is not hammered: one failed request a call at most", failed <= 20),
        ("the primary serves when it can", by_primary >= 3), ("calls return to it and stay", by == ["primary"] * 3),
        ("every request is booked", states.count("settled") == len(rig.requests("flapping")) + len(rig.requests("steady"))),
    ] if not holds])
    for name in ("flapping", "steady"):
        rig.stop(name)


def books(bench):
    """S16: what the mocks bill is what the books say: settled to the last digit, and `unknown` covers the rest."""
    rig, case = bench.rig, "S16 the books after failover"
    faults = ["kind = \"status\"\nstatus = 503\nevery = 5", "kind = \"cut_stream\"\nafter_chunks = 40\nevery = 7",
              "kind = \"reset\"\nafter_bytes = 300\nevery = 11", "kind = \"close\"\nevery = 13", "kind = \"no_finish\"\nevery = 3"]
    ports = {"primary": rig.mock("billing", plan=plan() + "".join(f"[[faults]]\n{each}\n" for each in faults)),
             "fallback": rig.mock("billing too", plan=plan())}
    config = rig.config({name: (port, LIMITS) for name, port in ports.items()}, RETRY +
                        "[llm.circuit_breaker]\nmin_calls = 1000\n[llm.retry.budget]\nenabled = false\n", usage_folder="books")
    with rig.driver(config) as driver:
        numbers = [driver.begin(stream=n % 2 == 0, rescue="restart" if n % 4 == 0 else "fail") for n in range(100)]
        answers = [driver.wait(n) for n in numbers]
    records = rig.records("books")
    cost = lambda each: Decimal(each["prompt_tokens"] * 30 + each["completion_tokens"] * 60) / 1_000_000
    billed = {(provider, f"req_mock_{each['n']}"): cost(each) for provider, log in (("primary", "billing"), ("fallback", "billing too"))
              for each in rig.requests(log) if each["billed"]}
    settled = {(each["provider_name"], each["request_id"]): Decimal(each["cost"] or 0) for each in records
               if each["state"] == "settled" and each["success"]}
    limit = sum(Decimal(each["cost_limit"]) for each in records if each["state"] == "unknown")
    rest = sum(cost for key, cost in billed.items() if key not in settled)
    attempts = sum(len(each["reply"]["metadata"]["attempts"]) for each in answers)
    print(f"{case:<34} {sum(each['reply']['success'] for each in answers)} of 100 answered, {attempts} attempts; billed "
          f"{sum(billed.values())} USD = {sum(settled.values())} settled + {rest} of unknown fate, which is booked as up to {limit}")
    bench.score(case, [what for what, holds in [
        ("each settled cost is what its provider bills", all(billed.get(key) == value for key, value in settled.items())),
        ("unknown covers the rest", 0 < rest <= limit), ("one record an attempt", attempts == len(records)),
        ("some failed over", any(len(attempts_of(each)) == 2 for each in answers)),
    ] if not holds])
    for name in ("billing", "billing too"):
        rig.stop(name)


def test(rig):
    bench = Bench(rig)
    for cases in (before_any_token, broken_streams, what_is_not_the_providers_fault, refused_prefill):
        cases(bench)
    for number, cases in (("S15", flapping), ("S16", books)):
        if number.startswith(bench.wanted):
            cases(bench)
    bench.end()


if __name__ == "__main__":
    main(test)

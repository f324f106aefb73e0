"""Every fault of the mock, a row each: what the caller is told, how often it was tried, what the books say."""
import json
import time

from rig import main

RETRY = "[llm.retry]\nbase_delay = 20\nmax_delay = 200\njitter = false\n"

# A request that broke off, or whose success cannot be read, may have been billed: it is repeated once and no more.
# name, fault, expected error type, attempts, states in the books
ROWS = [
    ("refuse", 'kind = "refuse"', "network", 4, ["void"] * 4),
    ("reset, 0 bytes", 'kind = "reset"', "network", 2, ["unknown"] * 2),
    ("reset after 40 bytes", 'kind = "reset"\nafter_bytes = 40', "network", 2, ["unknown"] * 2),
    ("close, 0 bytes", 'kind = "close"', "network", 2, ["unknown"] * 2),
    ("close after 200 bytes", 'kind = "close"\nafter_bytes = 200', "network", 2, ["unknown"] * 2),
    ("hang", 'kind = "hang"', "timeout", 1, ["unknown"]),
    ("drip past the timeout", 'kind = "drip"\npiece_bytes = 1\ndelay = 20', "timeout", 1, ["unknown"]),
    ("drip within it", 'kind = "drip"\npiece_bytes = 64\ndelay = 5', None, 1, ["settled"]),
    ("slow first byte", 'kind = "slow_first_byte"\ndelay = 200', None, 1, ["settled"]),
    ("401", 'kind = "status"\nstatus = 401', "auth", 1, ["settled"]),
    ("404", 'kind = "status"\nstatus = 404\ncode = "model_not_found"', "model_not_found", 1, ["settled"]),
    ("429 without hint", 'kind = "status"\nstatus = 429', "rate_limit", 6, ["settled"] * 6),
    ("429, retry-after-ms 100", 'kind = "status"\nstatus = 429\nretry_after_ms = "100"', "rate_limit", 6, ["settled"] * 6),
    ("429, retry-after 200 s", 'kind = "status"\nstatus = 429\nretry_after = "200"', "rate_limit", 1, ["settled"]),
    ("500", 'kind = "status"\nstatus = 500', "server_error", 3, ["unknown"] * 3),
    ("503", 'kind = "status"\nstatus = 503', "server_error", 3, ["settled"] * 3),
    ("malformed JSON", 'kind = "malformed_json"', "server_error", 2, ["unknown"] * 2),
    ("truncated JSON", 'kind = "truncated_json"', "server_error", 2, ["unknown"] * 2),
    ("wrong content type", 'kind = "wrong_content_type"', "server_error", 2, ["unknown"] * 2),
    ("oversized body", 'kind = "oversized_body"\nbody_bytes = "40MiB"', "server_error", 2, ["unknown"] * 2),
    ("empty body", 'kind = "empty_body"', "server_error", 2, ["unknown"] * 2),
    ("error under 200", 'kind = "error_in_200"', "server_error", 2, ["unknown"] * 2),
]


def test(rig):
    print(f"{'fault':<24} {'error':<16} {'tries':>5} {'ms':>6}  booked")
    wrong = []
    for n, (name, fault, error, attempts, states) in enumerate(ROWS):
        port = rig.mock(f"m{n}", plan=f'models = ["mock-model"]\n[[faults]]\n{fault}\n')
        time.sleep(0.05 if "refuse" in fault else 0)
        config = rig.config({"p": (port, "timeout = 1500")}, RETRY)
        before = {record["id"] for record in rig.records()} if n else set()
        begin = time.monotonic()
        code, out, err = rig.run("chat", "-c", config, "--json", "Hello there")
        took = (time.monotonic() - begin) * 1000
        reply = json.loads(out)
        booked = [record for record in rig.records() if record["id"] not in before]
        seen = (reply["error"] and reply["error"]["type"], len(reply["metadata"]["attempts"]),
                [record["state"] for record in booked])
        print(f"{name:<24} {seen[0] or 'answered':<16} {seen[1]:>5} {took:>6.0f}  "
              + ", ".join(f"{seen[2].count(state)} {state}" for state in sorted(set(seen[2]))))
        logged = len(rig.requests(f"m{n}"))
        if seen != (error, attempts, states) or (code == 0) != (error is None):
            wrong.append(f"{name}: {seen} instead of {(error, attempts, states)}; {err}")
        if logged != sum(state != "void" for state in seen[2]):
            wrong.append(f"{name}: {logged} requests at the mock, {seen[2]} in the books")
        if {a["id"] for a in reply["metadata"]["attempts"]} != {r["id"] for r in booked}:
            wrong.append(f"{name}: the reply's attempts are not those of the books")
        rig.stop(f"m{n}")
    assert not wrong, "\n".join(wrong)


if __name__ == "__main__":
    main(test)

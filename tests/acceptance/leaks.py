"""Ten thousand faulty calls through one process leave nothing behind: no descriptor, no connection, no thread, no memory.

All kinds of faults are mixed, by a seed; half of the calls are streams, some are cancelled on the way. WEIR_CALLS says how
many calls, for a longer run.
"""
import collections
import os
import time

from rig import main, wait_for

CALLS = int(os.environ.get("WEIR_CALLS", 10_000))
IN_FLIGHT = 64
FAULTS = ['kind = "reset"', 'kind = "reset"\nafter_bytes = 300', 'kind = "close"', 'kind = "close"\nafter_bytes = 250',
          'kind = "hang"', 'kind = "drip"\npiece_bytes = 50', 'kind = "status"\nstatus = 429',
          'kind = "status"\nstatus = 500', 'kind = "status"\nstatus = 503', 'kind = "malformed_json"', 'kind = "truncated_json"',
          'kind = "wrong_content_type"', 'kind = "oversized_body"\nbody_bytes = 100000', 'kind = "slow_first_byte"\ndelay = 20',
          'kind = "empty_body"', 'kind = "error_in_200"', 'kind = "raw"\nbytes = "HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\n{"',
          'kind = "raw"\nbytes = "nonsense"\nthen = "close"', 'kind = "cut_stream"\nafter_chunks = 2',
          'kind = "error_in_stream"\nafter_chunks = 2', 'kind = "malformed_chunk"\nafter_chunks = 2',
          'kind = "stall_stream"\nafter_chunks = 2', 'kind = "no_done"', 'kind = "no_finish"', 'kind = "endless"']
SETTINGS = "timeout = 150\nidle_timeout = 150\nfirst_byte_timeout = 150\nstream_timeout = 300\nmax_retries = 1"
EXTRA = """[llm.retry]
base_delay = 1
max_delay = 10
[llm.retry.budget]
enabled = false
[llm.circuit_breaker]
min_calls = 1000000
"""


def call_many(driver, count, seen):
    """Makes so many calls, a bounded number at a time, and counts how they end."""
    open_calls = collections.deque()
    for n in range(count):
        if len(open_calls) == IN_FLIGHT:
            note(driver, open_calls.popleft(), seen)
        open_calls.append(driver.begin(stream=n % 2 == 0, rescue=("fail", "buffer", "restart", "fail")[n % 4]))
        if n % 50 == 0:
            driver.wait(driver.tell(cancel=open_calls[len(open_calls) // 2]))
    while open_calls:
        note(driver, open_calls.popleft(), seen)


def note(driver, number, seen):
    reply = driver.wait(number)["reply"]
    seen["answered" if reply["success"] else reply["error"]["type"]] += 1
    seen["attempts"] += len(reply["metadata"]["attempts"])


def at_rest(driver):
    """What the process holds when nothing is in flight."""
    wait_for("rest", lambda: driver.ask("health", False)["calls_in_flight"] == 0)
    driver.ask("usage")
    return driver.ask("process")


def test(rig):
    # A sanitised process keeps what it freed, and would seem to grow.
    os.environ["ASAN_OPTIONS"] = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=2"]))
    faults = "".join(f"[[faults]]\n{each}\nprobability = 0.04\n" for each in FAULTS)
    ports = {name: rig.mock(name, plan=f'models = []\nseed = {seed}\nreply = "one two three four five"\n{faults}')
             for seed, name in enumerate(("first", "second"), 1)}
    config = rig.config({name: (port, SETTINGS) for name, port in ports.items()}, EXTRA)
    seen = collections.Counter()
    with rig.driver(config) as driver:
        begun = at_rest(driver)
        warming = collections.Counter()
        call_many(driver, max(2000, CALLS // 5), warming)
        warm = at_rest(driver)
        begin = time.monotonic()
        call_many(driver, CALLS, seen)
        took = time.monotonic() - begin
        rest = at_rest(driver)
        # Good connections wait for the next call, and are closed after fifteen seconds without one.
        wait_for("every connection closed", lambda: driver.ask("process")["sockets"] <= begun["sockets"], 40)
        closed = driver.ask("process")
        health = driver.ask("health", False)
    attempts = seen.pop("attempts")
    print(f"{CALLS} calls, {attempts} attempts in {took:.1f} s: " + ", ".join(f"{count} {name}" for name, count in sorted(seen.items())))
    for name in warm:
        print(f"{name:<14} {begun[name]:>10} at the begin {warm[name]:>10} after warm-up {rest[name]:>10} at the end "
              f"{closed[name]:>10} when idle connections are closed")
    assert sum(seen.values()) == CALLS
    assert seen["answered"] > CALLS / 4 and len(seen) >= 6, "the mix is not one"
    assert rest["threads"] == warm["threads"]
    assert rest["sockets"] <= 2 * IN_FLIGHT, rest
    assert closed["fds"] <= warm["fds"] - warm["sockets"] + begun["sockets"], (begun, warm, closed)
    grown = rest["rss_anon_bytes"] - warm["rss_anon_bytes"]
    assert grown < 24 * 1024 * 1024, f"memory grew by {grown} bytes"
    assert all(each["in_flight"] == each["queued"] == 0 for each in health["providers"]), health
    booked = health["ledger"]
    assert booked["pending"] == booked["refused"] == 0, booked
    made = attempts + warming["attempts"]
    # An end of each, and an intent of each that was about to be sent.
    assert booked["booked"] == booked["committed"] and made < booked["booked"] <= 2 * made, (booked, attempts, warming)


if __name__ == "__main__":
    main(test)

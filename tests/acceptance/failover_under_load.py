"""The primary is killed in the middle of a thousand calls: nobody notices, and the books are exact."""
import collections
import json
import signal
import subprocess

from rig import main, wait_for


def test(rig):
    latency = ["--latency", "20"]
    ports = {name: rig.mock(name, arguments=latency) for name in ("primary", "backup")}
    config = rig.config({name: (port, "max_retries = 1") for name, port in ports.items()},
                        "[llm.retry]\nbase_delay = 50\n")
    bench = subprocess.Popen([rig.bench, "chat", "-c", config, "--calls", "1000", "--concurrency", "64", "--json"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for("400 requests at the primary", lambda: len(rig.requests("primary")) >= 400)
    rig.stop("primary", signal.SIGKILL)
    out, err = bench.communicate(timeout=120)
    seen = json.loads(out)
    assert (seen["calls"], seen["errors"]) == (1000, 0), (seen, err)

    records = rig.records()
    ids = collections.Counter(record["id"] for record in records)
    assert max(ids.values()) == 1, "an attempt is booked twice"
    answered = [record for record in records if record["success"]]
    assert len({record["call_id"] for record in records}) == 1000
    assert len(answered) == len({record["call_id"] for record in answered}) == 1000

    sent = {name: [r for r in records if r["provider_name"] == name and r["state"] != "void"] for name in ports}
    logged = {name: len(rig.requests(name)) for name in ports}
    assert len(sent["backup"]) == logged["backup"]
    # The primary logs what it read; what was written to its socket and never read is booked as unknown.
    unread = len(sent["primary"]) - logged["primary"]
    unknown = sum(record["state"] == "unknown" for record in sent["primary"])
    assert 0 <= unread <= unknown <= 64, (unread, unknown)
    print(f"1000 calls, 0 errors; {len(records)} records for {sum(logged.values())} logged requests, "
          f"{unknown} unknown at the kill ({unread} of them never read), "
          f"{sum(r['state'] == 'void' for r in records)} refused connections")


if __name__ == "__main__":
    main(test)

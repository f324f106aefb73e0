"""The bench as its users run it: every scenario ends when it is told to, and what cannot be compared is not."""
import json
import math
import os

from rig import main

FIGURES = {"scenario", "concurrency", "duration_s", "calls", "errors", "throughput_per_s", "cpu_us_per_call", "latency_us",
           "rss_bytes"}
STREAM_FIGURES = FIGURES | {"chunks", "chunks_per_s", "cpu_us_per_chunk", "first_token_us"}
SHORT = ["--duration", "0.3", "--warm-up", "0.1"]


def test(rig):
    def bench(*arguments, expect=0):
        _, out, err = rig.run(*arguments, "--json", program=rig.bench, expect=expect)
        return json.loads(out, parse_constant=refuse) if expect == 0 else (out, err)

    for arguments in (["chat", *SHORT], ["floor", *SHORT], ["idle", *SHORT], ["ledger", "--duration", "0.3"]):
        seen = bench(*arguments, "--concurrency", "4")
        assert FIGURES <= set(seen) and seen["errors"] == 0 and 0.3 <= seen["duration_s"] < 3, seen
        assert seen["concurrency"] == (0 if arguments[0] == "idle" else 4), seen
        assert (seen["calls"] > 0) == (arguments[0] != "idle"), seen
    for scenario in ("chat", "floor"):
        assert bench(scenario, "--calls", "150", "--concurrency", "8")["calls"] == 150
    assert bench("ledger", "--records", "150", "--batch", "100")["calls"] == 150

    compared = bench("compare", *SHORT, "--rounds", "1", "--concurrency", "1,4")
    assert [each["concurrency"] for each in compared] == [1, 4], compared
    for each in compared:
        assert all(math.isfinite(each[name]) for name in ("throughput_ratio", "cpu_ratio", "added_p50_us")), each
        assert [run["scenario"] for run in each["runs"]] == ["floor", "chat"], each

    streams(bench)
    slow_consumers(rig, bench)
    overload(bench)
    books(bench)

    # Ratios of failed calls would be figures of something else, or none at all.
    broken = rig.mock("broken", plan='models = ["mock-model"]\n[[faults]]\nkind = "status"\nstatus = 500\n')
    upstream = ["--upstream", f"http://127.0.0.1:{broken}/v1"]
    out, err = bench("compare", *SHORT, *upstream, "--rounds", "1", "--concurrency", "4", expect=1)
    assert out == "" and "floor with 4 in flight: 4 calls failed" in err, (out, err)
    out, _ = bench("floor", *SHORT, *upstream, "--concurrency", "4", expect=1)
    assert json.loads(out, parse_constant=refuse)["errors"] == 4, out

    for wrong in (["floor", "--duration", "nan"], ["floor", "--duration", "0"], ["chat", "--concurrency", "0"],
                  ["compare", "--concurrency", "0"], ["stream", "--chunks", "0"], ["slow-consumers", "--streams", "0"],
                  ["slow-consumers", "--pause", "0"], ["compare-stream", "--chunks", "100001"], ["overload", "--factor", "0"],
                  ["ledger", "--duration", "inf"], ["ledger", "--batch", "0"]):
        out, err = bench(*wrong, expect=2)
        assert wrong[1] in err, (wrong, out, err)


def streams(bench):
    for scenario in ("stream", "stream-floor"):
        seen = bench(scenario, *SHORT, "--concurrency", "4", "--chunks", "40")
        assert STREAM_FIGURES <= set(seen) and seen["errors"] == 0 and seen["calls"] > 0, seen
        assert seen["chunks"] == 40 * seen["calls"] and seen["cpu_us_per_chunk"] > 0, seen
        assert 0 < seen["first_token_us"]["p50"] <= seen["latency_us"]["max"], seen
        assert bench(scenario, "--calls", "30", "--concurrency", "8", "--chunks", "40")["chunks"] == 30 * 40
    compared, = bench("compare-stream", *SHORT, "--rounds", "1", "--concurrency", "4", "--chunks", "40")
    assert all(math.isfinite(compared[name]) for name in ("throughput_ratio", "cpu_ratio", "added_first_token_us")), compared
    assert [run["scenario"] for run in compared["runs"]] == ["stream-floor", "stream"], compared


def slow_consumers(rig, bench):
    # Sanitised programs keep what they freed, and would seem to grow.
    os.environ["ASAN_OPTIONS"] = ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=2"]))
    port = rig.mock("endless", plan=f'models = []\nreply = "{" sea" * 100}"\n[[faults]]\nkind = "endless"\n')
    seen = bench("slow-consumers", "--streams", "40", "--duration", "2", "--pause", "200", "--upstream",
                 f"http://127.0.0.1:{port}/v1")
    assert seen["streams"] == seen["cancelled"] == 40 and seen["errors"] == 0, seen
    assert seen["connections"] == 40 and seen["connections_after"] == 0, seen
    assert seen["deltas"] >= seen["batches"] > 40 and seen["content_bytes"] > 0, seen
    # A sink is sent nothing before it has answered: one batch in each pause, and the first.
    assert seen["batches"] <= 40 * (2 / 0.2 + 3), seen
    # What may wait for a slow sink is a window's worth, which is counted in bytes of the wire; a sanitised
    # program's memory is several times as much.
    assert seen["rss_bytes_max"] - seen["rss_bytes_before"] < 40 * 1024 * 1024, seen
    assert len(seen["samples"]) >= 10 and seen["samples"][-1]["rss_bytes"] == seen["rss_bytes_end"], seen
    closed = rig.closed_streams("endless")
    assert len(closed) == 40, closed
    rig.stop("endless")


def overload(bench):
    """Five times the peak is offered, for a minute with WEIR_LONG, where the goals are held, too."""
    long = os.environ.get("WEIR_LONG")
    seen = bench("overload", *(["--duration", "60"] if long else ["--duration", "2", "--concurrency", "16"]))
    assert FIGURES <= set(seen) and seen["errors"] == 0 and seen["calls"] > 0, seen
    assert seen["refused"] > seen["calls"] and seen["offered_per_s"] > 3 * seen["peak_per_s"], seen
    goodput, p99, refusals = seen["goodput_ratio"], seen["p99_ratio"], seen["refusal_latency_us"]["p99"]
    print(f"overload: goodput {100 * goodput:.0f} % of the peak, p99 {p99:.2f} x the peak's, refusals within {refusals:.0f} us (p99)")
    assert goodput >= (0.9 if long else 0.5), seen
    assert not long or (p99 <= 2 and refusals < 5000), seen


def books(bench):
    seen = bench("compare-ledger", "--rows", "2000", "--batch", "100", "--rounds", "2")
    assert all(math.isfinite(seen[name]) and seen[name] > 0 for name in ("to_lmdb", "to_sqlite", "to_sqlite_rollups")), seen
    assert [run["scenario"] for run in seen["runs"]] == 2 * ["weir", "lmdb", "sqlite", "sqlite+"], seen
    assert all(run["calls"] == 2000 for run in seen["runs"]), seen

    seen = bench("ask-ledger", "--rows", "20000", "--sqlite-rows", "3000", "--export", "1000", "--tags", "2")
    steps = {(each["store"], each["step"]): each for each in seen["steps"]}
    assert seen["rows"] == 20000 and seen["sqlite_rows"] == 3000 and 0 < seen["used_bytes"] <= seen["file_bytes"], seen
    for step in ("summary of all, rollups", "summary of all, full scan", "visit all rows"):
        for store, rows in (("weir", 20000), ("sqlite", 3000)):
            each = steps[store, step]
            assert each["rows"] == rows * each["times"], each
    for format in ("csv", "jsonl"):
        assert steps["weir", f"export as {format} by the program"]["rows"] == 1000, steps

    compared = bench("compare-durability", *SHORT, "--rounds", "1", "--concurrency", "1,4")
    programs = ["floor", "floor+lmdb", "floor+sqlite", "weir, none", "weir, relaxed", "weir, strict"]
    for each in compared:
        assert [run["scenario"] for run in each["runs"]] == programs == [one["program"] for one in each["programs"]], each
        assert all(run["calls"] > 0 for run in each["runs"]), each


def refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


if __name__ == "__main__":
    main(test)

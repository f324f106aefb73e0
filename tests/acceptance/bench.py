"""The bench as its users run it: every scenario ends when it is told to, and what cannot be compared is not."""
import json
import math

from rig import main

FIGURES = {"scenario", "concurrency", "duration_s", "calls", "errors", "throughput_per_s", "cpu_us_per_call", "latency_us",
           "rss_bytes"}
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

    # Ratios of failed calls would be figures of something else, or none at all.
    broken = rig.mock("broken", plan='models = ["mock-model"]\n[[faults]]\nkind = "status"\nstatus = 500\n')
    upstream = ["--upstream", f"http://127.0.0.1:{broken}/v1"]
    out, err = bench("compare", *SHORT, *upstream, "--rounds", "1", "--concurrency", "4", expect=1)
    assert out == "" and "floor with 4 in flight: 4 calls failed" in err, (out, err)
    out, _ = bench("floor", *SHORT, *upstream, "--concurrency", "4", expect=1)
    assert json.loads(out, parse_constant=refuse)["errors"] == 4, out

    for wrong in (["floor", "--duration", "nan"], ["floor", "--duration", "0"], ["chat", "--concurrency", "0"],
                  ["compare", "--concurrency", "0"], ["ledger", "--duration", "inf"], ["ledger", "--batch", "0"]):
        out, err = bench(*wrong, expect=2)
        assert wrong[1] in err, (wrong, out, err)


def refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


if __name__ == "__main__":
    main(test)

"""The configuration is edited while calls run: a new provider takes over at once, a broken edit changes nothing."""
import json
import subprocess
import time

from rig import main, wait_for


def test(rig):
    ports = {name: rig.mock(name, arguments=["--latency", "5"]) for name in ("old", "new")}
    config = rig.config({"old": (ports["old"], "")})
    with open(rig.path("stderr"), "w") as err:
        bench = subprocess.Popen([rig.bench, "chat", "-c", config, "--duration", "5", "--concurrency", "64", "--json"],
                                 stdout=subprocess.PIPE, stderr=err, text=True)
    complaints = lambda: open(rig.path("stderr")).read()
    wait_for("a thousand calls", lambda: len(rig.requests("old")) >= 1000)

    rig.config({"new": (ports["new"], "")})
    took = wait_for("a call at the new provider", lambda: rig.requests("new"), seconds=3)
    assert took < 1.0, f"the new provider's first call came after {took:.2f} s"
    wait_for("the end of calls at the old one", lambda: still(rig, "old"), seconds=3)

    before = len(rig.requests("new"))
    rig.write("weir.toml", '[llm]\ndefault_provider = "new"\n[llm.providers.new]\ntype = "generic"\n'
                           f'base_url = "http://127.0.0.1:{ports["new"]}/v1"\ntimeout = "soon"\nenabeld = true\n')
    wait_for("a warning", lambda: "refuses the new configuration" in complaints(), seconds=3)
    told = complaints()
    assert "weir.toml:6:11: llm.providers.new.timeout" in told, told
    assert "weir.toml:7:1: llm.providers.new.enabeld" in told, told
    assert told.count("refuses the new configuration") == 1, told
    wait_for("calls that go on", lambda: len(rig.requests("new")) > before + 500, seconds=3)

    out, _ = bench.communicate(timeout=60)
    seen = json.loads(out)
    assert seen["errors"] == 0, seen
    print(f"{seen['calls']} calls, 0 errors; the new provider's first call {took * 1000:.0f} ms after the edit; "
          "the broken edit was told with line and column and changed nothing")


def still(rig, name):
    """Whether a mock gets no more requests."""
    before = len(rig.requests(name))
    time.sleep(0.1)
    return len(rig.requests(name)) == before


if __name__ == "__main__":
    main(test)

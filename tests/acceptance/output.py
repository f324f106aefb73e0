"""What is printed arrives or the exit code says so; --json is one document, of failures too; words and tables are right."""
import json
import os
import pty
import signal
import socket
import subprocess

from rig import main, wait_for


def test(rig):
    port = rig.mock("m", plan='models = ["mock-model"]\nreply = "Atlantic Ocean."\n[[faults]]\nkind = "reset"\nrequests = "2-3"\n')
    config = rig.config({"p": (port, 'api_key = "sk-canary-0123456789"')}, "[llm.retry]\nmax_unknown_repeats = 0\n")
    rig.run("chat", "-c", config, "Which ocean?", expect=0)
    numbers_and_words(rig, config)
    lost_output(rig, config)
    one_document(rig, config)
    whole_rows(rig, config)
    each_attempt(rig)
    health_in_words(rig, config)
    watched_health(rig)


def numbers_and_words(rig, config):
    """One attempt is sent, two are: the sentence below the table says it as people do."""
    code, out, err = rig.run("chat", "-c", config, "-m", "mock-model", "--max-tokens", "10", "x")
    assert code == 1 and "attempt 1 at p: network" in err and out == "", (code, out, err)
    _, out, _ = rig.run("usage", "summary", "-c", config, expect=0)
    assert "1 attempt was sent, and what became of it is unknown; it may have cost up to 0.0" in out, out
    rig.run("chat", "-c", config, "--max-tokens", "10", "x", expect=1)
    _, out, _ = rig.run("usage", "summary", "-c", config, expect=0)
    assert "2 attempts were sent, and what became of them is unknown; they may have cost up to 0.0" in out, out
    _, out, _ = rig.run("usage", "records", "-c", config, expect=0)
    assert "up to 0.0" in out and "TOKENS IN" in out, out
    for question in ("summary", "records"):
        _, out, _ = rig.run("usage", question, "-c", config, "--until", "2001-01-01", expect=0)
        assert out == "no booked attempt fits\n", out
    _, _, err = rig.run("chat", "-c", config, "x", expect=0)
    assert err.startswith("mock-model by p: 1 token in, 4 out; 0.") and err.endswith(" ms, 1 attempt\n"), err


def lost_output(rig, config):
    """A full device, a reader that went away and a closed stream are all told, with exit code 1."""
    for arguments in (["usage", "summary"], ["usage", "summary", "--json"], ["usage", "records"],
                      ["usage", "records", "--json"], ["usage", "export"], ["config", "check"], ["config", "check", "--json"],
                      ["config", "show"], ["config", "show", "--json"], ["health"], ["health", "--json"],
                      ["health", "--watch", "--count", "2"], ["chat", "Which ocean?"], ["chat", "--json", "Which ocean?"]):
        for code, err in written_to_nowhere(rig, [*arguments, "-c", config]):
            assert code == 1 and "cannot write to standard output: " in err, (arguments, code, err)
            assert ("the reply is lost, but p answered" in err) == (arguments[0] == "chat"), (arguments, err)
            assert err.count("\n") == 1, (arguments, err)
    for arguments in (["--help"], ["--version"], ["usage", "--help"], ["mock"]):
        for code, err in written_to_nowhere(rig, arguments):
            assert code == 1 and "cannot write to standard output" in err, (arguments, code, err)
    # No file took the place of the closed stream: the books are whole.
    assert len(rig.records()) == 10, len(rig.records())
    # Where nobody can be told, at least nothing crashes.
    with open("/dev/full", "w") as full:
        for arguments in (["usage", "summary", "--dir", "/nowhere"], ["chat", "-c", config, "-m", "other", "x"]):
            assert subprocess.run([rig.weir, *arguments], stdout=subprocess.PIPE, stderr=full, timeout=120).returncode == 1


def written_to_nowhere(rig, arguments):
    """Exit code and standard error with a standard output that takes nothing, in three ways."""
    def run(command, out):
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True, timeout=120)
        return done.returncode, done.stderr

    with open("/dev/full", "w") as full:
        yield run([rig.weir, *arguments], full)
    reader, writer = os.pipe()
    os.close(reader)
    yield run([rig.weir, *arguments], writer)
    os.close(writer)
    yield run(["sh", "-c", '"$0" "$@" >&-', rig.weir, *arguments], None)


def one_document(rig, config):
    """`--json`: one line, one document, with `error.type` where something went wrong; people read standard error."""
    _, out, _ = rig.run("config", "check", "-c", config, "--json", expect=0)
    assert json.loads(out) == {"ok": True, "file": config, "error": None, "faults": []}, out
    _, out, err = rig.run("config", "show", "-c", config, "--json", expect=0)
    shown = json.loads(out)["llm"]
    assert shown["providers"]["p"]["api_key"] == "****6789" and "canary" not in out + err, out
    assert shown["providers"]["p"]["models"]["mock-model"]["pricing"]["input_price"] == "30", out
    assert shown["retry"]["max_unknown_repeats"] == 0 and shown["limits"]["max_in_flight"] == 2000, out
    target = rig.path("out.jsonl")
    _, out, _ = rig.run("usage", "export", "-c", config, "-o", target, "--format", "jsonl", "--json", expect=0)
    with open(target) as written:
        assert json.loads(out) == {"file": target, "records": len(list(written)), "format": "jsonl"}, out

    bad = rig.write("bad.toml", '[llm.providers.p]\ntype = "genric"\nbase_url = "http://127.0.0.1:1/v1"\n')
    code, out, err = rig.run("config", "check", "-c", bad, "--json")
    seen = json.loads(out)
    assert code == 2 and seen["ok"] is False and seen["file"] == bad and seen["error"]["type"] == "config", out
    fault = next(each for each in seen["faults"] if each["key"] == "llm.providers.p.type")
    assert (fault["file"], fault["line"], fault["column"]) == (bad, 2, 8) and "genric" in fault["message"], fault
    assert f"{bad}:2:8: llm.providers.p.type: " in err, err

    plan = rig.write("bad.plan", '[[faults]]\nkind = "refuse"\nrequests = "1-3"\n')
    for arguments, code, error in [
        (["chat", "-c", bad, "x"], 2, "config"),
        (["chat", "-c", config], 2, "invalid_request"),
        (["chat", "-c", config, "-m", "other", "x"], 1, "model_not_found"),
        (["chat", "-c", config, "--temperature", "nan", "x"], 2, "invalid_request"),
        (["health", "-c", bad], 2, "config"),
        (["config", "show", "-c", bad], 2, "config"),
        (["usage", "summary", "-c", bad], 2, "config"),
        (["usage", "summary", "-c", config, "--since", "someday"], 2, "invalid_request"),
        (["usage", "summary", "--dir", "/nowhere"], 1, "storage"),
        (["usage", "records", "--dir", "/nowhere"], 1, "storage"),
        (["usage", "export", "-c", config, "-o", "/nowhere/out.csv"], 1, "storage"),
        (["usage", "export", "-c", config], 2, "invalid_request"),
        (["mock", "--plan", plan], 2, "config"),
    ]:
        seen, out, err = rig.run(*arguments, "--json")
        assert seen == code and json.loads(out)["error"]["type"] == error, (arguments, seen, out, err)
        assert err and err != out, (arguments, err)
    assert f"{plan}:3:12: faults.requests" in err, err


def whole_rows(rig, config):
    """A row of a table is a line, however narrow the terminal is."""
    leader, follower = pty.openpty()
    done = subprocess.Popen([rig.weir, "usage", "records", "-c", config], stdout=follower, env={**os.environ, "COLUMNS": "40"})
    os.close(follower)
    text = read_terminal(leader)
    assert done.wait() == 0 and text.count(b"\n") == 1 + len(rig.records()), text


def each_attempt(rig):
    """`chat -v`: a row for each attempt, on standard error, and the bill below; the reply stays alone on standard output."""
    first = rig.mock("first", plan='models = ["mock-model"]\n[[faults]]\nkind = "status"\nstatus = 503\n')
    second = rig.mock("second", plan='models = ["mock-model"]\nreply = "Atlantic Ocean."\n')
    config = rig.config({"first": (first, ""), "second": (second, "")},
                        "[llm.retry]\nbase_delay = 1\n[llm.retry.server_error]\nmax_retries = 1\n", name="attempts.toml")
    _, out, err = rig.run("chat", "-v", "-c", config, "Which ocean?", expect=0)
    lines = err.splitlines()
    assert out == "Atlantic Ocean.\n" and len(lines) == 5, (out, err)
    assert lines[0].split() == "ATTEMPT PROVIDER MODEL WAITED MS TOOK MS STATUS OUTCOME HEDGE WHY".split(), err
    rows = [line.split() for line in lines[1:4]]
    assert [(row[0], row[1], row[6]) for row in rows] == [("1", "first", "server_error"), ("2", "first", "server_error"),
                                                          ("3", "second", "answered")], err
    assert [row[5] for row in rows[:2]] == ["503", "503"], err
    assert lines[4].startswith("mock-model by second: ") and lines[4].endswith(" ms, 3 attempts"), err
    _, out, err = rig.run("chat", "-v", "--json", "-c", config, "Which ocean?", expect=0)
    attempts = json.loads(out)["metadata"]["attempts"]
    assert len(attempts) == 3 and attempts[2]["hedge"] is False and len(err.splitlines()) == 5, (out, err)
    code, out, err = rig.run("chat", "-v", "-c", config, "-p", "first", "Which ocean?")
    assert code == 1 and out == "" and "no answer; " in err and "2 attempts\nweir: server_error" in err, (out, err)
    code, out, err = rig.run("chat", "-c", config, "--rescue", "again", "x")
    assert code == 2 and "'again' is not one of fail, buffer, restart, continue" in err + out, (out, err)
    for policy in ("fail", "buffer", "restart", "continue"):
        _, out, _ = rig.run("chat", "-c", config, "--stream", "--rescue", policy, "Which ocean?", expect=0)
        assert out == "Atlantic Ocean.\n", (policy, out)


def health_in_words(rig, config):
    """Modes, limits, keys and breakers have their places."""
    _, out, _ = rig.run("health", "-c", config, expect=0)
    assert out.startswith("mode: normal; 0 calls in flight\n") and "IN FLIGHT" in out and "KEYS RESTING" in out, out
    assert "no circuit breaker yet" not in out, out
    _, out, _ = rig.run("health", "-c", config, "--breakers", expect=0)
    assert "no circuit breaker yet" in out or "PROBED IN MS" in out, out
    _, out, _ = rig.run("health", "-c", config, "--json", expect=0)
    report = json.loads(out)
    assert report["mode"] == "normal" and report["refusing"] is None and report["alerts"] == [], out
    assert {"breakers", "keys", "concurrency_limit", "held_for_ms", "retry_tokens",
            "average_latency_ms"} <= set(report["providers"][0]), out


def watched_health(rig):
    """`health --watch`: a block or a line for each look, what changed, and an end on Ctrl-C."""
    port = rig.mock("watched", plan='models = ["mock-model"]\n')
    config = rig.config({"w": (port, "")}, name="watched.toml")
    _, out, _ = rig.run("health", "-c", config, "--watch", "--count", "2", "--interval", "100", expect=0)
    assert out.count("mode: normal") == 2 and "changed" not in out and "\x1b" not in out, out
    _, out, _ = rig.run("health", "-c", config, "--watch", "--count", "3", "--interval", "100", "--json", expect=0)
    assert [json.loads(line)["providers"][0]["reachable"] for line in out.splitlines()] == [True] * 3, out
    for arguments in (["--count", "2"], ["--interval", "1000"], ["--watch", "--interval", "99"], ["--watch", "--count", "0"]):
        code, _, err = rig.run("health", "-c", config, *arguments)
        assert code == 2, (arguments, err)

    log = rig.path("watch.out")
    with open(log, "w") as out:
        process = subprocess.Popen([rig.weir, "health", "-c", config, "--watch", "--interval", "100"], stdout=out)
    wait_for("a first look", lambda: "reachable" in open(log).read())
    rig.stop("watched")
    wait_for("a change", lambda: "w: reachable -> unreachable" in open(log).read())
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0, process.returncode

    # A provider that is silent does not hold up the end.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = rig.config({"s": (silent.getsockname()[1], "")}, name="silent.toml")
        process = subprocess.Popen([rig.weir, "health", "-c", config, "--watch"], stdout=subprocess.DEVNULL)
        connection, _ = silent.accept()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0, process.returncode
        connection.close()

    # A terminal is redrawn in place.
    leader, follower = pty.openpty()
    process = subprocess.Popen([rig.weir, "health", "-c", config, "--watch", "--no-probe", "--count", "2", "--interval", "100"],
                               stdout=follower)
    os.close(follower)
    text = read_terminal(leader)
    assert process.wait(timeout=30) == 0 and text.count(b"\x1b[H") == 2 and text.count(b"\x1b[J") == 2, text


def read_terminal(leader):
    """What was printed, to the end."""
    text = b""
    try:
        while piece := os.read(leader, 65536):
            text += piece
    except OSError:
        pass  # how a terminal ends
    os.close(leader)
    return text


if __name__ == "__main__":
    main(test)

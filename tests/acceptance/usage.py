"""The ledger's questions and its upkeep, as people and scripts use them: every form says the same, and nothing is half done."""
import csv
import io
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import fcntl
import time
from decimal import Decimal

from rig import main, wait_for


def test(rig):
    first = rig.mock("first", plan='models = ["mock-model"]\nreply = "Atlantic Ocean."\n')
    second = rig.mock("second", plan='models = ["mock-model"]\nreply = "Pacific."\n[[faults]]\nkind = "status"\nstatus = 400\nrequests = "2"\n')
    config = rig.config({"first": (first, ""), "second": (second, "")})
    for arguments in (["-p", "first", "--tag", "agent=planner"], ["-p", "first", "--tag", "agent=planner", "--stream"],
                      ["-p", "second", "--tag", "agent=writer", "--tag", "user==x"]):
        rig.run("chat", "-c", config, *arguments, "Which ocean?", expect=0)
    rig.run("chat", "-c", config, "-p", "second", "--tag", "agent=writer", "Which ocean?", expect=1)
    same_in_every_form(rig, config)
    groups_and_filters(rig, config)
    who_is_on_top(rig, config)
    rows_of_records(rig, config)
    exported(rig, config)
    watched(rig, config)
    wrong_words(rig, config)
    terminals(rig, config)
    kept_and_restored(rig, config)
    damaged(rig)
    cleaned(rig, config)


def usage(rig, config, *arguments, expect=0):
    return rig.run("usage", arguments[0], "-c", config, *arguments[1:], expect=expect)[1]


def as_json(rig, config, *arguments):
    return json.loads(usage(rig, config, *arguments, "--json"))


def as_csv(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def same_in_every_form(rig, config):
    """Table, JSON and CSV have the same figures; rollups have those of the rows."""
    seen = as_json(rig, config, "summary")
    lines = as_csv(usage(rig, config, "summary", "--format", "csv"))
    assert len(seen["summaries"]) == len(lines) == 2, (seen, lines)
    for one, line in zip(seen["summaries"], lines):
        for name, value in one.items():
            if isinstance(value, dict):  # money
                assert value.get("USD", "") == line[name], (name, value, line)
            else:
                assert line[name] == ("" if value is None else str(value)), (name, value, line)
        assert line["currency"] == "USD", line
    totals = seen["totals"]
    assert (totals["total_requests"], totals["successful_requests"], totals["failed_requests"]) == (4, 3, 1), totals
    assert Decimal(totals["total_cost"]["USD"]) == sum(Decimal(each["total_cost"]["USD"]) for each in seen["summaries"])
    assert "model_name" not in totals and totals["first_token_time_p50_ms"] is not None, totals
    table = usage(rig, config, "summary").splitlines()
    assert table[0].split() == ("PROVIDER MODEL ATTEMPTS FAILED TOKENS IN TOKENS OUT TOKENS COST MEAN MS P50 MS P99 MS "
                                "FIRST P50 FIRST P99").split(), table
    total = table[3].split()
    assert total[0] == "TOTAL" and total[1:3] == ["4", "1"] and total[6:8] == [totals["total_cost"]["USD"], "USD"], table
    for grouping in ("none", "status,error", "tag:agent", "tag:user,provider", "hour",
                     "provider,model,status,error,tag:agent,tag:nobody,day"):
        arguments = ["summary", "--group-by", grouping, "--since", "today"]
        assert as_json(rig, config, *arguments) == as_json(rig, config, *arguments, "--by-rows"), arguments


def groups_and_filters(rig, config):
    """Every group has its members, and the groups together are the whole."""
    seen = as_json(rig, config, "summary", "--group-by", "tag:agent,status")["summaries"]
    assert [(each["tags"], each["status"], each["total_requests"]) for each in seen] == [
        ({"agent": "planner"}, "succeeded", 2), ({"agent": "writer"}, "succeeded", 1), ({"agent": "writer"}, "failed", 1)], seen
    assert all("model_name" not in each and "period" not in each for each in seen), seen
    seen = as_json(rig, config, "summary", "--group-by", "day", "--time-zone", "Asia/Tokyo")["summaries"]
    assert seen[0]["period"].endswith("T15:00:00.000000Z"), seen
    assert as_json(rig, config, "summary", "--group-by", "error")["summaries"][1]["error_type"] == "invalid_request"
    for arguments, count in [(["--tag", "agent=planner"], 2), (["--status", "failed"], 1), (["--error", "invalid_request"], 1),
                             (["--provider", "second"], 2), (["--model", "none"], 0), (["--tag", "agent=writer", "--tag", "user==x"], 1),
                             (["--since", "1h"], 4), (["--until", "1h"], 0), (["--since", "this-month"], 4)]:
        assert as_json(rig, config, "summary", *arguments)["totals"]["total_requests"] == count, arguments
        assert len(json.loads(usage(rig, config, "records", "--json", *arguments))) == count, arguments
    assert usage(rig, config, "summary", "--group-by", "none").splitlines()[1].split()[0] == "TOTAL"


def who_is_on_top(rig, config):
    """Places, shares and what is left for the others."""
    seen = as_json(rig, config, "top", "--of", "provider", "-n", "1")
    ranking = seen["rankings"][0]
    assert seen["by"] == "cost" and ranking["currency"] == "USD" and ranking["others"] == 1, seen
    best = ranking["top"][0]
    assert best["rank"] == 1 and best["summary"]["provider_name"] == "first" and best["value"] == best["summary"]["total_cost"]["USD"], seen
    assert Decimal(best["value"]) + Decimal(ranking["others_value"]) == Decimal(ranking["total"]), seen
    assert abs(Decimal(best["value"]) / Decimal(ranking["total"]) * 100 - Decimal(str(best["share_percent"]))) <= Decimal("0.05"), seen
    table = usage(rig, config, "top", "--of", "tag:agent", "--by", "attempts").splitlines()
    assert [line.split() for line in table] == [["#", "AGENT", "ATTEMPTS", "SHARE"], ["1", "planner", "2", "50.0", "%"],
                                                ["2", "writer", "2", "50.0", "%"], ["TOTAL", "4", "100.0", "%"]], table
    assert "1 other" in usage(rig, config, "top", "--of", "provider", "-n", "1")
    assert usage(rig, config, "top", "--by", "errors", "--provider", "first") == "nothing to rank: no attempt that fits has any errors\n"


def rows_of_records(rig, config):
    """The last of them, oldest first; all of them in pieces."""
    code, out, err = rig.run("usage", "records", "-c", config, "--limit", "2")
    assert code == 0 and len(out.splitlines()) == 3 and err == "these are the last 2; --limit 0 shows all that fit\n", (out, err)
    assert "invalid_request" in out.splitlines()[2] and "agent=writer" in out, out
    whole = usage(rig, config, "records", "--limit", "0")
    assert whole == usage(rig, config, "records") and len(whole.splitlines()) == 5, whole
    points = {line.index(".", line.index("Z ") + 2) for line in whole.splitlines()[1:] if " USD" in line}
    assert len(points) == 1, whole
    lines = [json.loads(line) for line in usage(rig, config, "records", "--format", "jsonl", "--limit", "3").splitlines()]
    assert lines == rig.records()[1:], lines


def exported(rig, config):
    """CSV, JSON and JSON Lines hold the same; a file is replaced as a whole or not at all."""
    records = rig.records()
    for form, read in (("jsonl", lambda text: [json.loads(line) for line in text.splitlines()]), ("json", json.loads)):
        target = rig.path("out." + form)
        usage(rig, config, "export", "-o", target, "--format", form)
        with open(target) as written:
            assert read(written.read()) == records, form
    target = rig.path("usage.csv")
    with open(target, "w") as old:
        old.write("old")
    os.chmod(target, 0o640)
    usage(rig, config, "export", "-o", target)
    with open(target, newline="") as written:
        text = written.read()
    assert os.stat(target).st_mode & 0o777 == 0o640 and text.count("\r\n") == 5, text
    for record, line in zip(records, as_csv(text)):
        assert line["id"] == record["id"] and line["cost"] == (record["cost"] or ""), (record, line)
        assert line["tags"] == ";".join(f"{key}={value}" for key, value in record["tags"].items()), (record, line)
    link = rig.path("link.csv")
    os.symlink(target, link)
    usage(rig, config, "export", "-o", link, "--provider", "first")
    with open(target, newline="") as written:
        assert os.path.islink(link) and written.read().count("\r\n") == 3
    assert usage(rig, config, "export", "-o", "-") == usage(rig, config, "export") == text.replace("\r\n", "\n")
    for bad in ("/dev/full", rig.folder, rig.path("none/out.csv"), "/proc/out.csv"):
        code, _, err = rig.run("usage", "export", "-c", config, "-o", bad)
        assert code == 1 and bad in err, (bad, err)
    assert not any(".tmp-" in name for name in os.listdir(rig.folder)), os.listdir(rig.folder)


def watched(rig, config):
    """A line a look, an end by time or by Ctrl-C, and calls of another process that are seen."""
    lines = usage(rig, config, "watch", "--interval", "200ms", "--for", "500ms", "--json").splitlines()
    looks = [json.loads(line) for line in lines]
    assert 2 <= len(looks) <= 3 and looks[0]["last_hour"]["attempts"] == 4, lines
    assert looks[0]["last_hour"]["errors"] == {"invalid_request": 1} and looks[0]["last_minute"]["seconds"] == 60, lines
    cost = as_json(rig, config, "summary")["totals"]["total_cost"]
    assert looks[0]["last_hour"]["cost"] == cost, (looks, cost)
    text = usage(rig, config, "watch", "--for", "1ms")
    assert "last minute" in text and "errors of the last hour: 1 invalid_request" in text and "\x1b" not in text, text
    process = subprocess.Popen([rig.weir, "usage", "watch", "-c", config, "--json", "--interval", "100ms"], stdout=subprocess.PIPE, text=True)
    assert json.loads(process.stdout.readline())["last_hour"]["attempts"] == 4
    rig.run("chat", "-c", config, "-p", "first", "--tag", "agent=planner", "Which ocean?", expect=0)
    wait_for("the call", lambda: json.loads(process.stdout.readline())["last_hour"]["attempts"] == 5)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0, process.returncode
    process.stdout.close()


def wrong_words(rig, config):
    """Every wrong word is told with its option and with what was expected; exit code 2."""
    for arguments, words in [
        (["summary", "--since", "soon"], ["--since", "'soon'", "7d"]),
        (["summary", "--since", "today", "--until", "yesterday"], ["--since 20", "is after --until 20"]),
        (["summary", "--status", "good"], ["--status", "succeeded"]),
        (["summary", "--error", "bad"], ["--error", "rate_limit"]),
        (["summary", "--tag", "agent"], ["--tag", "KEY=VALUE"]),
        (["summary", "--group-by", "day,hour"], ["--group-by", "'hour'", "tag:KEY"]),
        (["summary", "--time-zone", "Mars/Base"], ["--time-zone", "Europe/Berlin"]),
        (["summary", "--format", "xml"], ["--format", "csv"]),
        (["top", "--by", "beauty"], ["--by", "cost"]),
        (["top", "--of", "none"], ["--of", "provider"]),
        (["top", "-n", "0"], ["--places"]),
        (["records", "--limit", "-1"], ["--limit"]),
        (["watch", "--interval", "1ms"], ["--interval", "100ms"]),
        (["watch", "--for", "long"], ["--for", "90d"]),
        (["cleanup", "--rows", "90"], ["--rows", "90d"]),
        (["cleanup", "--max-size", "big"], ["--max-size", "2GiB"]),
        (["cleanup", "--rows", "90d", "--rollups", "30d"], ["--rollups 30d", "--rows 90d"]),
        (["cleanup"], ["--rows", "[llm.ledger.retention]"]),
        (["backup"], ["folder"]),
        (["restore", "/nowhere"], ["--yes"]),
    ]:
        code, out, err = rig.run("usage", arguments[0], "-c", config, *arguments[1:], "--json")
        assert code == 2 and all(word in err for word in words), (arguments, code, err)
        assert json.loads(out)["error"]["type"] == "invalid_request", (arguments, out)


def on_terminal(command, columns, answer=None, **environment):
    """What a program draws on a terminal of that width, and its exit code."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    settings = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR", "LC_ALL", "LANG")}
    process = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower,
                               env={**settings, "TERM": "xterm", "LC_ALL": "C.UTF-8", **environment})
    os.close(follower)
    if answer is not None:
        os.write(leader, answer)
    text = b""
    try:
        while piece := os.read(leader, 65536):
            text += piece
    except OSError:
        pass  # how a terminal ends
    os.close(leader)
    return process.wait(timeout=60), text.decode()


def plain(text):
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text).replace("\r", "")


def terminals(rig, config):
    """Wide and narrow, with blocks and without: no line is broken in two, and nothing is drawn that cannot be shown."""
    for columns in (200, 80):
        for command in (["summary"], ["top", "--of", "provider"], ["records"], ["summary", "--group-by", "day,provider,model,tag:agent"]):
            code, text = on_terminal([rig.weir, "usage", *command, "-c", config], columns)
            lines = plain(text).splitlines()
            assert code == 0 and "\x1b[1m" in text, text
            if columns == 200 or command[0] == "top":
                assert max(map(len, lines)) <= columns and "no room" not in text, text
            print("\n".join(lines) + "\n")
    _, text = on_terminal([rig.weir, "usage", "summary", "-c", config], 80)
    assert "no room for " in text and "█" in text and "USD by hour" in text, text
    for environment in ({"TERM": "dumb"}, {"LC_ALL": "C"}):
        _, text = on_terminal([rig.weir, "usage", "summary", "-c", config], 200, **environment)
        assert text.isascii() and "by hour" not in text, text
    _, text = on_terminal([rig.weir, "usage", "summary", "-c", config], 200, NO_COLOR="1")
    assert "\x1b" not in text and "█" in text, text
    assert usage(rig, config, "summary").isascii()
    text = redrawn(rig, config)
    assert "attempts by minute" in text and "mock-model" in text, text
    print(plain(text))


def redrawn(rig, config):
    """The second picture of a watch in its terminal, which Ctrl-C ends."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 140, 0, 0))
    process = subprocess.Popen([rig.weir, "usage", "watch", "-c", config, "--interval", "100ms"], stdout=follower,
                               env={**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"})
    os.close(follower)
    text = b""
    while text.count(b"\x1b[H") < 3:
        text += os.read(leader, 65536)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0, process.returncode
    os.close(leader)
    return text.split(b"\x1b[H")[2].decode()


def kept_and_restored(rig, config):
    """A copy is sound and whole; putting it back needs a yes, and keeps what was there."""
    assert "all sound" in usage(rig, config, "verify")
    report = as_json(rig, config, "verify")
    assert report["ok"] is True and report["records"] == 5 and report["problems"] == [], report
    before = rig.records()
    copy = rig.path("copy")
    told = as_json(rig, config, "backup", copy)
    assert told["records"] == 5 and told["to"] == copy and told["bytes"] == os.path.getsize(os.path.join(copy, "data.mdb")), told
    assert rig.records("copy") == before
    code, _, err = rig.run("usage", "backup", "-c", config, copy)
    assert code == 1 and copy in err, err
    rig.run("chat", "-c", config, "-p", "first", "Which ocean?", expect=0)
    assert len(rig.records()) == 6
    code, text = on_terminal([rig.weir, "usage", "restore", "-c", config, copy], 100, answer=b"n\n")
    assert code == 1 and "[y/N]" in text and "nothing was changed" in text and len(rig.records()) == 6, text
    code, text = on_terminal([rig.weir, "usage", "restore", "-c", config, copy], 100, answer=b"y\n")
    assert code == 0 and "restored from" in text and rig.records() == before, text
    assert len(rig.records("usage.before-restore")) == 6
    code, _, err = rig.run("usage", "restore", "-c", config, copy, "--yes")
    assert code == 1 and "before-restore" in err, err
    code, _, err = rig.run("usage", "restore", "-c", config, rig.path("nothing"), "--yes")
    assert code == 1 and rig.records() == before, err


def damaged(rig):
    """Garbage in the file is told, and kills nobody but the one who looked."""
    file = os.path.join(rig.path("copy"), "data.mdb")
    with open(file, "r+b") as data:
        size = os.path.getsize(file)
        for page in range(2, size // 4096):
            data.seek(page * 4096)
            data.write(b"\xff" * 4096)
    code, out, err = rig.run("usage", "verify", "--dir", rig.path("copy"), "--json")
    assert code == 1, (code, out, err)
    assert json.loads(out).get("error", {"type": "storage"})["type"] == "storage", out


def cleaned(rig, config):
    """What is too old goes, and the sums stay."""
    totals = as_json(rig, config, "summary")["totals"]
    told = as_json(rig, config, "cleanup", "--rows", "1s", "--dry-run")
    assert told["rows"] == 5 and told["dry_run"] is True and len(rig.records()) == 5, told
    text = usage(rig, config, "cleanup", "--rows", "365d")
    assert "deleted 0 rows and 0 rollups; 5 rows are left" in text, text
    time.sleep(1)
    told = as_json(rig, config, "cleanup", "--rows", "1s")
    assert told["rows"] == 5 and told["rows_left"] == 0 and told["complete"] is True, told
    assert rig.records() == [] and as_json(rig, config, "verify")["ok"] is True
    assert as_json(rig, config, "summary")["totals"]["total_cost"] == totals["total_cost"]
    rig.run("chat", "-c", config, "-p", "first", "Which ocean?", expect=0)
    assert len(rig.records()) == 1


if __name__ == "__main__":
    main(test)

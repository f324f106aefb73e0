"""The program as its users meet it: replies, books, exit codes, complaints."""
import json
import os

from rig import main

REPLY = {"success", "content", "model", "usage", "finish_reason", "tool_calls", "error", "metadata"}
USAGE = {"prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens",
         "cost", "currency", "metering"}
SUMMARY = {"model_name", "provider_name", "total_requests", "successful_requests", "failed_requests",
           "total_prompt_tokens", "total_completion_tokens", "total_tokens", "total_cost", "average_response_time_ms",
           "first_request_time", "last_request_time"}


def test(rig):
    port = rig.mock("m", plan='models = ["mock-model"]\nreply = "Atlantic Ocean."\nprompt_tokens = 22\n'
                              "completion_tokens = 3\n")
    config = rig.config({"p": (port, 'api_key = "sk-canary-0123456789"')})

    # A call, and its books in another process: 22 * 30 / 10^6 + 3 * 60 / 10^6 = 0.00084
    _, out, err = rig.run("chat", "-c", config, "--json", "--tag", "agent=a1", "Which ocean?", expect=0)
    reply = json.loads(out)
    assert out.count("\n") == 1 and err == "", (out, err)
    assert REPLY <= set(reply) and USAGE <= set(reply["usage"]), reply
    assert reply["usage"]["cost"] == "0.00084" and reply["usage"]["currency"] == "USD", reply
    _, out, _ = rig.run("usage", "summary", "-c", config, "--json", expect=0)
    summary = json.loads(out)["summaries"][0]
    assert SUMMARY <= set(summary), summary
    assert summary["total_prompt_tokens"] == 22 and summary["total_completion_tokens"] == 3, summary
    assert summary["total_cost"] == {"USD": "0.00084"}, summary
    record = rig.records()[0]
    assert record["tags"] == {"agent": "a1"} and record["id"] == reply["metadata"]["attempts"][0]["id"], record

    # Requests from files and standard input.
    request = rig.write("request.json", json.dumps({"model": "mock-model", "messages": [{"role": "user", "content": "x"}]}))
    rig.run("chat", "-c", config, "--request", request, expect=0)
    rig.run("chat", "-c", config, "--request", "-", text=open(request).read(), expect=0)
    _, out, _ = rig.run("chat", "-c", config, "-", text="Which ocean?", expect=0)
    assert out == "Atlantic Ocean.\n", out

    # Wrong use is exit 2 and says where.
    for arguments, words in [
        (["chat", "-c", config], "PROMPT"),
        (["chat", "-c", rig.path("nowhere.toml"), "x"], "no such file"),
        (["chat", "-c", config, "--request", rig.write("bad.json", '{"messages":[{"role":"x"}]}')], "messages[0].role"),
        (["chat", "-c", config, "--tag", "novalue", "x"], "KEY=VALUE"),
        (["chat", "-c", config, "-m", "other", "x"], None),
        (["chat", "--bogus"], "--bogus"),
        (["usage", "summary", "-c", config, "--since", "someday"], "--since"),
        (["chat", "-c", config, "--temperature", "nan", "x"], "--temperature"),
        (["chat", "-c", config, "--temperature", "inf", "x"], "--temperature"),
        (["chat", "-c", config, "--temperature", "2.5", "x"], "from 0 to 2"),
        (["chat", "-c", config, "--timeout", "0", "x"], "1 to 86400000"),
        (["chat", "-c", config, "--timeout", "86400001", "x"], "1 to 86400000"),
        (["chat", "-c", config, "--max-tokens", "0", "x"], "--max-tokens"),
        (["chat", "-c", config, "--request", rig.folder], "cannot be read"),
        (["mock", "--port", "65536"], "0 to 65535"),
        (["usage", "summary", "-c", config, "--format", "xml"], "--format"),
        ([], "subcommand"),
    ]:
        code, out, err = rig.run(*arguments)
        assert code == (2 if words else 1), (arguments, code, out, err)
        assert words is None or words in err + out, (arguments, out, err)

    # What failed says its type; a ledger that is not there is no crash.
    code, out, _ = rig.run("chat", "-c", config, "-m", "other", "--json", "x")
    assert code == 1 and json.loads(out)["error"]["type"] == "model_not_found", out
    code, _, err = rig.run("usage", "summary", "--dir", rig.path("nowhere"))
    assert code == 1 and "storage" in err, err

    # Exports: a file appears whole or not at all.
    target = rig.path("out.csv")
    _, out, _ = rig.run("usage", "export", "-c", config, "-o", target, expect=0)
    assert out == f"{target}: {len(rig.records())} records written as csv\n", out
    assert open(target, newline="").read().count("\r\n") == 1 + len(rig.records())
    code, _, err = rig.run("usage", "export", "-c", config, "-o", "/nowhere/out.csv")
    assert code == 1 and "/nowhere/out.csv" in err, err
    code, _, err = rig.run("usage", "export", "-c", config, "-o", rig.folder)
    assert code == 1 and "no file that could be replaced" in err, err
    assert os.listdir(rig.folder).count("out.csv") == 1 and not any(".tmp-" in name for name in os.listdir(rig.folder))

    # Health, and secrets that stay secrets.
    rig.run("health", "-c", config, expect=0)
    _, out, _ = rig.run("health", "-c", config, "--json", expect=0)
    assert json.loads(out)["providers"][0]["reachable"] is True, out
    _, out, _ = rig.run("config", "show", "-c", config, expect=0)
    assert "canary" not in out and "****6789" in out, out
    _, _, err = rig.run("--log-level", "trace", "chat", "-c", config, "x", expect=0)
    assert "canary" not in err, err
    guarded = rig.config({"p": (rig.mock("guarded", plan='api_key = "right"\n'), 'api_key = "wrong"')}, name="guarded.toml")
    code, out, _ = rig.run("health", "-c", guarded)
    assert code == 1 and "refuses" in out and "auth at p" in out, out
    rig.stop("m")
    code, out, _ = rig.run("health", "-c", config)
    assert code == 1 and "unreachable" in out, out


if __name__ == "__main__":
    main(test)

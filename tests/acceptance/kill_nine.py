"""weir is killed under load, again and again, at any moment of its life: its books cover everything that the provider billed.

    kill_nine.py FOLDER_OF_PROGRAMS [--kills 200] [--seed N] [--durability relaxed]

With books that are kept relaxed it must fail.
"""
import argparse
import json
import os
import random
import signal
import subprocess
import time

from bill import Comparison, Price, acknowledged_wrongs, entries_of
from load import chat
from rig import Rig

PRICES = {"one": Price("2.5", "10", "0.1234567"), "two": Price("0.0375", "1.00000000001"),
          "claude": Price("3", "15.0000005", "0.3")}
MODELS = {"one": "m-chat", "two": "m-chat", "claude": "m-claude"}
PLAN = """models = []
latency = 2
jitter = 4
chunk_delay = 1
cached_tokens = 2
seed = 7
[[faults]]
kind = "status"
status = 503
probability = 0.04
[[faults]]
kind = "status"
status = 429
retry_after_ms = "4"
probability = 0.03
[[faults]]
kind = "reset"
after_bytes = 40
probability = 0.02
[[faults]]
kind = "cut_stream"
after_chunks = 2
probability = 0.03
[[faults]]
kind = "malformed_json"
probability = 0.01
[[faults]]
kind = "hang"
probability = 0.002
"""
SETTINGS = """[llm.retry]
base_delay = 3
max_delay = 10
[llm.retry.budget]
enabled = false
[llm.circuit_breaker]
min_calls = 1000000
"""
CALLERS = 24


def chats():
    """Whole and streamed, of two APIs, with failover, cancelled in the middle, and out of time."""
    words = ["How deep?", "Which ocean contains Bouvet Island, and how far is land?", "Was heißt das hier?"]
    made = [{"chat": chat(model, text, stream)} for text in words for model in ("m-chat", "m-claude") for stream in (False, True)]
    made += [{"chat": chat(model, words[1], True), "cancel_ms": 7} for model in ("m-chat", "m-claude")]
    made += [{"chat": chat("m-chat", words[0]), "timeout_ms": 5}]
    return made


def config(rig, port, durability):
    providers = ""
    for name, model in MODELS.items():
        providers += (f'[llm.providers.{name}]\ntype = "{"claude" if name == "claude" else "generic"}"\napi_key = "k"\n'
                      f'base_url = "http://127.0.0.1:{port}/{name}/v1"\ntimeout = 300\n'
                      f'[llm.providers.{name}.models.{model}]\nmax_tokens = 1000\n'
                      f'[llm.providers.{name}.models.{model}.pricing]\n{PRICES[name].lines()}')
    return rig.write("weir.toml", f'[llm]\ndefault_provider = "one"\nusage_data_dir = "{rig.path("usage")}"\n{SETTINGS}'
                                    f'[llm.ledger]\ndurability = "{durability}"\n{providers}')


class Victim:
    """A driver under load whose answers go to a file, so that they outlive it."""

    def __init__(self, rig, config, number):
        self.answers = rig.path(f"answers-{number}")
        self.errors = rig.path("driver.err")
        self.out = open(self.answers, "wb")
        self.process = subprocess.Popen([rig.driver_program, config], stdin=subprocess.PIPE, stdout=self.out,
                                        stderr=open(self.errors, "wb"), text=True)
        load = {"n": 1, "load": {"callers": CALLERS, "prefix": f"{number}-", "chats": chats()}}
        self.process.stdin.write(json.dumps(load) + "\n")
        self.process.stdin.flush()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        code = self.process.wait()
        with open(self.errors, "rb") as errors:
            assert code == -signal.SIGKILL, f"it had ended with {code}: {errors.read()[-2000:]}"
        self.process.stdin.close()
        self.out.close()

    def lines(self):
        """What its callers were told."""
        with open(self.answers, "rb") as answers:
            whole = answers.read().rpartition(b"\n")[0]
        return [json.loads(line) for line in whole.splitlines()]


def moment(dice):
    """When to kill: half of them in the first moments, where the books of the one before are closed."""
    return dice.uniform(0, 0.06) if dice.random() < 0.4 else dice.uniform(0, 0.6)


def end_cleanly(rig, config):
    """A last start closes what the last kill left open, and a call after it works."""
    with rig.driver(config) as driver:
        reply = driver.call("last-0 Hello", model="m-chat", tags={"call": "last-0"})["reply"]
        assert reply["metadata"]["attempts"], reply


def test(rig, kills, seed, durability):
    dice = random.Random(seed)
    port = rig.mock("mock", plan=PLAN, arguments=["--log-content"])
    file = config(rig, port, durability)
    begin, told = time.monotonic(), []
    for number in range(kills):
        victim = Victim(rig, file, number)
        time.sleep(moment(dice))
        victim.kill()
        told += victim.lines()
        os.unlink(victim.answers)
    took = time.monotonic() - begin
    end_cleanly(rig, file)
    rig.stop("mock")
    records = rig.records()
    seen = Comparison(entries_of(rig.log_lines("mock")), records, PRICES)
    print(f"{kills} kills in {took:.0f} s; {sum('call' in each for each in told)} calls were answered; {seen.words()}")
    seen.wrong += acknowledged_wrongs(told, records)
    seen.refuse()
    code, out, err = rig.run("usage", "verify", "--dir", rig.path("usage"), "--json")
    assert code == 0, f"the books are not sound: {out}{err}"
    assert json.loads(out)["open_intents"] == 0, out
    print(f"verified: {out.strip()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--durability", default="strict")
    given = parser.parse_args()
    print(f"seed {given.seed}")
    with Rig(given.folder) as rig:
        test(rig, given.kills, given.seed, given.durability)
    print("passed")

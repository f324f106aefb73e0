"""Runs weir's programs for the acceptance tests: mocks, configurations, replies, the ledger read back.

Knows the command line only: nothing here looks into the library.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time


class Rig:
    """A folder, the programs, and the mocks that run in it. Use as a context."""

    def __init__(self, bin_folder):
        self.weir = os.path.join(bin_folder, "weir")
        self.bench = os.path.join(bin_folder, "weir-bench")
        self.driver_program = os.path.join(bin_folder, "weir-driver")
        self.folder = tempfile.mkdtemp(prefix="weir-acceptance-")
        self.mocks = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for mock in list(self.mocks):
            self.stop(mock)
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        """Writes a file as careful editors do: beside it, then renamed."""
        with open(self.path(name + ".new"), "w") as out:
            out.write(text)
        os.rename(self.path(name + ".new"), self.path(name))
        return self.path(name)

    def mock(self, name, plan=None, arguments=()):
        """Starts a mock provider and returns its port."""
        command = [self.weir, "mock", "--port", "0", "--json", "--log", self.path(name + ".log"), *arguments]
        if plan is not None:
            command += ["--plan", self.write(name + ".plan", plan)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.mocks[name] = process
        return json.loads(process.stdout.readline())["port"]

    def stop(self, name, how=signal.SIGTERM):
        process = self.mocks.pop(name)
        process.send_signal(how)
        process.wait()
        process.stdout.close()

    def requests(self, name):
        """The requests in a mock's log."""
        return [each for each in self.log_lines(name) if "event" not in each]

    def closed_streams(self, name):
        """The streams in a mock's log whose clients left before the end."""
        return [each for each in self.log_lines(name) if each.get("event") == "closed"]

    def log_lines(self, name):
        """The lines of a mock's log."""
        try:
            with open(self.path(name + ".log")) as log:
                whole = log.read().rpartition("\n")[0]  # the last line may be half written
            return [json.loads(line) for line in whole.splitlines()]
        except FileNotFoundError:
            return []

    def config(self, providers, extra="", name="weir.toml", usage_folder="usage", model_lines=None, **llm):
        """Writes a configuration with these providers: {name: (port, further lines)}; `model_lines`: {name: those of its model}."""
        lines = ["[llm]", f'default_provider = "{next(iter(providers))}"', f'usage_data_dir = "{self.path(usage_folder)}"']
        lines += [f"{key} = {value}" for key, value in llm.items()]
        for provider, (port, more) in providers.items():
            lines += [f"[llm.providers.{provider}]", 'type = "generic"', f'base_url = "http://127.0.0.1:{port}/v1"', more,
                      f"[llm.providers.{provider}.models.mock-model]", "max_tokens = 1000",
                      (model_lines or {}).get(provider, ""),
                      f"[llm.providers.{provider}.models.mock-model.pricing]", 'currency = "USD"',
                      "input_price = 30.0", "output_price = 60.0"]
        return self.write(name, "\n".join(lines) + "\n" + extra)

    def run(self, *arguments, program=None, expect=None, text=None):
        """Runs weir; returns (exit code, standard output, standard error)."""
        done = subprocess.run([program or self.weir, *arguments], capture_output=True, text=True, input=text, timeout=120)
        if expect is not None:
            assert done.returncode == expect, f"{arguments}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.returncode, done.stdout, done.stderr

    def driver(self, config):
        """Starts one process that makes calls as told: a `Driver`."""
        return Driver(self.driver_program, config)

    def records(self, usage_folder="usage"):
        """Every record of the ledger."""
        _, out, _ = self.run("usage", "records", "--dir", self.path(usage_folder), "--format", "jsonl", expect=0)
        return [json.loads(line) for line in out.splitlines()]


class Driver:
    """weir in a process of its own that makes calls as told. Use as a context; its end stops weir."""

    def __init__(self, program, config):
        self.process = subprocess.Popen([program, config], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answers, self.news, self.last = {}, threading.Condition(), 0
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.wait(0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        code = self.process.wait(timeout=60)
        self.reader.join()
        self.process.stdout.close()
        assert code == 0, f"the driver ended with {code}"

    def read(self):
        for line in self.process.stdout:
            answer = json.loads(line)
            with self.news:
                self.answers[answer["n"]] = answer
                self.news.notify_all()
        with self.news:
            self.answers[None] = {}
            self.news.notify_all()

    def tell(self, **command):
        """Gives a command; returns its number, for `wait`."""
        self.last += 1
        self.process.stdin.write(json.dumps({"n": self.last, **command}) + "\n")
        self.process.stdin.flush()
        return self.last

    def wait(self, n, seconds=60):
        """The answer to a command."""
        with self.news:
            assert self.news.wait_for(lambda: n in self.answers or None in self.answers, seconds), f"no answer to {n}"
            assert n in self.answers, "the driver has ended"
            answer = self.answers.pop(n)
        assert "error" not in answer and "lost" not in answer, answer
        return answer

    def begin(self, text="Hello there", model="mock-model", stream=False, max_tokens=200, **more):
        """Begins a call; returns its number. `more`: provider, rescue, timeout_ms."""
        chat = {"model": model, "max_tokens": max_tokens, "stream": stream, "messages": [{"role": "user", "content": text}]}
        return self.tell(chat=chat, **more)

    def call(self, *arguments, **more):
        """Makes a call and waits for its answer: {reply, shown, deltas, restarts, first_us, ms}."""
        begin = time.monotonic()
        answer = self.wait(self.begin(*arguments, **more))
        return {**answer, "ms": (time.monotonic() - begin) * 1000}

    def ask(self, what, value=True):
        """The answer to `health`, `usage` or `process`."""
        return self.wait(self.tell(**{what: value}))[what]


def attempts_of(answer):
    """How often each provider was asked in a call, in the order of the first time."""
    counts = {}
    for each in answer["reply"]["metadata"]["attempts"]:
        counts[each["provider"]] = counts.get(each["provider"], 0) + 1
    return counts


def wait_for(what, condition, seconds=10.0):
    """Waits until a condition holds and returns how long it took."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.005)
    return time.monotonic() - begin


def main(test):
    """Runs a test with the folder of programs that the command line names."""
    with Rig(sys.argv[1]) as rig:
        test(rig)
    print("passed")

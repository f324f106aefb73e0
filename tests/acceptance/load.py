"""A driver under load: callers that call one time after the other, and what they are told, with the time of it.

Knows the driver's command `load`; no provider and no fault.
"""
import json
import subprocess
import threading
import time


def chat(model, words, stream=False, max_tokens=64):
    return {"model": model, "max_tokens": max_tokens, "stream": stream, "messages": [{"role": "user", "content": words}]}


class Load:
    """weir in a process of its own with callers. Use as a context; its end stops the callers, then weir."""

    def __init__(self, rig, config, callers, chats, prefix="", calls=0):
        self.process = subprocess.Popen([rig.driver_program, config], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=open(rig.path("driver.err"), "a"), text=True)
        self.told, self.replies, self.ended_at, self.last = [], {}, {}, 2  # what callers were told: (time, answer)
        self.ended, self.news = False, threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.tell(n=1, load={"callers": callers, "calls": calls, "prefix": prefix, "chats": chats})

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            return self.process.kill()
        self.tell(n=2, unload=1)
        self.wait_for("the end of the callers", lambda: self.ended, 60)
        self.process.stdin.close()
        assert self.process.wait(timeout=60) == 0, f"the driver ended with {self.process.returncode}"
        self.reader.join()

    def tell(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def read(self):
        for line in self.process.stdout:
            answer = json.loads(line)
            with self.news:
                if "call" in answer:
                    self.told.append((time.monotonic(), answer))
                elif "reply" in answer:
                    self.ended_at[answer["n"]] = time.monotonic()
                    self.replies[answer["n"]] = answer["reply"]
                self.ended |= "ended" in answer
                self.news.notify_all()

    def wait_for(self, what, condition, seconds):
        """Waits for an answer that makes a condition true; returns how long it took."""
        begin = time.monotonic()
        with self.news:
            assert self.news.wait_for(condition, seconds), f"not within {seconds} s: {what}"
        return time.monotonic() - begin

    def begin(self, name, model):
        """Begins a call beside the callers, with a name as theirs have; returns its number."""
        self.last += 1
        self.tell(n=self.last, chat=chat(model, f"{name} Hello"), tags={"call": name})
        return self.last

    def reply(self, number, seconds):
        """The reply of a call that was begun."""
        self.wait_for(f"the end of the call {number}", lambda: number in self.replies, seconds)
        return self.replies[number]

    def next(self, what, fits, seconds):
        """Waits for an answer that comes from now on and fits; returns how long it took."""
        with self.news:
            at = len(self.told)

        def there():
            nonlocal at
            while at < len(self.told):
                at += 1
                if fits(self.told[at - 1][1]):
                    return True
            return False
        return self.wait_for(what, there, seconds)

    def answers(self):
        with self.news:
            return [answer for _, answer in self.told]

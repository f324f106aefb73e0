"""The race for a connection that is used again: the server closes it as weir writes, or reads the request and dies.

Nobody can tell the two apart from the client's side. So what was repeated, and what it cost, must stand in the books, and
nothing may be repeated that the policy does not allow.
"""
import json
import os
import re
import socket
import threading
from collections import Counter

from rig import main

RACES = int(os.environ.get("WEIR_RACES", 300))


class Server:
    """A provider that serves the first request of each connection and plays the race with the second."""

    def __init__(self, dies_after_reading, by_reset):
        self.dies_after_reading, self.by_reset = dies_after_reading, by_reset
        self.executed, self.faults = Counter(), 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        with peer:
            request = self.read(peer)
            if request is None:
                return
            self.execute(request)
            peer.sendall(reply())
            if self.dies_after_reading:
                request = self.read(peer)
                if request is None:
                    return
                self.execute(request)
            elif not peer.recv(1, socket.MSG_PEEK):  # weir has begun to write, and nothing of it is read
                return
            self.faults += 1
            if self.by_reset:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                return
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(65536):
                pass

    def read(self, peer):
        """A whole request; None where the connection ended."""
        data = b""
        try:
            while b"\r\n\r\n" not in data:
                data += peer.recv(65536) or stop()
            head, _, body = data.partition(b"\r\n\r\n")
            length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
            while len(body) < length:
                body += peer.recv(65536) or stop()
        except (ConnectionError, StopIteration):
            return None
        return json.loads(body)

    def execute(self, request):
        self.executed[request["messages"][-1]["content"]] += 1


def stop():
    raise StopIteration


def reply():
    body = json.dumps({"id": "x", "object": "chat.completion", "created": 1, "model": "mock-model",
                       "choices": [{"index": 0, "message": {"role": "assistant", "content": "Done."}, "finish_reason": "stop"}],
                       "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}})
    return (f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()


def race(rig, dies_after_reading, by_reset, repeats):
    """Calls until so many races were run; what became of them."""
    server = Server(dies_after_reading, by_reset)
    folder = f"usage-{dies_after_reading}-{by_reset}-{repeats}"
    config = rig.config({"p": (server.port, "")}, f"""[llm.retry]
base_delay = 1
jitter = false
max_unknown_repeats = {repeats}
[llm.retry.budget]
enabled = false
[llm.circuit_breaker]
min_calls = 1000000
""", usage_folder=folder)
    answers = {}
    with rig.driver(config) as driver:
        for n in range(10 * RACES):
            if server.faults >= RACES:
                break
            answers[f"call {n}"] = driver.call(f"call {n}")
    server.socket.close()
    booked = {}
    for record in rig.records(folder):
        booked.setdefault(record["call_id"], []).append(record["state"])
    return server, answers, booked


def test(rig):
    print(f"{'what the server does':<28} {'repeats':>7} {'calls':>6} {'races':>6} {'repeated':>8} {'answered':>8} "
          f"{'run twice':>9}  booked")
    for dies_after_reading in (False, True):
        for by_reset in (False, True):
            for repeats in (0, 1):
                row(rig, dies_after_reading, by_reset, repeats)


def row(rig, dies_after_reading, by_reset, repeats):
    server, answers, booked = race(rig, dies_after_reading, by_reset, repeats)
    tries = {text: len(each["reply"]["metadata"]["attempts"]) for text, each in answers.items()}
    answered = sum(each["reply"]["success"] for each in answers.values())
    repeated = sum(count - 1 for count in tries.values())
    twice = sum(count > 1 for count in server.executed.values())
    states = Counter(state for each in booked.values() for state in each)
    name = ("reads and dies, by " if dies_after_reading else "closes as we write, by ") + ("RST" if by_reset else "FIN")
    print(f"{name:<28} {repeats:>7} {len(answers):>6} {server.faults:>6} {repeated:>8} {answered:>8} {twice:>9}  "
          + ", ".join(f"{count} {state}" for state, count in sorted(states.items())))

    assert server.faults >= RACES, "the race was not run"
    assert repeated == (server.faults if repeats else 0), (repeated, server.faults)
    assert answered == len(answers) - (0 if repeats else server.faults)
    assert max(tries.values()) <= 1 + repeats
    assert twice == (server.faults if repeats and dies_after_reading else 0), "run twice without leave"
    assert states == Counter(settled=answered, unknown=server.faults), states
    for text, each in answers.items():
        mine = booked[each["reply"]["metadata"]["call_id"]]
        assert len(mine) == tries[text], f"{text}: {tries[text]} attempts, {mine} in the books"
        assert server.executed[text] <= len(mine), f"{text} was run {server.executed[text]} times, and booked as {mine}"
        if not each["reply"]["success"]:
            assert each["reply"]["error"]["type"] == "network" and mine == ["unknown"], each["reply"]["error"]


if __name__ == "__main__":
    main(test)

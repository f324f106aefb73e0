"""The disk fills up under load and is freed again, at random moments: nothing that was told is lost, calls are refused and
not hung meanwhile, and service resumes by itself.

    disk_full.py FOLDER_OF_PROGRAMS [--times 10] [--seed N]
"""
import argparse
import os
import random
import subprocess
import sys
import time

from bill import Comparison, Price, acknowledged_wrongs, entries_of
from load import Load, chat
from rig import Rig

PRICES = {"one": Price("2.5", "10", "0.1234567")}
LATEST = 5.0  # seconds until a call is answered again
REFUSALS = ("read_only", "storage", "overloaded")
DISK = "192m"


def has_own_mounts():
    """Whether this process may mount what nobody else sees; else it is started again so, or the test is skipped."""
    if os.environ.get("WEIR_OWN_MOUNTS"):
        return True
    tried = subprocess.run(["unshare", "-m", "--propagation", "private", "true"], capture_output=True)
    if tried.returncode != 0:
        return False
    os.environ["WEIR_OWN_MOUNTS"] = "1"
    os.execvp("unshare", ["unshare", "-m", "--propagation", "private", sys.executable, *sys.argv])


class Disk:
    """A small file system, and a file that fills it."""

    def __init__(self, path):
        self.path, self.filler = path, os.path.join(path, "filler")
        os.makedirs(path)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", path], check=True)

    def fill(self, left):
        """Takes all space but so many bytes."""
        file, piece = os.open(self.filler, os.O_WRONLY | os.O_CREAT, 0o600), 1 << 22
        while piece >= 4096:
            try:
                if os.write(file, bytes(piece)) < piece:
                    piece //= 2
            except OSError:
                piece //= 2
        os.ftruncate(file, max(0, os.lseek(file, 0, os.SEEK_CUR) - left))
        os.close(file)

    def free(self):
        os.unlink(self.filler)


def config(rig, port, folder):
    return rig.write("weir.toml", f"""[llm]
default_provider = "one"
usage_data_dir = "{folder}"
[llm.ledger]
map_bytes = "64MiB"
[llm.circuit_breaker]
min_calls = 1000000
[llm.providers.one]
type = "generic"
base_url = "http://127.0.0.1:{port}/one/v1"
[llm.providers.one.models.m-chat]
max_tokens = 1000
[llm.providers.one.models.m-chat.pricing]
{PRICES["one"].lines()}""")


class Trial:
    """The disk is filled once, and freed. `noticed`: how long it took until a call was refused; `refused`: how many were, and
    `slowest`: how long the slowest of them took; `resumed`: how long it took until one was answered again."""

    def __init__(self, load, disk, dice, number):
        self.load, self.number, self.begun = load, number, {}  # {call: when}
        time.sleep(dice.uniform(0, 0.3))
        disk.fill(dice.choice([0, 0, dice.randrange(1 << 18)]))
        # Pages that are free within the file still take some records. A call that was answered a moment before waits for its
        # record, so calls are begun beside each other.
        self.noticed = self.call_until(20, self.refusals)
        until = time.monotonic() + dice.uniform(0.05, 1.5)
        self.call_until(2, lambda: time.monotonic() > until)
        full = list(self.begun)
        disk.free()
        self.resumed = self.resume()
        for each in self.begun:
            load.reply(each, LATEST)
        refusals = self.refusals(full)
        self.refused, self.slowest = len(refusals), max(load.ended_at[each] - self.begun[each] for each in refusals)
        assert self.slowest < 1, f"a call was refused only after {self.slowest:.1f} s"
        errors = {load.replies[each]["error"]["type"] for each in refusals}
        assert errors <= set(REFUSALS), errors

    def begin(self):
        number = self.load.begin(f"t{self.number}-{len(self.begun)}", "m-chat")
        self.begun[number] = time.monotonic()
        return number

    def refusals(self, among=None):
        replies = self.load.replies
        return [each for each in (self.begun if among is None else among) if each in replies and not replies[each]["success"]]

    def call_until(self, seconds, there):
        begin = time.monotonic()
        while not there():
            assert time.monotonic() - begin < seconds, f"nobody was refused on a full disk for {seconds} s"
            self.begin()
            time.sleep(0.02)
        return time.monotonic() - begin

    def resume(self):
        begin = time.monotonic()
        while not self.load.reply(self.begin(), LATEST)["success"]:
            assert time.monotonic() - begin < LATEST, f"no call was answered for {LATEST} s after the disk was freed"
            time.sleep(0.01)
        return time.monotonic() - begin


def test(rig, times, seed):
    dice = random.Random(seed)
    disk = Disk(rig.path("disk"))
    try:
        port = rig.mock("mock", plan="models = []\nlatency = 2\njitter = 3\ncached_tokens = 2\n", arguments=["--log-content"])
        folder = os.path.join(disk.path, "usage")
        file = config(rig, port, folder)
        chats = [{"chat": chat("m-chat", "Which ocean contains Bouvet Island?", stream)} for stream in (False, True)]
        with Load(rig, file, 16, chats, "d-") as load:
            load.next("a first answer", lambda each: each["success"], 10)
            seen = [Trial(load, disk, dice, number) for number in range(times)]
        rig.stop("mock")
        records, told = rig.records(folder), load.answers()
        compared = Comparison(entries_of(rig.log_lines("mock")), records, PRICES)
        compared.wrong += acknowledged_wrongs(told, records)
        print(f"full {times} times: refused after {max(each.noticed for each in seen) * 1000:.0f} ms at most, resumed by itself after "
              f"{max(each.resumed for each in seen) * 1000:.0f} ms at most; {sum(each.refused for each in seen)} calls refused "
              f"meanwhile, the slowest after {max(each.slowest for each in seen) * 1000:.0f} ms; {len(told)} ended beside them; {compared.words()}")
        compared.refuse()
        code, out, err = rig.run("usage", "verify", "--dir", folder, "--json")
        assert code == 0, f"the books are not sound: {out}{err}"
    finally:
        subprocess.run(["umount", "-l", disk.path], check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    given = parser.parse_args()
    if not has_own_mounts():
        print("this system lets nobody mount a small disk: skipped")
        sys.exit(77)
    print(f"seed {given.seed}")
    with Rig(given.folder) as rig:
        test(rig, given.times, given.seed)
    print("passed")

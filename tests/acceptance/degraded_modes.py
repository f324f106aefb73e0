"""What works in the degraded modes: offline opens no socket, read_only writes nothing, and both end as they began."""
import os
import socket
import threading

from rig import main, wait_for


class Door:
    """Counts the connections that it is offered, and serves none."""

    def __init__(self):
        self.socket, self.knocks = socket.create_server(("127.0.0.1", 0)), 0
        threading.Thread(target=self.open, daemon=True).start()

    def open(self):
        while True:
            peer, _ = self.socket.accept()
            self.knocks += 1
            peer.close()


def refused(driver, error, stream=False):
    reply = driver.call(stream=stream)["reply"]
    assert not reply["success"] and reply["error"]["type"] == error, reply
    assert reply["metadata"]["attempts"] == [], reply


def answered(driver):
    reply = driver.call()["reply"]
    assert reply["success"], reply


def in_mode(driver, mode):
    """Waits until weir says that it is in a mode."""
    return wait_for(f"the mode {mode}", lambda: driver.ask("health", False)["mode"] == mode, 5)


def summed_up(driver):
    return driver.ask("usage")["totals"]["total_requests"]


def offline_from_the_start(rig):
    door = Door()
    config = rig.config({"p": (door.socket.getsockname()[1], "")}, name="offline.toml", usage_folder="offline", mode='"offline"')
    with rig.driver(config) as driver:
        for stream in (False, True):
            refused(driver, "offline", stream)
        probed = driver.ask("health", True)
        assert probed["mode"] == "offline" and probed["providers"][0]["name"] == "p", probed
        assert summed_up(driver) == 0
    assert door.knocks == 0, f"{door.knocks} connections were opened offline"
    print("offline from the start: calls, streams and an active probe opened 0 connections; health and usage are told")


def by_command(rig, driver):
    answered(driver)
    before, sockets = len(rig.requests("mock")), driver.ask("process")["sockets"]
    driver.wait(driver.tell(mode="offline"))
    in_mode(driver, "offline")
    for n in range(20):
        refused(driver, "offline", stream=n % 2 == 0)
    driver.ask("health", True)
    assert len(rig.requests("mock")) == before, "a request was sent offline"
    assert driver.ask("process")["sockets"] <= sockets, "a socket was opened offline"
    assert summed_up(driver) == before
    driver.wait(driver.tell(mode="normal"))
    in_mode(driver, "normal")
    answered(driver)
    print(f"offline by command: 20 calls refused, 0 requests; back to normal, answered after {before} call(s)")


def ledger_of(rig):
    """The beginning of the ledger's file, which every commit changes, and when it was written to."""
    file = os.path.join(rig.path("usage"), "data.mdb")
    with open(file, "rb") as ledger:
        return ledger.read(1 << 20), os.stat(file).st_mtime_ns


def read_only(rig, driver):
    driver.ask("usage")  # everything is durable then
    driver.wait(driver.tell(mode="read_only"))
    in_mode(driver, "read_only")
    before = ledger_of(rig)
    requests = len(rig.requests("mock"))
    for n in range(20):
        refused(driver, "read_only", stream=n % 2 == 0)
    assert summed_up(driver) == requests == len(rig.requests("mock")), "the books are not readable, or a request was sent"
    assert ledger_of(rig) == before, "the ledger was written to"
    driver.wait(driver.tell(mode="normal"))
    in_mode(driver, "normal")
    answered(driver)
    print("read_only by command: 20 calls refused, the ledger's file unchanged, its questions answered")


def by_reload(rig, driver, write):
    before = len(rig.requests("mock"))
    write(mode='"offline"')
    there = in_mode(driver, "offline")
    refused(driver, "offline")
    assert len(rig.requests("mock")) == before
    write()
    back = in_mode(driver, "normal")
    answered(driver)
    print(f"offline by reload: refused {there * 1000:.0f} ms after the edit, answered {back * 1000:.0f} ms after the next")


def test(rig):
    offline_from_the_start(rig)
    port = rig.mock("mock")
    write = lambda **llm: rig.config({"p": (port, "")}, **llm)
    with rig.driver(write()) as driver:
        by_command(rig, driver)
        read_only(rig, driver)
        by_reload(rig, driver, write)


if __name__ == "__main__":
    main(test)

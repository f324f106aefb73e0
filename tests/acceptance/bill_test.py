"""The comparison of books and bill finds every fault that is planted, and none where there is none."""
from bill import Comparison, Price, acknowledged_wrongs, entries_of, picos

PRICES = {"one": Price("2.5", "10.0000005", "0.1234567")}


def line(n, call, **more):
    return {"n": n, "path": "/one/v1/chat/completions", "status": 200, "prompt_tokens": 21, "completion_tokens": 7,
            "cached_tokens": 2, "billed": True, "content": f"{call} Hello", **more}


def row(id, call, state="settled", request=None, **more):
    settled = state == "settled"
    made = {"id": id, "provider_name": "one", "request_id": f"req_mock_{request}" if request else "", "state": state,
            "success": settled, "prompt_tokens": 21 if settled else 0, "completion_tokens": 7 if settled else 0,
            "cost": "0.000117746917" if settled else None, "cost_limit": "0.000117746917" if state == "unknown" else None,
            "tags": {"call": call}}
    return {**made, **more}


def good():
    """An answer, a refusal and its retry, an answer that nobody saw, a stream that was cut, and a port that was closed."""
    log = [line(1, "a"), line(2, "b", status=503, billed=False), line(3, "b"), line(4, "c"), line(5, "d", billed=False),
           {"n": 5, "event": "closed", "chunks": 2}]
    rows = [row("A", "a", request=1), row("B1", "b", request=2, success=False, cost="0", prompt_tokens=0, completion_tokens=0),
            row("B2", "b", request=3), row("C", "c", "unknown"), row("D", "d", "unknown", request=5), row("E", "e", "void")]
    return log, rows


def wrongs(change):
    log, rows = good()
    change(log, rows)
    return Comparison(entries_of(log), rows, PRICES).wrong


def with_row(number, **more):
    return lambda log, rows: rows.__setitem__(number, {**rows[number], **more})


FAULTS = {
    "an answer that is not in the books": lambda log, rows: rows.pop(0),
    "a refusal that is not in the books": lambda log, rows: rows.pop(1),
    "an answer that nobody saw, and no row": lambda log, rows: rows.pop(3),
    "two such answers and one row": lambda log, rows: log.insert(4, line(9, "c")),
    "a row twice": lambda log, rows: rows.append(rows[0]),
    "two rows of one request": lambda log, rows: rows.append({**rows[0], "id": "A2"}),
    "a token more": with_row(0, prompt_tokens=22),
    "a cost of 10^-12 more": with_row(0, cost="0.000117746918"),
    "a cost of 10^-12 less": with_row(0, cost="0.000117746916"),
    "a bound of 10^-12 less": with_row(3, cost_limit="0.000117746916"),
    "no bound": with_row(3, cost_limit=None),
    "a bound of 10^-12 less, of a stream that was cut": with_row(4, cost_limit="0.000117746916"),
    "void, though it was asked": with_row(0, state="void", cost=None),
    "an intent that is open": with_row(0, state="intent", cost=None),
    "a refusal that costs": with_row(1, cost="0.000000000001"),
    "a refusal as a success": with_row(1, success=True),
    "a stream that was cut as settled": with_row(4, state="settled", cost="0.000117746917"),
    "a success that nobody billed": lambda log, rows: rows.append(row("F", "f", request=77)),
    "a cost without a request": lambda log, rows: rows.append(row("F", "f")),
    "a row of another call": with_row(3, tags={"call": "x"}),
}
TOLD = [{"call": "a", "attempts": [["A", "one", "none"]]},
        {"call": "b", "attempts": [["B1", "one", "server_error"], ["B2", "one", "none"]]},
        {"call": "e", "attempts": [["E", "one", "network"]]}]


def main():
    assert PRICES["one"].of(line(1, "a")) == picos("0.000117746917")
    assert wrongs(lambda log, rows: None) == []
    for name, fault in FAULTS.items():
        assert wrongs(fault), f"not seen: {name}"
    rows = good()[1]
    assert list(acknowledged_wrongs(TOLD, rows)) == []
    assert list(acknowledged_wrongs(TOLD, rows[1:])), "an answer that was told and is not in the books"
    assert list(acknowledged_wrongs(TOLD, rows[:1] + rows[2:])), "a refusal that was told and is not in the books"
    assert not list(acknowledged_wrongs(TOLD, rows[:-1])), "what never reached the provider"
    assert list(acknowledged_wrongs(TOLD, [{**rows[0], "state": "unknown", "success": False}, *rows[1:]]))
    print(f"{len(FAULTS) + 3} faults of books are found")


if __name__ == "__main__":
    main()

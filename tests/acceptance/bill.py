"""Holds the books against the mock's own bill, request by request, in whole numbers.

Knows the mock's log and the ledger's records as JSON; no program and no fault.
"""
import json
from collections import Counter, defaultdict
from decimal import Decimal, localcontext

PICOS = 12


def picos(text):
    """An amount as a count of 10^-12; nothing stays nothing."""
    if text is None:
        return None
    with localcontext() as exact:
        exact.prec = 60
        scaled = Decimal(text).scaleb(PICOS)
        assert scaled == int(scaled), f"{text} has more than twelve decimals"
        return int(scaled)


class Price:
    """Prices per million tokens, as decimals."""

    def __init__(self, given, taken, cached=None):
        self.given, self.taken = picos(given), picos(taken)
        self.cached = self.given if cached is None else picos(cached)

    def of(self, entry):
        """What a request costs, in 10^-12: summed up exactly, rounded once, half to even."""
        cached = entry["cached_tokens"] or 0
        whole, rest = divmod((entry["prompt_tokens"] - cached) * self.given + cached * self.cached
                             + entry["completion_tokens"] * self.taken, 10 ** 6)
        return whole + (2 * rest > 10 ** 6 or (2 * rest == 10 ** 6 and whole % 2))

    def lines(self, currency="USD"):
        """As a configuration has them."""
        as_text = lambda amount: format(Decimal(amount).scaleb(-PICOS), "f")
        return (f'currency = "{currency}"\ninput_price = {as_text(self.given)}\noutput_price = {as_text(self.taken)}\n'
                f'cached_input_price = {as_text(self.cached)}\n')


def entries_of(log_lines):
    """The bill: each request that the mock read, with its provider (the first folder of its path), its call (the first word
    that the user said), and whether it was answered by something that may be charged."""
    entries = []
    for line in log_lines:
        if "event" not in line:
            entries.append({**line, "provider": line["path"].split("/")[1], "call": line["content"].split(" ")[0],
                            "request_id": f"req_mock_{line['n']}", "begun": line["status"] == 200})
    return entries


class Comparison:
    """What differs between the books and a bill. `prices`: {provider: Price}."""

    def __init__(self, entries, records, prices):
        self.entries, self.records, self.prices, self.wrong = entries, records, prices, []
        self.matched = Counter()
        self.no_row_twice()
        self.match()
        self.sum_up()

    def blame(self, what, thing):
        self.wrong.append(f"{what}: {json.dumps(thing)}")

    def no_row_twice(self):
        for id, count in Counter(each["id"] for each in self.records).items():
            if count != 1:
                self.blame("booked twice", id)
        answered = Counter((each["provider_name"], each["request_id"]) for each in self.records if each["request_id"])
        for key, count in answered.items():
            if count != 1:
                self.blame("one request of the provider's in several rows", key)

    def match(self):
        """Each request has a row of its own: that with its id, or one of the same call whose fate is unknown."""
        by_request = {(each["provider_name"], each["request_id"]): each for each in self.records if each["request_id"]}
        nameless = defaultdict(list)
        for each in self.records:
            if not each["request_id"] and each["state"] == "unknown":
                nameless[each["provider_name"], each["tags"].get("call")].append(each)
        for entry in self.entries:
            row = by_request.pop((entry["provider"], entry["request_id"]), None)
            others = nameless[entry["provider"], entry["call"]]
            if row is None and not others:
                self.blame("not in the books", entry)
                continue
            self.check(entry, others.pop() if row is None else row)
        for row in by_request.values():
            if row["state"] != "unknown":
                self.blame("booked, and never asked of the provider", row)
        for row in self.records:
            if not row["request_id"] and row["state"] == "settled" and picos(row["cost"]) != 0:
                self.blame("settled without a request of the provider's", row)

    def check(self, entry, row):
        self.matched[row["state"]] += 1
        price = self.prices[entry["provider"]].of(entry) if entry["begun"] else 0
        if row["state"] == "unknown":
            if row["cost_limit"] is None or picos(row["cost_limit"]) < price:
                self.blame(f"unknown with a bound below the price {price}", [entry, row])
        elif row["state"] == "void":
            self.blame("void, and the provider was asked", [entry, row])
        elif row["state"] != "settled":
            self.blame("has not ended", [entry, row])
        elif not entry["begun"]:
            if picos(row["cost"]) != 0 or row["success"]:
                self.blame("settled, and the provider refused it", [entry, row])
        elif not entry["billed"]:
            self.blame("settled, and the provider never ended it", [entry, row])
        elif picos(row["cost"]) != price or any(row[each] != entry[each] for each in ("prompt_tokens", "completion_tokens")):
            self.blame(f"settled at another figure than the price {price}", [entry, row])

    def sum_up(self):
        self.bill = sum(self.prices[each["provider"]].of(each) for each in self.entries if each["billed"])
        self.settled = sum(picos(each["cost"]) or 0 for each in self.records if each["state"] == "settled")
        self.limits = sum(picos(each["cost_limit"]) or 0 for each in self.records if each["state"] == "unknown")
        if self.settled + self.limits < self.bill:
            self.wrong.append(f"the bill is {self.bill}, the books cover {self.settled} + {self.limits}")

    def words(self):
        states = Counter(each["state"] for each in self.records)
        amount = lambda value: f"{Decimal(value).scaleb(-PICOS):f}"
        return (f"{len(self.entries)} requests at the provider ({sum(each['billed'] for each in self.entries)} billed), "
                f"{len(self.records)} records ({', '.join(f'{count} {state}' for state, count in sorted(states.items()))}); "
                f"bill {amount(self.bill)}, settled {amount(self.settled)}, unknown up to {amount(self.limits)} USD")

    def refuse(self):
        """Fails when something is wrong."""
        kinds = Counter(each.split(":")[0] for each in self.wrong)
        assert not self.wrong, f"{len(self.wrong)} wrong {dict(kinds)}; the first:\n" + "\n".join(self.wrong[:10])


# What an attempt may be told as that never reached the provider: nothing is owed for it, and its row may be lost with the process.
PERHAPS_VOID = ("network", "timeout", "cancelled", "overloaded", "circuit_open", "budget_exceeded", "read_only", "storage")


def acknowledged_wrongs(lines, records):
    """What callers were told and the books do not have. `lines`: the driver's answers."""
    by_id = {each["id"]: each for each in records}
    for line in lines:
        for id, _, error in line.get("attempts", []):
            row = by_id.get(id)
            if row is None and error in PERHAPS_VOID:
                continue
            if row is None:
                yield f"told, and not in the books: {id} of {json.dumps(line)}"
            elif error == "none" and not (row["success"] and row["state"] == "settled") or (
                    row["success"] and error not in ("none", "cancelled", "timeout")):  # what came too late to be told is booked
                yield f"told as {error}, and booked otherwise: {json.dumps(row)}"

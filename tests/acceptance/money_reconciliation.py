"""Random calls with every shape of a price, reckoned again with decimals: each cost, and the sums of the ledger, to the last digit.

    WEIR_RECONCILE_CALLS=1000000 WEIR_RECONCILE_SEED=1 money_reconciliation.py BIN
"""
import decimal
import json
import os
import subprocess
import time

from rig import main

SEED = 20261126
PICO = decimal.Decimal("1e-12")
FIELDS = ("input", "output", "cached", "write", "write_1h", "reasoning")


class Pricing:
    """A row of prices: a currency, six prices per million tokens, two fees, and tiers of a bound and six prices."""

    def __init__(self, row):
        number = lambda text: decimal.Decimal(text) if text else None
        self.currency = row[0]
        self.base = {name: number(text) for name, text in zip(FIELDS, row[1:7])}
        self.request_fee, self.image_fee = decimal.Decimal(row[7]), decimal.Decimal(row[8])
        self.tiers = []
        for at in range(9, len(row), 7):
            self.tiers.append((int(row[at]), {name: number(text) for name, text in zip(FIELDS, row[at + 1:at + 7])}))

    def rates(self, prompt):
        rates = dict(self.base)
        best = None
        for above, prices in self.tiers:
            if prompt > above:
                best = prices
        if best:
            rates.update((name, value) for name, value in best.items() if value is not None)
        if rates["cached"] is None:
            rates["cached"] = rates["input"]
        if rates["write"] is None:
            rates["write"] = rates["input"]
        if rates["write_1h"] is None:
            rates["write_1h"] = rates["write"]
        return rates

    def cost(self, prompt, completion, cached, write, write_1h, reasoning, images):
        """As the documentation has it; None where the figures contradict themselves."""
        write = max(write, write_1h)
        if cached + write > prompt:
            return None
        each = self.rates(prompt)
        thought = min(reasoning, completion) if each["reasoning"] is not None else 0
        exact = ((prompt - cached - write) * each["input"] + cached * each["cached"] + (write - write_1h) * each["write"]
                 + write_1h * each["write_1h"] + (completion - thought) * each["output"])
        if thought:
            exact += thought * each["reasoning"]
        return (exact / 1000000).quantize(PICO, decimal.ROUND_HALF_EVEN) + self.request_fee + images * self.image_fee


def reconcile(rig):
    count = int(os.environ.get("WEIR_RECONCILE_CALLS", 1000000))
    seed = int(os.environ.get("WEIR_RECONCILE_SEED", SEED))
    decimal.getcontext().prec = 80
    begin = time.monotonic()
    pricings, sums, different, contradictory, calls = [], {}, [], 0, 0
    ledger = rig.path("books")
    pricing_program = os.path.join(os.path.dirname(rig.weir), "weir-pricing")
    program = subprocess.Popen([pricing_program, "calls", str(count), str(seed), ledger], stdout=subprocess.PIPE, text=True)
    for line in program.stdout:
        row = line.rstrip("\n").split(",")
        if row[0] == "P":
            pricings.append(Pricing(row[2:]))
            continue
        calls += 1
        pricing = pricings[int(row[1])]
        expected = pricing.cost(*(int(text or 0) for text in row[2:9]))
        if expected is None:
            contradictory += 1
            if row[9]:
                different.append((line, "none"))
            continue
        if not row[9] or decimal.Decimal(row[9]) != expected:
            different.append((line, expected))
        sums[pricing.currency] = sums.get(pricing.currency, 0) + expected
    assert program.wait() == 0, "weir-pricing failed"
    assert calls == count, (calls, count)
    reckoned = time.monotonic() - begin
    summary = json.loads(subprocess.run([rig.weir, "usage", "summary", "--dir", ledger, "--json"],
                                        check=True, capture_output=True, text=True).stdout)
    totals = summary["totals"]
    booked = {unit: decimal.Decimal(amount) for unit, amount in totals["total_cost"].items()}
    assert not different, f"{len(different)} costs differ, such as {different[:3]}"
    assert totals["total_requests"] == count, totals["total_requests"]
    assert totals["unpriced_requests"] == contradictory, (totals["unpriced_requests"], contradictory)
    assert booked == sums, f"booked {booked}, reckoned {sums}"
    assert len(sums) == 4 and contradictory > 0
    print(f"{count} calls with {len(pricings)} shapes of prices, {contradictory} of them contradictory: each cost and the "
          f"ledger's sums are equal to the last digit ({reckoned:.1f} s, seed {seed})")
    for unit, amount in sorted(sums.items()):
        print(f"  {unit} {amount.normalize():f}")


if __name__ == "__main__":
    main(reconcile)

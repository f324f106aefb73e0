"""A thousand callers at once on a budget that is worth ten calls: ten are sent, and nothing is overspent."""
from collections import Counter

from bill import picos
from load import Load, chat
from rig import main

CALLERS = 1000
SETTINGS = """[llm.retry]
base_delay = 5
[llm.retry.budget]
enabled = false
[llm.circuit_breaker]
min_calls = 1000000
"""


def config(rig, port, name, budgets, input_price="0"):
    """A token of output costs 0.1, and a call has ten at most: one unit, and nothing else where input is free."""
    return rig.write(name + ".toml", f"""[llm]
default_provider = "p"
usage_data_dir = "{rig.path(name)}"
{SETTINGS}
[llm.providers.p]
type = "generic"
base_url = "http://127.0.0.1:{port}/v1"
max_concurrency = 2000
max_queue = 10000
[llm.providers.p.models.mock-model]
max_tokens = 10
[llm.providers.p.models.mock-model.pricing]
currency = "USD"
input_price = {input_price}
output_price = 100000.0
{budgets}""")


def run(rig, file, chats, callers=CALLERS, calls=CALLERS):
    """Makes the calls; returns what the callers were told."""
    with Load(rig, file, callers, chats, calls=calls) as load:
        load.wait_for("every call's end", lambda: len(load.told) >= calls, 60)
    return load.answers()


def spent(rig, name, tag=None):
    """What the books say was spent at most, in whole units' 10^-12."""
    return sum(picos(each["cost"] or each["cost_limit"] or "0") for each in rig.records(name)
               if tag is None or each["tags"].get(tag[0]) == tag[1])


def outcomes(answers):
    return Counter("answered" if each["success"] else each["error"] for each in answers)


def exactly_ten(rig):
    port = rig.mock("ten", plan="models = []\nlatency = 20\ncompletion_tokens = 10\n")
    file = config(rig, port, "ten", '[llm.budgets.all]\nlimit = 10\ncurrency = "USD"\nperiod = "total"\n')
    seen = outcomes(run(rig, file, [{"chat": chat("mock-model", "Hello", stream, 10)} for stream in (False, True)]))
    reached = len(rig.requests("ten"))
    assert seen == {"answered": 10, "budget_exceeded": CALLERS - 10}, seen
    assert reached == 10 and spent(rig, "ten") == picos("10"), (reached, spent(rig, "ten"))
    again = outcomes(run(rig, file, [{"chat": chat("mock-model", "Hello", False, 10)}], 100, 100))
    assert again == {"budget_exceeded": 100} and len(rig.requests("ten")) == reached, again
    print(f"{CALLERS} callers at once on a budget worth ten calls: {dict(seen)}, {reached} requests at the provider, "
          f"overspent by 0; after a restart: {dict(again)}")


def faults_and_the_rest(rig):
    """Attempts that fail give back what they reserved; those whose fate is unknown do not."""
    plan = ('models = []\nlatency = 5\njitter = 5\ncompletion_tokens = 7\n'
            '[[faults]]\nkind = "status"\nstatus = 503\nprobability = 0.2\n'
            '[[faults]]\nkind = "reset"\nafter_bytes = 40\nprobability = 0.1\n')
    port = rig.mock("faults", plan=plan)
    file = config(rig, port, "faults", '[llm.budgets.all]\nlimit = 25\ncurrency = "USD"\nperiod = "total"\n', "2.5")
    seen = outcomes(run(rig, file, [{"chat": chat("mock-model", "Hello", stream, 10)} for stream in (False, True)], 200, 2000))
    assert seen["answered"] > 0 and seen["budget_exceeded"] > 0, seen
    assert spent(rig, "faults") <= picos("25"), spent(rig, "faults")
    print(f"2,000 calls of 200 callers with faults on a budget of 25: {dict(seen)}, spent at most "
          f"{spent(rig, 'faults') / 10 ** 12:.4f}")


def one_for_each_user(rig):
    port = rig.mock("users", plan="models = []\nlatency = 20\ncompletion_tokens = 10\n")
    file = config(rig, port, "users", '[llm.budgets.user]\ntag = "user"\nlimit = 3\ncurrency = "USD"\nperiod = "month"\n')
    users = ["ann", "bob", "eve"]
    seen = outcomes(run(rig, file, [{"chat": chat("mock-model", "Hello", False, 10), "tags": {"user": each}} for each in users]))
    assert seen == {"answered": 9, "budget_exceeded": CALLERS - 9}, seen
    assert [spent(rig, "users", ("user", each)) for each in users] == [picos("3")] * 3
    print(f"{CALLERS} callers of three users with three calls each: {dict(seen)}")


def test(rig):
    exactly_ten(rig)
    faults_and_the_rest(rig)
    one_for_each_user(rig)


if __name__ == "__main__":
    main(test)

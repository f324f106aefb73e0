"""Recorded replies at published prices: weir's costs are those of the npm package @pydantic/genai-prices, or explained.

The package gets the figures that the fixtures' index expects, so that its sums do not depend on what weir has read.
Needs node and npm, and the registry once; exits with 77 (skipped) and says why where one of them is missing.
"""
import json
import os
import shutil
import subprocess

from node_packages import install_apart
from rig import main

HERE = os.path.dirname(os.path.abspath(__file__))
INDEX = os.path.join(os.path.dirname(HERE), "data", "fixtures", "index.json")
PACKAGE = "@pydantic/genai-prices@0.1.8"
PROVIDERS = ["anthropic", "azure", "cerebras", "cohere", "deepseek", "google", "groq", "mistral", "moonshotai", "openai",
             "openrouter", "perplexity", "together", "x-ai", "zai", "zhipuai"]
# Case -> why weir's cost is not the package's.
EXPLAINED = {}
MOST_OF_A_DOUBLE = 1e-13  # what a sum of some products of doubles may be off, relatively


def reference_of(rig):
    """A folder with the package and the script in it."""
    folder = rig.path("reference")
    install_apart(PACKAGE, folder, "--ignore-scripts")
    shutil.copy(os.path.join(HERE, "prices_reference.mjs"), folder)
    return folder


def ask(folder, arguments, lines=None):
    done = subprocess.run(["node", "prices_reference.mjs", *arguments], cwd=folder, input=lines, capture_output=True, text=True, check=True)
    return done.stdout


def question(case, provider):
    """What the package is asked: the figures of the index, which are not weir's."""
    usage = case["expected"]["usage"]
    asked = {"input_tokens": usage["prompt_tokens"],
             "output_tokens": usage.get("billable_output_tokens") or usage["completion_tokens"]}
    for ours, theirs in (("cached_tokens", "cache_read_tokens"), ("cache_write_tokens", "cache_write_tokens"),
                         ("reasoning_tokens", "output_reasoning_tokens")):
        if usage.get(ours):
            asked[theirs] = usage[ours]
    return {"id": case["id"], "provider": provider, "model": case["expected"]["model"], "usage": asked}


def compare(rig):
    folder = reference_of(rig)
    prices = rig.write("genai-prices.json", ask(folder, ["list", *PROVIDERS]))
    program = os.path.join(os.path.dirname(rig.weir), "weir-pricing")
    done = subprocess.run([program, "fixtures", INDEX, prices], capture_output=True, text=True, check=True)
    ours = {case["id"]: case for case in map(json.loads, done.stdout.splitlines())}
    cases = {case["id"]: case for case in json.load(open(INDEX))["cases"] if case["expected"].get("usage")}
    assert len(ours) == len(cases), (len(ours), len(cases), sorted(set(cases) - set(ours)))
    questions = [question(cases[id], each["provider"]) for id, each in ours.items()]
    theirs = {answer["id"]: answer for answer in
              map(json.loads, ask(folder, [], "".join(json.dumps(each) + "\n" for each in questions)).splitlines())}
    equal, unknown, different = 0, {}, {}
    for id, case in ours.items():
        cost, reference = case["cost"], theirs[id]["cost"]
        if not cost and reference is None:
            unknown[id] = theirs[id]["error"] or f"{case['provider']}/{case['model']}"
        elif cost and reference is not None and abs(float(cost) - reference) <= MOST_OF_A_DOUBLE * max(reference, 1e-9):
            equal += 1
        else:
            different[id] = f"weir {cost or 'unknown'} by {case['entry'] or 'none'}, package {reference} by {theirs[id]['model']} {theirs[id]['error'] or ''}"
    print(f"{len(ours)} recorded replies: {equal} cost the same, {len(unknown)} have no price in either, {len(different)} differ")
    for id, why in unknown.items():
        print(f"  no price: {id}: {why}")
    for id, how in different.items():
        print(f"  {id}: {how}\n    {EXPLAINED.get(id, 'NOT EXPLAINED')}")
    assert set(different) == set(EXPLAINED), f"not explained: {set(different) - set(EXPLAINED)}; no longer: {set(EXPLAINED) - set(different)}"
    assert equal >= 60, equal


if __name__ == "__main__":
    main(compare)

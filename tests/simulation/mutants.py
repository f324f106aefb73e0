#!/usr/bin/env python3
"""Mutation check: are the tests of supervision worth something? Applies one hand-made fault at a time to a copy of the
tree, and lets the unit tests and then some hundred simulated histories look for it.

    mutants.py                 every mutant of mutant_list.py; exit 1 if less than 95 % are caught
    mutants.py --only NAME     those whose name contains NAME; may be repeated
    mutants.py --list          their names, and whether each still fits the sources; builds nothing
    mutants.py --here BUILD    in this very tree, which is a copy to be thrown away, with a build folder that is there

A mutant that does not compile, or whose text is not in the sources exactly once, is a fault of the list.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
from mutant_list import MUTANTS  # noqa: E402

NEEDED_PERCENT = 95
LEFT_OUT = ("build", ".git", "__pycache__")
# In this order, the cheap ones first: what kills, its targets, its command, its time in seconds.
KILLERS = (
    ("policy tests", "test_actors", ["--run_test=*policy*,*breaker*,*backoff*,*budget*,*failover*,*limit*,*routing*,*key*"], 120),
    ("actor tests", "test_actors", [], 300),
    ("histories", "test_simulation", ["--run_test=simulation_test,storm_test"], 600),
)


def run(command, folder, seconds, extra=None):
    """Exit code and output; a command that takes too long has failed."""
    try:
        done = subprocess.run(command, cwd=folder, timeout=seconds, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={**os.environ, **(extra or {})})
        return done.returncode, done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as late:
        return -1, (late.stdout or b"").decode(errors="replace") + "\ntook too long"


def fits(tree, file, old):
    with open(os.path.join(tree, file), encoding="utf-8") as source:
        return source.read().count(old) == 1


def configure(tree):
    code, text = run(["cmake", "-S", tree, "-B", os.path.join(tree, "build"), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                      "-DCMAKE_CXX_FLAGS_RELEASE=-O1", "-DWEIR_USE_CCACHE=ON", "-DWEIR_BUILD_EXAMPLES=OFF",
                      "-DWEIR_BUILD_BENCH=OFF"], tree, 300)
    if code != 0:
        sys.exit("cannot configure:\n" + text)


def build(folder, target, jobs):
    return run(["cmake", "--build", folder, "-j", str(jobs), "--target", target], ROOT, 3600)


def program(built, target):
    for folder, _, files in os.walk(built):
        if target in files and os.access(os.path.join(folder, target), os.X_OK):
            return os.path.join(folder, target)
    sys.exit(f"{target} was not built")


def killer_of(tree, built, arguments):
    """Who catches the fault that the tree has now: (name or None, seconds); or the compiler's words."""
    begin = time.monotonic()
    for name, target, options, seconds in KILLERS:
        code, text = build(built, target, arguments.jobs)
        if code != 0:
            return "does not compile", text
        code, text = run([program(built, target), *options], tree, seconds,
                         {"WEIR_SIMULATION_SEEDS": str(arguments.histories)})
        # A filter that no case fits is no failure of a test.
        if code != 0 and "no test cases matching" not in text:
            return name, time.monotonic() - begin
    return None, time.monotonic() - begin


def try_one(tree, built, mutant, arguments):
    name, file, old, new = mutant
    path = os.path.join(tree, file)
    with open(path, encoding="utf-8") as source:
        whole = source.read()
    if whole.count(old) != 1:
        return "does not fit", ""
    with open(path, "w", encoding="utf-8") as source:
        source.write(whole.replace(old, new))
    try:
        return killer_of(tree, built, arguments)
    finally:
        with open(path, "w", encoding="utf-8") as source:
            source.write(whole)


def list_all():
    wrong = 0
    for name, file, old, _ in MUTANTS:
        good = fits(ROOT, file, old)
        wrong += not good
        print(f"{'' if good else 'DOES NOT FIT  '}{file}: {name}")
    print(f"{len(MUTANTS)} mutants, {wrong} do not fit")
    sys.exit(1 if wrong else 0)


def main():
    parser = argparse.ArgumentParser(description="Mutation check of the supervision")
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--histories", type=int, default=300)
    parser.add_argument("--here", metavar="BUILD")
    arguments = parser.parse_args()
    if arguments.list:
        list_all()
    chosen = [each for each in MUTANTS if not arguments.only or any(part in each[0] for part in arguments.only)]
    tree = ROOT if arguments.here else tempfile.mkdtemp(prefix="weir-mutants-")
    built = arguments.here or os.path.join(tree, "build")
    try:
        if not arguments.here:
            shutil.copytree(ROOT, tree, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
            configure(tree)
        healthy, why = killer_of(tree, built, arguments)
        if healthy is not None:
            sys.exit(f"the tests fail without a mutant ({healthy}): {why}")
        caught, faulty = 0, 0
        for count, mutant in enumerate(chosen, 1):
            killer, rest = try_one(tree, built, mutant, arguments)
            broken = killer in ("does not compile", "does not fit")
            faulty += broken
            caught += killer is not None and not broken
            word = killer or "SURVIVES"
            print(f"{count:3}/{len(chosen)}  {word:<16} {'' if broken else f'{rest:5.0f} s'}  {mutant[1]}: {mutant[0]}", flush=True)
            if killer == "does not compile":
                print(rest[-2000:])
        counted = len(chosen) - faulty
        score = 100 * caught / counted if counted else 0
        print(f"{caught} of {counted} mutants are caught ({score:.1f} %; needed: {NEEDED_PERCENT} %); {faulty} are faulty themselves")
        sys.exit(0 if score >= NEEDED_PERCENT and not faulty else 1)
    finally:
        if not arguments.here:
            shutil.rmtree(tree, ignore_errors=True)


if __name__ == "__main__":
    main()

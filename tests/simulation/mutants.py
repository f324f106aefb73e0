#!/usr/bin/env python3
"""Mutation check: are the tests of supervision worth something? Makes one hand-made fault at a time, and lets the unit
tests and then some hundred simulated histories look for it.

    mutants.py                 every mutant of mutant_list.py; exit 1 if less than 95 % are caught
    mutants.py --only TEXT     those whose name or file contains TEXT; may be repeated
    mutants.py --list          their names, and whether each still fits the sources; builds nothing
    mutants.py --build FOLDER  with a build folder of this tree that Ninja uses, which saves building everything first

The tree stays as it is: the file with the fault is compiled elsewhere, and linked in front of the library.
A mutant that does not compile, or whose text is not in the sources exactly once, is a fault of the list.
"""
import argparse
import concurrent.futures
import json
import os
import re
import shlex
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
POLICY_TESTS = "*policy*,*breaker*,*ordering*,*budget*,*limit*,*key*,*queue*,*bucket*"
# In this order, the cheap ones first: what kills, its program, its options, its time in seconds.
KILLERS = (
    ("policy tests", "test_actors", ["--run_test=" + POLICY_TESTS], 120),
    ("actor tests", "test_actors", [], 300),
    ("histories", "test_simulation", ["--run_test=simulation_test,storm_test"], 600),
)
PROGRAMS = ("test_actors", "test_simulation")
FAULTY = ("does not fit", "does not compile", "does not link")


def run(command, folder, seconds, extra=None):
    """Exit code and output; a command that takes too long has failed. A string is the shell's."""
    try:
        done = subprocess.run(command, cwd=folder, timeout=seconds, shell=isinstance(command, str),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **(extra or {})})
        return done.returncode, done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as late:
        return -1, (late.stdout or b"").decode(errors="replace") + "\ntook too long"


def source_of(file):
    with open(os.path.join(ROOT, file), encoding="utf-8") as source:
        return source.read()


class Bench:
    """A build folder in which everything is built but the mutant."""

    def __init__(self, folder, jobs, histories):
        self.folder = os.path.abspath(folder)
        self.histories = histories
        code, text = run(["cmake", "--build", self.folder, "-j", str(jobs), "--target", *PROGRAMS], ROOT, 7200)
        if code != 0:
            sys.exit("cannot build:\n" + text[-4000:])
        with open(os.path.join(self.folder, "compile_commands.json"), encoding="utf-8") as all_of_them:
            self.compile = {os.path.realpath(each["file"]): each["command"] for each in json.load(all_of_them)}
        self.link = {each: self.last_command_of(each) for each in PROGRAMS}

    def last_command_of(self, target):
        code, text = run(["ninja", "-t", "commands", target], self.folder, 60)
        if code != 0:
            sys.exit("cannot ask Ninja:\n" + text)
        return text.strip().split("\n")[-1]

    def compiled(self, file, source, scratch):
        path, made = os.path.join(scratch, "mutant.cpp"), os.path.join(scratch, "mutant.o")
        with open(path, "w", encoding="utf-8") as where:
            where.write(source)
        words = [each for each in shlex.split(self.compile[os.path.realpath(os.path.join(ROOT, file))])
                 if each != "-Werror"]
        words[words.index("-o") + 1] = made
        words[words.index("-c") + 1] = path
        code, text = run([*words, "-O0", "-w"], self.folder, 600)
        return (made, "") if code == 0 else (None, text)

    def linked(self, program, made, scratch):
        """The program, with `made` before the library: what it defines is not taken from there."""
        path = os.path.join(scratch, program)
        command = re.sub(r" -o \S+", f" {shlex.quote(made)} -o {shlex.quote(path)}", self.link[program], count=1)
        code, text = run(command, self.folder, 600)
        return (path, "") if code == 0 else (None, text)

    def killer(self, file, source):
        """Who catches the fault, or what is wrong with it; and the last words."""
        with tempfile.TemporaryDirectory(prefix="weir-mutant-") as scratch:
            made, text = self.compiled(file, source, scratch)
            if made is None:
                return "does not compile", text
            programs = {}
            for name, program, options, seconds in KILLERS:
                if program not in programs:
                    programs[program], text = self.linked(program, made, scratch)
                if programs[program] is None:
                    return "does not link", text
                code, text = run([programs[program], *options], scratch, seconds,
                                 {"WEIR_SIMULATION_SEEDS": str(self.histories)})
                if code != 0:
                    return name, text
        return None, ""

    def tried(self, mutant):
        _, file, old, new = mutant
        begin = time.monotonic()
        source = source_of(file)
        if source.count(old) != 1:
            return "does not fit", "", 0
        word, text = self.killer(file, source.replace(old, new))
        return word, text, time.monotonic() - begin


def list_all():
    wrong = 0
    for name, file, old, _ in MUTANTS:
        good = source_of(file).count(old) == 1
        wrong += not good
        print(f"{'' if good else 'DOES NOT FIT  '}{file}: {name}")
    print(f"{len(MUTANTS)} mutants, {wrong} do not fit")
    sys.exit(1 if wrong else 0)


def try_all(bench, chosen, jobs):
    file = chosen[0][1]
    healthy, text = bench.killer(file, source_of(file))
    if healthy is not None:
        sys.exit(f"the tests fail without a mutant ({healthy}): {text[-4000:]}")
    caught = faulty = count = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for mutant, (killer, text, seconds) in zip(chosen, pool.map(bench.tried, chosen)):
            count += 1
            faulty += killer in FAULTY
            caught += killer is not None and killer not in FAULTY
            print(f"{count:3}/{len(chosen)}  {killer or 'SURVIVES':<16} {seconds:5.0f} s  {mutant[1]}: {mutant[0]}",
                  flush=True)
            if killer in FAULTY:
                print(text[-2000:])
    counted = len(chosen) - faulty
    score = 100 * caught / counted if counted else 0
    print(f"{caught} of {counted} mutants are caught ({score:.1f} %; needed: {NEEDED_PERCENT} %); "
          f"{faulty} are faulty themselves")
    return score >= NEEDED_PERCENT and not faulty


def main():
    parser = argparse.ArgumentParser(description="Mutation check of the supervision")
    parser.add_argument("--only", action="append", default=[], metavar="TEXT")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--histories", type=int, default=300)
    parser.add_argument("--build", metavar="FOLDER")
    arguments = parser.parse_args()
    if arguments.list:
        list_all()
    chosen = [each for each in MUTANTS
              if not arguments.only or any(part in each[0] or part in each[1] for part in arguments.only)]
    if not chosen:
        sys.exit("there is no such mutant")
    folder = arguments.build or tempfile.mkdtemp(prefix="weir-mutants-")
    try:
        if not arguments.build:
            code, text = run(["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                              "-DCMAKE_CXX_FLAGS_RELEASE=-O1", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON",
                              "-DWEIR_USE_CCACHE=ON", "-DWEIR_BUILD_EXAMPLES=OFF", "-DWEIR_BUILD_BENCH=OFF"], ROOT, 300)
            if code != 0:
                sys.exit("cannot configure:\n" + text)
        good = try_all(Bench(folder, arguments.jobs, arguments.histories), chosen, arguments.jobs)
    finally:
        if not arguments.build:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()

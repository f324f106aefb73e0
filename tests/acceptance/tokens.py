"""Tokens, text by text, against the npm package tiktoken: the same numbers, or the test fails.

Needs node and npm, and the registry once; exits with 77 (skipped) and says why where one of them is missing.
"""
import glob
import itertools
import json
import os
import random
import re
import subprocess
import time
import unicodedata

from node_packages import install_apart, skip
from rig import main

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGE = "tiktoken@1.0.22"
VOCABULARIES = {"o200k_base": "gpt-4o", "cl100k_base": "gpt-4"}
SEED = 20250607

SENTENCES = [
    "The quick brown fox jumps over the lazy dog. It's what we'd've said, isn't it? THEY'LL SEE, I'M SURE!",
    "敏捷的棕色狐狸跳过了懒狗。今天天气很好，我们一起去公园散步吧！价格是￥１２３.４５。",
    "素早い茶色の狐がのろまな犬を飛び越える。カタカナとひらがなと漢字、ｶﾀｶﾅも。",
    "다람쥐 헌 쳇바퀴에 타고파. 오늘은 날씨가 좋습니다.",
    "الثعلب البني السريع يقفز فوق الكلب الكسول. مَرْحَبًا بِالعَالَم ١٢٣٤٥",
    "השועל החום המהיר קופץ מעל הכלב העצלן. שָׁלוֹם",
    "तेज़ भूरी लोमड़ी आलसी कुत्ते के ऊपर कूदती है। १२३४",
    "สุนัขจิ้งจอกสีน้ำตาลกระโดดข้ามสุนัขขี้เกียจ ๑๒๓",
    "Съешь же ещё этих мягких французских булок, да выпей чаю. ЩЁЛК! Ёлка",
    "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία. ΑΒΓΔ αβγδ",
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. STRASSE, Straße, ẞ",
    "Pijamalı hasta yağız şoföre çabucak güvendi. İSTANBUL ıI iİ",
    "Tiếng Việt có dấu: Một con cáo nâu nhanh nhẹn. Tiê\u0301ng Viê\u0323t",
    "naïve café, cafe\u0301, ﬁne ﬂow, Ǆ ǅ ǆ, ʰʲ, ªº, ℕ ℝ, Ⅷ ⅷ ½ ² ₃ 𝟘𝟙 𝐀𝐛𝐂",
    "👩‍👩‍👧‍👦 👍🏽 🇩🇪 ❤️‍🔥 1️⃣ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ☺︎ 🤦🏼‍♂️",
    "int main(int argc, char** argv) { return argc > 1 ? std::stoi(argv[1]) : 0x7fffffff; } // it's fine",
    "https://example.com/a/b?c=d&e=%20#f  C:\\Users\\me\\file.txt  a/b//c///\r\n/d\n\n\n/e",
    "I'M I'm i'M We'Re you'VE he'LL 'S 's ' s it'\u017f IT'\u017fS ''''s 'tis 'twas o'clock rock'n'roll 'D 'd'd",
    "<|endoftext|> <|im_start|>system<|im_end|> <|fim_prefix|><|endofprompt|>",
    "1 12 123 1234 12345 123456 1234567 1,234,567.89 ١٢٣٤ ¹²³⁴ ⅠⅡⅢⅣ 一二三四",
    "\ufeffByte order marks\ufeff, zero\u200bwidth, soft\u00adhyphen, \u2028line\u2029paragraph\u0085next\u00a0space\u3000wide",
]
# One of each kind of character that the patterns tell apart, and those that they name.
KINDS = ["A", "a", "\u00aa", "\u0301", "7", " ", "\n", "\u00a0", "'", "s", "/", "."]
SPACES = [" ", "  ", "\t", "\n", "\r", "\r\n", "\n\n", "\u00a0", "\u2003", "\u3000", "\u0085", "\x0b", "\x0c", "\u2028", "\x1c"]
WORDS = ["a", "A", "Ab", "aB", "x1", "1", "12", "'s", "'S", "'\u017f", "'ll", "/", "//", "!", "?!", "\u0301", "\u4e2d", "\u00df", "\u01c5", "_", "-"]


def line_of(text):
    """A JSON string of some bytes, which need not be UTF-8."""
    def escaped(found):
        return b"\\u%04x" % found[0][0]
    return b'"' + re.sub(rb'[\x00-\x1f"\\]', escaped, text) + b'"\n'


def slices(random_, data, count, longest):
    """Pieces of a file from anywhere to anywhere, in the middle of characters as well."""
    for _ in range(count):
        begin = random_.randrange(len(data))
        yield data[begin:begin + random_.randrange(1, longest)]


def texts():
    random_ = random.Random(SEED)
    read = lambda path: open(path, "rb").read()
    # Recorded bodies, sources and documents.
    files = sorted(glob.glob(os.path.join(ROOT, "tests/data/fixtures/**/*.json"), recursive=True))
    for data in map(read, files):
        yield from slices(random_, data, 4, 2000)
    for pattern in ("*/*.cpp", "*/*.hpp", "*.md", "docs/*.md", "tools/*.py"):
        for data in map(read, sorted(glob.glob(os.path.join(ROOT, pattern)))):
            yield from slices(random_, data, 3, 3000)
    # Languages: whole sentences, parts of them, mixtures.
    for sentence in SENTENCES:
        yield sentence.encode()
        yield from (sentence.upper().encode(), sentence.lower().encode(), sentence.swapcase().encode())
        yield from slices(random_, sentence.encode(), 50, 120)
    for _ in range(1000):
        words = [word for sentence in random_.sample(SENTENCES, 3) for word in sentence.split(" ")]
        random_.shuffle(words)
        yield "".join(word + random_.choice(SPACES) for word in words).encode()
    # All short sequences of kinds of characters; longer ones by chance.
    for size in (1, 2, 3, 4):
        yield from ("".join(each).encode() for each in itertools.product(KINDS, repeat=size))
    for _ in range(3000):
        yield "".join(random_.choices(KINDS + WORDS + SPACES, k=random_.randrange(5, 40))).encode()
    # White space, digits, contractions in all cases.
    for _ in range(1000):
        yield "".join(random_.choice(SPACES) for _ in range(random_.randrange(1, 30))).encode() + random_.choice([b"", b"x", b"."])
    for size in range(1, 40):
        yield (("9" * size) + " " + ("\u0663" * size)).encode()
    for letters in ("s", "t", "re", "ve", "m", "ll", "d", "\u017f", "x", "r", "l"):
        for cased in {"".join(each) for each in itertools.product(*((c, c.upper()) for c in letters))}:
            yield from (f"{before}'{cased}{after}".encode() for before in ("", "it", "IT", " ", "\u00aa", "\u0301", "7") for after in ("", "a", "S", " ", "'s"))
    # Every code point that stands for something, and some of the vast rest, in words, behind and before signs.
    points = [chr(point) for point in range(0x110000)
              if not 0xd800 <= point < 0xe000 and (point < 0x3400 or unicodedata.category(chr(point)) not in ("Lo", "Cn", "Co") or point % 16 == 0)]
    for begin in range(0, len(points), 256):
        yield "".join(f"a{c}B{c} {c}{c}'s1{c}" for c in points[begin:begin + 256]).encode()
    for _ in range(500):
        yield "".join(random_.choices(points, k=random_.randrange(1, 60))).encode()
    # Bytes that are no UTF-8.
    for _ in range(2000):
        yield random_.randbytes(random_.randrange(1, 200))
    for _ in range(1000):
        damaged = bytearray(random_.choice(SENTENCES).encode())
        for _ in range(random_.randrange(1, 6)):
            damaged[random_.randrange(len(damaged))] = random_.randrange(256)
        yield bytes(damaged)
    # Long runs, which are one piece each.
    for run in ("a", "A", "ab", "=", " ", "\n", "\t ", "0", "\u4e2d", "\u0301", "\U0001f600", "/", "aA", "Zz1", "-*", "\u00e9"):
        for size in (60, 64, 65, 66, 67, 200, 1000, 2500):
            yield (run * size).encode()[:4000]
    for alphabet in ("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHabcdefgh", "!#$%&*+-.:;<=>?@^_|~", "".join(map(chr, range(0x4e00, 0x4f00)))):
        for size in (60, 63, 64, 65, 66, 130, 1000, 3000):
            yield "".join(random_.choices(alphabet, k=size)).encode()


def reference_of(rig):
    """A folder with the package in it."""
    folder = rig.path("reference")
    install_apart(PACKAGE, folder)
    return folder


def vocabularies_of(rig):
    """A folder with both vocabularies, converted from the same package."""
    folder = rig.path("vocabularies")
    done = subprocess.run([os.path.join(ROOT, "tools/fetch_vocabularies.sh"), folder], capture_output=True, text=True)
    if done.returncode != 0:
        skip(f"the vocabularies cannot be fetched: {done.stderr.strip()[-300:]}")
    return folder


def compare(rig, reference, vocabulary, model, all_texts):
    lines = b"".join(map(line_of, all_texts))
    theirs = subprocess.run(["node", os.path.join(os.path.dirname(__file__), "tokens_reference.mjs"), reference, vocabulary],
                            input=lines, capture_output=True, check=True)
    ours = subprocess.run([rig.weir, "tokens", "-m", model, "--lines", "--ids"], input=lines, capture_output=True, check=True)
    counts = subprocess.run([rig.weir, "tokens", "-m", model, "--lines"], input=lines, capture_output=True, check=True)
    expected, found, counted = (each.stdout.split(b"\n")[:-1] for each in (theirs, ours, counts))
    assert len(expected) == len(found) == len(counted) == len(all_texts), (len(expected), len(found), len(counted), len(all_texts))
    wrong = [at for at, tokens in enumerate(expected) if tokens != found[at] or len(json.loads(tokens)) != int(counted[at])]
    for at in wrong[:5]:
        print(f"{vocabulary}: {all_texts[at][:200]!r}\n  tiktoken {expected[at][:300]}\n  weir     {found[at][:300]} {counted[at]}")
    assert not wrong, f"{vocabulary}: {len(wrong)} of {len(all_texts)} texts differ"
    size = sum(map(len, all_texts))
    their_time = json.loads(theirs.stderr)["milliseconds"]
    told = counts.stderr.decode()
    assert f"exact ({vocabulary})" in told, told
    our_time = float(re.search(r"counted in ([0-9.]+) ms", told)[1])
    print(f"{vocabulary}: {len(all_texts)} texts, {size} bytes, 0 differences; these texts, hard ones as they are: "
          f"tiktoken {size / their_time / 1000:.2f} MB/s, weir {size / our_time / 1000:.2f} MB/s, "
          f"ratio {their_time / our_time:.1f}")


def measure(rig, reference, vocabulary, model):
    """Speed on ordinary text: this repository's sources and documents, in texts of some kilobytes."""
    files = [path for pattern in ("*/*.cpp", "*/*.hpp", "*.md", "docs/*.md") for path in sorted(glob.glob(os.path.join(ROOT, pattern)))]
    lines = b"".join(line_of(open(path, "rb").read()) for path in files) * 3
    size = 3 * sum(map(os.path.getsize, files))
    best = {}
    for _ in range(2):
        theirs = subprocess.run(["node", os.path.join(os.path.dirname(__file__), "tokens_reference.mjs"), reference, vocabulary],
                                input=lines, capture_output=True, check=True)
        ours = subprocess.run([rig.weir, "tokens", "-m", model, "--lines"], input=lines, capture_output=True, check=True)
        for name, took in (("tiktoken", json.loads(theirs.stderr)["milliseconds"]),
                           ("weir", float(re.search(r"counted in ([0-9.]+) ms", ours.stderr.decode())[1]))):
            best[name] = min(took, best.get(name, took))
    speed = {name: size / took / 1000 for name, took in best.items()}
    print(f"{vocabulary}: {size} bytes of sources and documents: "
          f"tiktoken {speed['tiktoken']:.2f} MB/s, weir {speed['weir']:.2f} MB/s, ratio {speed['weir'] / speed['tiktoken']:.1f}")
    assert speed["weir"] > speed["tiktoken"], speed


def hostile(rig):
    """A piece of a megabyte: n log n, and so seconds at most."""
    for run in ("a", "ab", " ", "\u4e2d", "!", "0", "aB", "\u0301"):
        text = (run * (1 << 20))[:1 << 20]
        begin = time.monotonic()
        rig.run("tokens", "-", text=text, expect=0)
        took = time.monotonic() - begin
        assert took < 20, f"a megabyte of {run!r} took {took:.1f} s"


COOKBOOK_MESSAGES = [
    {"role": "system", "content": "You are a helpful, pattern-following assistant that translates corporate jargon into plain English."},
    {"role": "system", "name": "example_user", "content": "New synergies will help drive top-line growth."},
    {"role": "system", "name": "example_assistant", "content": "Things working well together will increase revenue."},
    {"role": "system", "name": "example_user", "content": "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage."},
    {"role": "system", "name": "example_assistant", "content": "Let's talk later when we're less busy about how to do better."},
    {"role": "user", "content": "This late pivot means we don't have time to boil the ocean for the client deliverable."},
]
COOKBOOK_TOOLS = [{"type": "function", "function": {
    "name": "get_current_weather", "description": "Get the current weather in a given location",
    "parameters": {"type": "object", "required": ["location"], "properties": {
        "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
        "unit": {"type": "string", "description": "The unit of temperature to return", "enum": ["celsius", "fahrenheit"]}}}}}]
COOKBOOK_QUESTION = [
    {"role": "system", "content": "You are a helpful assistant that can answer to questions about the weather."},
    {"role": "user", "content": "What's the weather like in San Francisco?"},
]


def cookbook(rig):
    """The numbers that OpenAI's cookbook prints, and has compared with its API."""
    def count(request, *arguments):
        _, out, _ = rig.run("tokens", "--json", "--request", "-", *arguments, text=json.dumps(request), expect=0)
        return json.loads(out)

    for model, tokens in (("gpt-3.5-turbo", 129), ("gpt-4-0613", 129), ("gpt-4", 129), ("gpt-4o", 124), ("gpt-4o-mini", 124)):
        found = count({"model": model, "messages": COOKBOOK_MESSAGES})
        assert found["tokens"] == tokens and found["exact"] is True, (model, found)
    for model, tokens in (("gpt-3.5-turbo", 105), ("gpt-4", 105), ("gpt-4o", 101), ("gpt-4o-mini", 101)):
        found = count({"model": model, "messages": COOKBOOK_QUESTION, "tools": COOKBOOK_TOOLS})
        assert found["tokens"] == tokens and found["exact"] is True, (model, found)
    found = count({"messages": COOKBOOK_MESSAGES}, "-m", "claude-sonnet-4-5")
    assert found["exact"] is False and found["vocabulary"] is None and 100 < found["tokens"] < 160, found


def command_line(rig, folder):
    """The program's own manners."""
    _, out, _ = rig.run("tokens", "hello world", expect=0)
    assert out == "2 tokens, exact (o200k_base)\n", out
    _, out, _ = rig.run("tokens", "--ids", "hello world", expect=0)
    assert out == "[24912,2375]\n", out
    _, out, _ = rig.run("tokens", "-m", "openai/gpt-4-turbo", "--json", "--ids", "hello world", expect=0)
    assert json.loads(out) == {"tokens": 2, "exact": True, "model": "openai/gpt-4-turbo", "vocabulary": "cl100k_base", "ids": [15339, 1917]}, out
    _, out, _ = rig.run("tokens", "-m", "llama-3", "hello world", expect=0)
    assert "estimated (llama-3 has no public vocabulary)" in out, out
    _, out, _ = rig.run("tokens", "--json", "", expect=0)
    assert json.loads(out)["tokens"] == 0, out
    file = os.path.join(folder, "cl100k_base.tiktoken")
    _, out, _ = rig.run("tokens", "--vocabulary", file, "hello world", expect=0)
    assert out == "2 tokens, exact (cl100k_base)\n", out
    for arguments, words in [
        (["tokens"], "nothing to count"),
        (["tokens", "-m", "gpt-4o", "--vocabulary", file, "x"], "gpt-4o has o200k_base, not cl100k_base"),
        (["tokens", "-m", "llama-3", "--vocabulary", file, "x"], "no public vocabulary"),
        (["tokens", "--vocabulary", rig.path("nowhere/o200k_base.tiktoken"), "x"], "cannot be read"),
        (["tokens", "--vocabulary", rig.write("o200k_base.tiktoken", "IQ== 0\nIg== zero\n"), "x"], "line 2"),
        (["tokens", "--vocabulary", rig.write("mine.tiktoken", "IQ== 0\n"), "x"], "o200k_base and cl100k_base"),
        (["tokens", "-m", "llama-3", "--ids", "x"], "no public vocabulary"),
        (["tokens", "--lines", "x"], "--lines"),
        (["tokens", "--request", rig.write("bad.json", '{"messages":[{"role":"x"}]}')], "messages[0].role"),
    ]:
        code, out, err = rig.run(*arguments)
        assert code == 2 and words in err + out, (arguments, code, out, err)
    code, out, err = rig.run("tokens", "--lines", text='"good"\nbad\n')
    assert code == 2 and out == "1\n" and "line 2" in err, (code, out, err)
    os.environ["WEIR_VOCABULARIES"] = rig.path("nowhere")
    _, out, _ = rig.run("tokens", "hello world", expect=0)
    assert "estimated (o200k_base is not there" in out, out
    os.environ["WEIR_VOCABULARIES"] = folder


def models(rig, reference, folder):
    """Which model has which vocabulary, as the package lists it. That needs no file, and each would take time to load."""
    os.environ["WEIR_VOCABULARIES"] = rig.path("nowhere")
    with open(os.path.join(reference, "node_modules/tiktoken/model_to_encoding.json"), encoding="utf-8") as source:
        known = json.load(source)
    for model, encoding in known.items():
        _, out, _ = rig.run("tokens", "-m", model, "--json", "x", expect=0)
        expected = encoding if encoding in VOCABULARIES else None
        assert json.loads(out)["vocabulary"] == expected, (model, encoding, out)
    os.environ["WEIR_VOCABULARIES"] = folder
    print(f"{len(known)} models have the vocabularies that the package lists")


def chat(rig, folder):
    """What a provider does not report is counted with a vocabulary of the folder, or one that the configuration names."""
    reply = "敏捷的棕色狐狸跳过了懒狗 quick as ever"
    port = rig.mock("m", plan=f'models = ["gpt-4o"]\nreply = "{reply}"\n')
    provider = f"""[llm]
usage_data_dir = "{rig.path("usage")}"
[llm.providers.m]
type = "generic"
base_url = "http://127.0.0.1:{port}/v1"
stream_usage = false
[llm.providers.m.models.gpt-4o]
"""
    plain = rig.write("plain.toml", provider)
    file = os.path.join(folder, "o200k_base.tiktoken")
    named = rig.write("named.toml", f'{provider}[llm.tokens]\nvocabularies = ["{file}"]\n')

    def ask(config, words=""):
        _, out, err = rig.run("chat", "-c", config, "--stream", "--json", "hi", expect=0)
        usage = json.loads(out.splitlines()[-1])["usage"]
        assert words in err, err
        return usage["completion_tokens"]

    _, out, _ = rig.run("tokens", "--json", reply, expect=0)
    exact = json.loads(out)["tokens"]
    assert ask(plain) == exact
    os.environ["WEIR_VOCABULARIES"] = rig.path("nowhere")
    assert ask(named) == exact
    estimated = ask(plain)
    assert estimated != exact, estimated
    os.mkdir(rig.path("faulty"))
    rig.write("faulty/o200k_base.tiktoken", "IQ== 0\nIg== zero\n")
    os.environ["WEIR_VOCABULARIES"] = rig.path("faulty")
    assert ask(plain, "line 2") == estimated
    faulty = rig.write("faulty.toml", f'{provider}[llm.tokens]\nvocabularies = ["{rig.path("faulty/o200k_base.tiktoken")}"]\n')
    code, _, err = rig.run("chat", "-c", faulty, "hi")
    assert code == 2 and f"{faulty}:9:16: llm.tokens.vocabularies: " in err and "line 2" in err, (code, err)
    os.environ["WEIR_VOCABULARIES"] = folder
    print(f"a reply of {exact} tokens that nobody reports: counted exactly with a vocabulary, {estimated} without")


def test(rig):
    reference = reference_of(rig)
    folder = vocabularies_of(rig)
    os.environ["WEIR_VOCABULARIES"] = folder
    command_line(rig, folder)
    chat(rig, folder)
    cookbook(rig)
    models(rig, reference, folder)
    hostile(rig)
    all_texts = list(texts())
    assert len(all_texts) > 10_000
    for vocabulary, model in VOCABULARIES.items():
        compare(rig, reference, vocabulary, model, all_texts)
        measure(rig, reference, vocabulary, model)


if __name__ == "__main__":
    main(test)

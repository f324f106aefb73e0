// Encodes texts with the npm package tiktoken, for tokens.py to compare with.
// Reads JSON strings one a line from standard input; prints the tokens of each as a JSON array, and to standard error
// what it measured.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [folder, encoding] = process.argv.slice(2);
const { get_encoding } = createRequire(folder + "/")("tiktoken");
const encoder = get_encoding(encoding);
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const input = readFileSync(0);
const out = [];
let milliseconds = 0;
for (let begin = 0; begin < input.length; ) {
  const end = input.indexOf(10, begin);
  const text = JSON.parse(decoder.decode(input.subarray(begin, end)));
  begin = end + 1;
  const start = performance.now();
  const tokens = encoder.encode_ordinary(text);
  milliseconds += performance.now() - start;
  out.push("[" + tokens.join(",") + "]");
}
process.stdout.write(out.join("\n") + "\n");
process.stderr.write(JSON.stringify({ texts: out.length, milliseconds }) + "\n");
encoder.free();

// Answers questions about the page's scripts, a JSON object a line: { page: FILE } loads one; then
// { run: [...] } calls a function of QUESTIONS. An answer is a line of JSON.
"use strict";
const fs = require("fs");
const vm = require("vm");

const folder = process.argv[2];
for (const name of ["network.js", "symbols.js", "align.js"]) {
  vm.runInThisContext(fs.readFileSync(`${folder}/${name}`, "utf8"), name);
}
vm.runInThisContext(`
const QUESTIONS = {
  run({ network, bits, source, outLen, decoderInput, forced, toEnd }) {
    const made = new Network(network.config, decodeWeights(network.weights, network.shapes, bits));
    const { encoded, steps } = made.run(source, outLen, { decoderInput, forced: new Map(forced), toEnd });
    return {
      memory: encoded.memory.map((row) => [...row]),
      symbols: steps.map((step) => step.symbol),
      written: steps.map((step) => step.written),
      logits: steps.map((step) => [...step.logits]),
      alphas: steps.map((step) => step.alpha && [...step.alpha]),
    };
  },
  targets: ({ pattern, sources, largest }) =>
    sources.map((source) => {
      try {
        return PATTERNS[pattern](source, largest);
      } catch {
        return null;
      }
    }),
  align: ({ written, wanted, forced }) => align(written, wanted, (t) => t === forced),
  byPlace: ({ written, wanted }) => byPlace(written, wanted),
  split: ({ tokens, text }) => new Vocabulary({ tokens, symbols: [], largest: 1 }, "END").split(text),
  numbers: ({ vocabulary, text }) => {
    try {
      return new Vocabulary(vocabulary, "END").numbers(text);
    } catch (error) {
      return error.message;
    }
  },
};
`);

const answer = vm.runInThisContext("(name, question) => QUESTIONS[name](question)");
for (const line of fs.readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const [name, question] = JSON.parse(line);
  console.log(JSON.stringify(answer(name, question)));
}

// Answers questions about the page's script. The first line of the input is the script, as JSON. Each further line is a
// question, [name, argument], which calls a function of QUESTIONS. The answer is a line of JSON.
import readline from "node:readline";
import vm from "node:vm";

// The parts of the browser that the source panel's tiles and the address need.
class Element {
  children = [];
  append(...children) {
    this.children.push(...children);
  }
}
globalThis.document = { createElement: () => new Element() };
globalThis.location = { hash: "" };
globalThis.history = { replaceState: (_state, _title, hash) => (location.hash = hash) };

const QUESTIONS = {
  run({ network, source, outLen, decoderInput, forced, toEnd }) {
    const instance = new Network(network.config, decodeWeights(network.weights, network.shapes));
    const { encoded, steps } = instance.run(source, outLen, {
      decoderInput,
      forced: Object.fromEntries(forced),
      toEnd,
    });
    return {
      memory: encoded.memory.map((row) => [...row]),
      symbols: steps.map((step) => step.symbol),
      written: steps.map((step) => step.written),
      logits: steps.map((step) => [...step.logits]),
      alphas: steps.map((step) => step.alpha && [...step.alpha]),
      gates: Object.keys(steps[0].cells[0].gates),
      n_states: steps[0].cells[0].state.length,
    };
  },
  beam({ network, source, outLen, searches }) {
    const instance = new Network(network.config, decodeWeights(network.weights, network.shapes));
    return searches.map(([size, nBest]) => {
      const search = beamSearch(instance, instance.encode([source]), outLen, size, nBest);
      return {
        answers: search.answers.map(({ symbols, ended, hypothesis }) => ({ symbols, ended, logP: hypothesis.logP })),
        kept: search.steps.map(({ kept }) => kept.length),
        dropped: search.steps.map(({ dropped }) => dropped.length),
      };
    });
  },
  cells: () => Object.keys(EQUATIONS),
  weights({ stored, shapes }) {
    const decoded = decodeWeights(stored, shapes);
    return shapes.map(([name]) => [...decoded[name]]);
  },
  targets: ({ pattern, sources, largest }) =>
    sources.map((source) => {
      try {
        return PATTERNS[pattern](source, largest);
      } catch {
        return null;
      }
    }),
  align: ({ answer, target }) => align(answer, target),
  alignByPosition: ({ answer, target }) => alignByPosition(answer, target),
  open(networks) {
    app.networks = networks.map((network) => new TrainedNetwork(network));
    return app.networks.length;
  },
  // Opens a page whose source is "text" with the link "before", then follows the link "hash".
  link({ hash, text, before }) {
    app.open(before ?? "", text);
    app.open(hash);
    return {
      state: { ...app.state, replacement: null },
      written: location.hash,
      error: app.error || app.targetError,
      forced: app.runs.map((run) => run.steps.flatMap((step, t) => (step.written === step.symbol ? [] : [t]))),
      marked: app.runs.map((run) => run.steps.map((_, t) => outputMark(run, t) === "forced")),
      notes: app.runs.map((run) => answerNotes(run)),
    };
  },
  split: ({ text, ...vocabulary }) => new Vocabulary({ symbols: [], largest: 1, ...vocabulary }, "END").split(text),
  answers: ({ network, texts }) =>
    texts.map((text) => {
      try {
        return new TrainedNetwork(network).answer(text);
      } catch (error) {
        return error.message;
      }
    }),
  numbers: ({ vocabulary, text }) => {
    try {
      return new Vocabulary(vocabulary, "END").numbers(text);
    } catch (error) {
      return error.message;
    }
  },
};

let hasScript = false;
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  if (!hasScript) {
    vm.runInThisContext(JSON.parse(line)); // its names become global
    hasScript = true;
    return;
  }
  const [name, question] = JSON.parse(line);
  console.log(JSON.stringify(QUESTIONS[name](question)));
});

// Answers questions about the page's script. The first line of the input is the script, as JSON. Each further line is a
// question, [name, argument], which calls a function of QUESTIONS. The answer is a line of JSON: the value that the
// function returned, or the error that it has thrown.
import readline from "node:readline";
import vm from "node:vm";

// The parts of the browser that the source panel's tiles and the address need.
class Element {
  children = [];
  append(...children) {
    this.children.push(...children);
  }
}
globalThis.document = { createElement: () => new Element(), documentElement: {} };
globalThis.location = { hash: "" };
globalThis.history = { replaceState: (_state, _title, hash) => (location.hash = hash) };

// Return [gradient, central difference] of a loss at up to `n` numbers of each matrix.
function slopes(matrices, loss, n, epsilon = 1e-2) {
  differentiate(loss);
  return matrices.flatMap((matrix) =>
    Array.from({ length: Math.min(n, matrix.length) }, (_, k) => {
      const i = Math.floor((k * matrix.length) / n) % matrix.length;
      const value = matrix[i];
      const [above, below] = [epsilon, -epsilon].map((change) => {
        matrix[i] = value + change;
        return loss();
      });
      matrix[i] = value;
      return [matrix.gradient[i], (above - below) / (2 * epsilon)];
    }),
  );
}

const QUESTIONS = {
  networkSlopes({ network, sources, targets }) {
    const instance = new Network(network.config, decodeWeights(network.weights, network.shapes));
    const trainer = new Trainer(instance);
    return slopes(
      trainer.parameters.map(({ weights }) => weights),
      () => meanLoss(instance, sources, targets),
      3,
    );
  },
  // Trains on the batches; returns the losses and the final weights.
  train({ network, weights, batches, rate, options }) {
    const instance = new Network(network.config, decodeWeights(network.weights, network.shapes));
    for (const [name, numbers] of Object.entries(weights ?? {})) instance.weights[name].set(numbers);
    const trainer = new Trainer(instance);
    const losses = batches.map(([sources, targets]) =>
      rate ? trainer.train(sources, targets, rate, options) : meanLoss(instance, sources, targets, options),
    );
    return { losses, weights: Object.values(instance.weights).map((matrix) => [...matrix]) };
  },
  rightSymbols: ({ network, sources, targets }) =>
    rightSymbols(new Network(network.config, decodeWeights(network.weights, network.shapes)), sources, targets),
  // Runs a course of a pattern or, with `text`, of pairs; returns its points, the kept steps and the steepest one, its
  // weights before and after, and its task and batches.
  course({ training, settings, steps, text, bidirectional, alone }) {
    const [attention, without] = training.networks;
    const learners = [bidirectional ? training.bidirectional : attention, without];
    const course = new Course(learners, settings, (random) =>
      text ? pairsTask(readPairs(text, []), random) : patternTask(settings, random),
    );
    // the other network only has its initial weights, which come from the same random numbers
    if (alone) for (const all of [course.networks, course.trainers, course.kept, course.losses]) all.length = 1;
    const weights = () =>
      course.networks.map((network) => Object.entries(network.weights).map(([name, x]) => [name, [...x]]));
    const [before, batches] = [weights(), []];
    const { draw } = course.task;
    course.task.draw = () => batches[batches.push(draw()) - 1];
    const work = course.work();
    while (course.steps < steps || course.points.at(-1).steps < steps - (steps % 20)) work.next();
    const { source, target, pairs } = course.task;
    const task = { heldOut: course.measured, nHeldOut: course.nHeldOut, source, target, pairs };
    const kept = { kept: course.keptSteps, steepest: course.steepest(), nKept: course.kept.map((all) => all.length) };
    return { points: course.points, ...kept, before, after: weights(), batches, task };
  },
  readPairs({ text, kinds, copies }) {
    const start = process.cpuUsage();
    const { pairs, ...reading } = readPairs(text.repeat(copies ?? 1), kinds ?? []);
    const joined = pairs.map(({ source, target }) => [source.join("|"), target.join("|")]);
    return { ...reading, pairs: joined.slice(0, 10_000), ms: process.cpuUsage(start).user / 1000 };
  },
  run({ network, source, outLen, decoderInput, forced }) {
    const instance = new Network(network.config, decodeWeights(network.weights, network.shapes));
    const { encoded, steps } = instance.run(source, outLen, {
      decoderInput,
      forced: Object.fromEntries(forced),
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
  align: (pairs) => pairs.map(([answer, target]) => align(answer, target)),
  alignByPosition: (pairs) => pairs.map(([answer, target]) => alignByPosition(answer, target)),
  open(networks) {
    app.networks = networks.map((network) => new TrainedNetwork(network));
    return app.networks.length;
  },
  // Opens a page whose source is "text" with the link "before", then follows the link "hash".
  link({ hash, text, before }) {
    app.open(readHash(before ?? ""), text);
    app.open(readHash(hash));
    return {
      state: { ...app.state, replacement: null },
      written: location.hash,
      error: app.error || app.targetError,
      forced: app.runs.map((run) => run.steps.flatMap((step, t) => (step.written === step.symbol ? [] : [t]))),
      marked: app.runs.map((run) => run.steps.map((_, t) => isForced(t))),
    };
  },
  split: ({ text, ...vocabulary }) => new Vocabulary({ symbols: [], largest: 1, ...vocabulary }, "END").split(text),
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
  let answer = {};
  try {
    answer = { value: QUESTIONS[name](question) };
  } catch (error) {
    answer = { thrown: error.stack };
  }
  console.log(JSON.stringify(answer));
});

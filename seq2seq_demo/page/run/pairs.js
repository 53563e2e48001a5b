/* Reads a user's pairs, recognises their symbols, and holds out a tenth of the sources, as data/ does in Python. */

import { thousands } from "../draw/format.js";
import { generator, inWords, Vocabulary } from "../network/symbols.js";
import { batchesOf, isKnown } from "./course.js";

/** @import { Batch, Task } from "./course.js"
    @import { VocabularyData } from "../network/symbols.js" */

const [MIN_PAIRS, MAX_PAIRS] = [20, 5000];
export const [MAX_LEN, MAX_SYMBOLS] = [60, 200];
const MAX_LINE = 1000; // characters
const FIRST_HELD_OUT = 5; // the index of the held-out source among every ten sources
const N_EXAMPLES = 5; // held-out pairs that the page offers as examples
const SEPARATORS = ["\t", "→", ";", ","];
/** Column names for sources and for targets.
    @type {string[][]} */
const HEADER = [
  "source src input x word text question lemma spelling grapheme graphemes".split(" "),
  "target tgt output y answer label translation pronunciation phonemes phones ipa".split(" "),
];
// Words recur if there are at most FEW_WORDS different ones, plus one for every MEAN_COUNT words; see data/tokens.py.
const [FEW_WORDS, MEAN_COUNT] = [50, 25];
const WORD = /^([!-/:-@[-`{-~]+|[^!-/:-@[-`{-~0-9]+[0-9]?)$/u;
const INTEGERS = /^(0|[1-9][0-9]{0,9})(\s+(0|[1-9][0-9]{0,9}))+$/; // no leading zeros, unlike dates

/** @typedef {"characters" | "words"} Kind
    @typedef {{ source: string[], target: string[] }} Pair The symbols of a pair.
    @typedef {{ text: string, asked: (Kind | "")[], pairs: Pair[], kinds: Kind[], problems: string[], refusal: string }} Reading
      `asked` contains the kinds that the user chose. `problems` lists the lines that were left out. `refusal` says why
      networks cannot learn the pairs; it is empty if they can. */

/** Read a pair from each line of a string. The separator between source and target is the first of SEPARATORS that
    occurs in the first line with a separator. `kinds` contains the kinds of the source and the target symbols; an empty
    kind is recognised from the strings.
    @type {(text: string, kinds: (Kind | "")[]) => Reading} */
export function readPairs(text, kinds) {
  const lines = text.split(/\r\n|[\r\n]/);
  const first = lines.findIndex((line) => line.trim());
  const separatorIn = (/** @type {string} */ line) => SEPARATORS.find((one) => line.slice(0, MAX_LINE).includes(one));
  const separator = separatorIn(lines.find(separatorIn) ?? "") ?? "\t";
  /** @type {string[]} */
  const problems = [];
  /** @type {[line: number, sides: string[]][]} */
  const rows = [];
  lines.forEach((line, i) => {
    if (!line.trim()) return;
    const sides = line.length > MAX_LINE ? [] : cellsOf(line, separator).map((cell) => cell.trim());
    if (i === first && HEADER.every((names, side) => names.includes(sides[side]?.toLowerCase()))) return;
    if (sides.length === 2 && sides.every((side) => side)) rows.push([i + 1, sides]);
    else problems.push(`line ${i + 1}: ${problemOf(line, sides)}`);
  });
  const columns = [0, 1].map((side) => rows.map(([, sides]) => sides[side]));
  const hasIntegers = columns.some((strings, side) => kinds[side] !== "characters" && areIntegers(strings, false));
  const chosen = columns.map((strings, side) => kinds[side] || kindOf(strings, hasIntegers));
  const vocabularies = columns.map((strings, side) => new Vocabulary(vocabularyOf(chosen[side], strings), ""));
  const pairs = new Map();
  for (const [line, sides] of rows) {
    const [source, target] = sides.map((side, i) => vocabularies[i].split(side));
    const longest = Math.max(source.length, target.length);
    if (longest > MAX_LEN) problems.push(`line ${line}: ${longest} symbols; at most ${MAX_LEN} are possible`);
    else pairs.set(JSON.stringify([source, target]), { source, target });
  }
  const read = [...pairs.values()];
  return { text, asked: kinds, pairs: read, kinds: chosen, problems, refusal: refusalOf(read, text) };
}

/** Split a line into cells. A cell in quotation marks may contain the separator, unless the separator is a tab or an
    arrow.
    @type {(line: string, separator: string) => string[]} */
function cellsOf(line, separator) {
  if (!/[;,]/.test(separator) || !line.includes('"')) return line.split(separator);
  const outsideQuotes = new RegExp(`${separator}(?=(?:[^"]*"[^"]*")*[^"]*$)`);
  return line.split(outsideQuotes).map((cell) => cell.replace(/^\s*"(.*)"\s*$/, "$1").replaceAll('""', '"'));
}

/** Say why a line is not a pair.
    @type {(line: string, sides: string[]) => string} */
function problemOf(line, sides) {
  if (line.length > MAX_LINE)
    return `${thousands(line.length)} characters; at most ${thousands(MAX_LINE)} are possible`;
  if (sides.length > 2) return `expected a source and a target, got ${sides.length} columns`;
  return sides.length < 2 || !sides[1] ? "the target is missing" : "the source is missing";
}

/** Say why networks cannot learn these pairs; "" if they can.
    @type {(pairs: Pair[], text: string) => string} */
function refusalOf(pairs, text) {
  if (!text.trim()) return "Paste pairs, open a file, or begin with a sample.";
  const n = new Set(pairs.map(({ source }) => source.join("\n"))).size;
  if (n < MIN_PAIRS) return `Expected at least ${MIN_PAIRS} pairs with different sources, got ${n}.`;
  const note = "the program has no limit";
  if (pairs.length > MAX_PAIRS)
    return `Expected at most ${thousands(MAX_PAIRS)} pairs, got ${thousands(pairs.length)}; ${note}.`;
  const symbols = [pairs.flatMap(({ source }) => source), pairs.flatMap(({ target }) => target)];
  const most = Math.max(...symbols.map((side) => new Set(side).size));
  return most > MAX_SYMBOLS ? `Expected at most ${MAX_SYMBOLS} different symbols per side, got ${most}; ${note}.` : "";
}

/** Return whether at least half of the strings on one side are integers or lists of integers, and either this side
    contains a list or the other side contains integers.
    @type {(strings: string[], isBesideIntegers: boolean) => boolean} */
function areIntegers(strings, isBesideIntegers) {
  const nLists = strings.filter((one) => INTEGERS.test(one)).length;
  const n = nLists + strings.filter((one) => /^[0-9]+$/.test(one)).length;
  return (nLists > 0 || isBesideIntegers) && n > 0 && 2 * n >= strings.length;
}

/** Return the kind of symbols on one side, as data/tokens.py does. Integers count as words.
    @type {(strings: string[], isBesideIntegers: boolean) => Kind} */
function kindOf(strings, isBesideIntegers) {
  if (areIntegers(strings, isBesideIntegers)) return "words";
  const words = strings.flatMap((one) => one.split(/\s+/));
  const counts = new Map();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const recurring = [...counts].filter(([word, n]) => n > 1 && WORD.test(word)).length;
  const recur = counts.size <= FEW_WORDS + words.length / MEAN_COUNT && 2 * recurring >= counts.size;
  return words.length > strings.length && recur ? "words" : "characters";
}

/** Return the vocabulary of one side, with sorted symbols. Strings with Hangul are split into letters.
    @type {(tokens: Kind, strings: string[], symbols?: string[]) => VocabularyData} */
export function vocabularyOf(tokens, strings, symbols = []) {
  const hasHangul = tokens === "characters" && strings.some((one) => /[\u1100-\u11ff\uac00-\ud7a3]/u.test(one));
  const sorted = [...new Set(symbols)].sort();
  return { tokens, symbols: sorted, largest: sorted.length - 1, form: hasHangul ? "NFD" : "NFC" };
}

/** Return the hash of a string, a number from 0 to 2³² − 1 (FNV-1a, followed by the last step of MurmurHash3). */
function hash(/** @type {string} */ text) {
  let h = 2166136261;
  for (const character of text) h = Math.imul(h ^ (character.codePointAt(0) ?? 0), 16777619);
  h = Math.imul(h ^ (h >>> 16), 2246822507);
  h = Math.imul(h ^ (h >>> 13), 3266489909);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Return the task of learning pairs; training batches are drawn with `random`. The sources are sorted by length and
    then by a hash, and every tenth source is held out. The sources in a batch have equal lengths. Each training pair
    occurs once in an epoch.
    @type {(reading: Reading, random: () => number) => Task} */
export function pairsTask(reading, random) {
  const { pairs, kinds } = reading;
  const keyOf = (/** @type {Pair} */ { source }) => source.join("\n");
  const sources = [...new Map(pairs.map((pair) => [keyOf(pair), pair.source.length]))]
    .map(([key, length]) => ({ key, length, hash: hash(key) }))
    .sort((a, b) => a.length - b.length || a.hash - b.hash);
  const heldOut = sources.filter((_, i) => i % 10 === FIRST_HELD_OUT);
  const nHeldOut = heldOut.length;
  const ids = new Map([...new Set([...heldOut, ...sources])].map(({ key }, id) => [key, id])); // held-out sources first
  const idOf = (/** @type {Pair} */ pair) => ids.get(keyOf(pair)) ?? 0;
  const training = pairs.filter((pair) => idOf(pair) >= nHeldOut);
  const [source, target] = /** @type {const} */ (["source", "target"]).map((side, i) => {
    const [all, learned] = [pairs, training].map((some) => some.flatMap((pair) => pair[side]));
    return vocabularyOf(kinds[i], all, learned);
  });
  const numbers = [source, target].map(({ symbols }) => new Map(symbols.map((symbol, number) => [symbol, number])));
  const rows = pairs.map((pair) => ({
    id: idOf(pair),
    strings: [pair.source, pair.target].map((symbols, i) => symbols.join(kinds[i] === "words" ? " " : "").normalize()),
    source: pair.source.map((symbol) => numbers[0].get(symbol) ?? -1), // −1 if the symbol does not occur in training
    target: pair.target.map((symbol) => numbers[1].get(symbol) ?? -1),
  }));
  const heldOutRows = rows.filter(({ id }) => id < nHeldOut);
  const trained = rows.filter(({ id }) => id >= nHeldOut);
  const end = [target.largest + 1];
  /** @type {Batch[]} */
  let epoch = [];
  return {
    ...{ source, target, pattern: null, ends: true, pairs: rows, reading },
    lengths: [...new Set(trained.map((row) => row.source.length))].sort((a, b) => a - b),
    outLen: Math.max(...trained.map((row) => row.target.length)),
    examples: [...heldOutRows.filter(isKnown), ...trained].slice(0, N_EXAMPLES).map((row) => ({ ...row, note: "" })),
    holdOut: () => heldOutRows,
    draw: () => {
      if (!epoch.length) epoch = shuffled(batchesOf(shuffled(trained, random), end), random);
      return /** @type {Batch} */ (epoch.pop());
    },
  };
}

/** Return a copy of a list in random order (Fisher–Yates shuffle).
    @type {<T>(list: T[], random: () => number) => T[]} */
function shuffled(list, random) {
  const order = [...list];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/* The samples. */

// Parts of the words in two samples. Most of these words are made up, but some exist, such as “cat”.
const STARTS = "b bl br ch cl d dr f fl fr g gl gr h j k l m n p pl pr qu r s sh sl sp st str t th tr v w".split(" ");
const VOWELS = "a e o ai ea ee oa ou".split(" ");
const ENDS = "b ch d f l ll m n nd ng nk nt p r rd rk rm s sh sk ss st t tch th x y".split(" ");
const ROMAN = { M: 1000, CM: 900, D: 500, CD: 400, C: 100, XC: 90, L: 50, XL: 40, X: 10, IX: 9, V: 5, IV: 4, I: 1 };

/** @type {(word: string) => string} */
const plural = (word) =>
  /(s|x|z|ch|sh)$/.test(word) ? `${word}es` : /[^aeo]y$/.test(word) ? `${word.slice(0, -1)}ies` : `${word}s`;

/** @type {(word: string) => string} */
const pigLatin = (word) => `${word.replace(/^(qu|[^aeiou]+)(.*)$/, "$2$1")}ay`;

/** @type {(n: number) => string} */
function roman(n) {
  let text = "";
  for (const [letters, value] of Object.entries(ROMAN)) for (; n >= value; n -= value) text += letters;
  return text;
}

const sample = (/** @type {number} */ n, /** @type {string[]} */ all) => shuffled(all, generator(1)).slice(0, n);
const numbersTo = (/** @type {number} */ n) => Array.from({ length: n }, (_, i) => `${i + 1}`);
const madeUp = () => STARTS.flatMap((start) => VOWELS.flatMap((vowel) => ENDS.map((end) => start + vowel + end)));

/** For each sample, a function that returns its sources, and a function that returns the target of a source.
    @type {Record<string, [() => string[], (source: string) => string]>} */
export const SAMPLES = {
  "English plurals": [() => sample(1200, madeUp()), plural], // mostly of made-up words, as in Berko's test (1958)
  "Numbers in words": [() => sample(900, numbersTo(999)), (source) => inWords(Number(source)).join(" ")],
  "Roman numerals": [() => sample(1200, numbersTo(3999)), (source) => roman(Number(source))],
  "Pig latin": [() => sample(1200, madeUp()), pigLatin],
};

/** Return a sample as a string with one pair per line. */
export function sampleText(/** @type {string} */ name) {
  const [sources, targetOf] = SAMPLES[name];
  const lines = sources().map((source) => `${source}\t${targetOf(source)}`);
  return lines.join("\n");
}

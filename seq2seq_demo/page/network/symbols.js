/* Patterns and vocabularies, as in data/patterns.py and data/vocabulary.py, and random numbers. */

/** @typedef {{ tokens: "integers" | "characters" | "words", symbols: string[], largest: number, form?: string,
      lowercase?: boolean, words?: string[] }} VocabularyData */

/** The built-in patterns: functions that take a source [S] and the largest target symbol, and return the target, or
    null for a source that they do not accept.
    @type {Record<string, (source: number[], largest: number) => number[] | null>} */
export const PATTERNS = {
  sorted: (source) => [...source].sort((a, b) => a - b),
  reversed: (source) => [...source].reverse(),
  maxmin_dup: (source) => (source.length < 2 ? null : [Math.max(...source), Math.min(...source), ...source.slice(2)]),
  copy: (source) => [...source],
  rotated: (source) => [...source.slice(1), source[0]],
  running_sum: (source, largest) => {
    let sum = 0;
    return source.map((symbol) => (sum = (sum + symbol) % (largest + 1)));
  },
  added: (source) => {
    if (source.length % 2 || Math.max(...source) > 9) return null; // not two numbers of equal length
    const half = source.length / 2;
    const [first, second] = [source.slice(0, half), source.slice(half)].map((digits) => BigInt(digits.join("")));
    return Array.from(String(first + second).padStart(half + 1, "0"), Number);
  },
};

/** Return a function that returns pseudorandom numbers from 0 up to, but not including, 1.
    @type {(seed: number) => () => number} */
export function generator(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // a linear congruential generator (Knuth and Lewis)
    return state / 2 ** 32;
  };
}

/** Return the target of a source; null if the pattern is not in PATTERNS or does not accept the source.
    @type {(pattern: string | null, source: number[], largest: number) => number[] | null} */
export const targetOf = (pattern, source, largest) => PATTERNS[pattern ?? ""]?.(source, largest) ?? null;

const ONES =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen";
const TENS = "twenty thirty forty fifty sixty seventy eighty ninety";
const NUMBER_WORDS = `${ONES} ${TENS} hundred thousand`.split(" ");

/** Return the English words for a number below a million.
    @type {(n: number) => string[]} */
export function inWords(n) {
  if (n < 20) return [NUMBER_WORDS[n]];
  const [unit, i] = n < 100 ? [10, 18 + Math.floor(n / 10)] : n < 1000 ? [100, 28] : [1000, 29];
  const word = NUMBER_WORDS[i];
  const first = unit === 10 ? [word] : [...inWords(Math.floor(n / unit)), word];
  return n % unit ? [...first, ...inWords(n % unit)] : first;
}

/** Return the symbols of the English words for a number. Return null if the string is not a number below a million, or
    if the vocabulary does not consist of the words for numbers.
    @type {(text: string, vocabulary: Vocabulary) => number[] | null} */
export function numberInWords(text, { symbols, numberOf }) {
  if (symbols.length !== NUMBER_WORDS.length || !/^(0|[1-9][0-9]{0,5})$/.test(text)) return null;
  const numbers = inWords(Number(text)).map((word) => numberOf.get(word) ?? -1);
  return numbers.includes(-1) ? null : numbers;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the characters at which Python's str.split splits
const WHITE_SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/u;

/** The symbols of sources or targets: the integers 0…largest, characters, or words. */
export class Vocabulary {
  /** `goName` is the name of the symbol largest + 1: "GO", or "END" for targets that end.
      @param {VocabularyData} data @param {string} goName */
  constructor({ tokens, symbols, largest, form = "NFC", lowercase = false, words = [] }, goName) {
    this.tokens = tokens;
    this.isText = tokens !== "integers";
    this.isSingleDigits = !this.isText && largest <= 9;
    this.symbols = symbols;
    this.largest = largest;
    this.form = form;
    this.composes = form === "NFD" && /[\u1100-\u11ff]/u.test(symbols.join("")); // letters of Hangul
    this.lowercase = lowercase;
    this.words = words; // an example word per symbol, if all symbols are phones
    this.goName = goName;
    this.numberOf = new Map(symbols.map((symbol, number) => [symbol, number]));
  }

  /** Return the numbers of a string's symbols. Throws an Error that names the first invalid symbol.
      @param {string} text @param {boolean} [splitsDigits] whether 314 means 3 1 4 if all symbols are digits */
  numbers(text, splitsDigits = true) {
    return this.split(text, splitsDigits).map((symbol, _, { length }) => this.number(symbol, length === 1));
  }

  /** Split a string into symbols, which are strings and need not be in the vocabulary. */
  split(/** @type {string} */ text, splitsDigits = true) {
    if (this.tokens === "characters") {
      const hasSpace = !this.symbols.length || this.symbols.some((symbol) => WHITE_SPACE.test(symbol));
      return [...this.normalize(hasSpace ? text : text.trim())];
    }
    const between = this.isText ? WHITE_SPACE : /[\s,[\]]+/u;
    const words = this.normalize(text).split(between).filter(Boolean);
    const areDigits = splitsDigits && this.isSingleDigits && words.length === 1 && /^[0-9]+$/.test(words[0]);
    return areDigits ? [...words[0]] : words;
  }

  /** Return a string in the vocabulary's normal form and, if `lowercase` is set, in lower case. */
  normalize(/** @type {string} */ text) {
    return (this.lowercase ? text.normalize(this.form).toLowerCase() : text).normalize(this.form);
  }

  /** @type {(symbol: string, isOnly?: boolean) => number} */
  number(symbol, isOnly = false) {
    if (this.isText) {
      const number = this.numberOf.get(symbol);
      if (number !== undefined) return number;
      const other = [symbol.toLowerCase(), symbol.toUpperCase()].find((one) => this.numberOf.has(one));
      const hint = other === undefined ? "" : `, but “${other}” is`;
      throw new Error(`${symbol.trim() ? `“${symbol}”` : "A space"} is not in the vocabulary${hint}`);
    }
    if (/^\+?0*[0-9]{1,9}$/.test(symbol) && Number(symbol) <= this.largest) return Number(symbol);
    const digits = [...symbol];
    if (isOnly && /^[0-9]{2,}$/.test(symbol) && digits.every((digit) => Number(digit) <= this.largest)) {
      throw new Error(`Put spaces between the integers, as in ${digits.slice(0, 20).join(" ")}`);
    }
    throw new Error(`Expected integers from 0 to ${this.largest}, got “${symbol}”`);
  }

  /** List the symbols, but at most 40 of them. */
  description() {
    if (!this.isText) return `the integers 0 to ${this.largest}`;
    const more = this.symbols.length - 40;
    return this.symbols.slice(0, 40).join(" ") + (more > 0 ? ` and ${more} more` : "");
  }

  /** Return the name of a symbol. */
  name(/** @type {number} */ number) {
    const name = this.isText ? (this.symbols[number] ?? "\ufffd") : String(number);
    return number > this.largest ? this.goName : name;
  }

  /** Return the string for a list of symbol numbers. */
  text(/** @type {number[]} */ numbers) {
    const text = numbers.map((number) => this.name(number)).join(this.tokens === "characters" ? "" : " ");
    return this.composes ? text.normalize("NFC") : text;
  }
}

"use strict";
/* What is typed, and the numbers that the network knows: data/vocabulary.py and data/patterns.py again. */

/** The built-in patterns: from a source [S] to its target; `largest` is the target's largest symbol. They throw an
    Error for a source that they do not take. */
const PATTERNS = {
  sorted: (source) => [...source].sort((a, b) => a - b),
  reversed: (source) => [...source].reverse(),
  maxmin_dup: (source) => {
    if (source.length < 2) throw new Error("maxmin_dup takes 2 or more symbols");
    return [Math.max(...source), Math.min(...source), ...source.slice(2)];
  },
  copy: (source) => [...source],
  rotated: (source) => [...source.slice(1), source[0]],
  running_sum: (source, largest) => {
    let sum = 0;
    return source.map((symbol) => (sum = (sum + symbol) % (largest + 1)));
  },
  added: (source) => {
    if (source.length % 2) throw new Error("added takes an even number of symbols: two numbers of as many digits");
    if (Math.max(...source) > 9) throw new Error("added takes decimal digits");
    const half = source.length / 2;
    const target = new Array(half + 1);
    let carry = 0;
    for (let place = half - 1; place >= 0; place--) {
      const sum = source[place] + source[half + place] + carry;
      target[place + 1] = sum % 10;
      carry = sum > 9 ? 1 : 0;
    }
    target[0] = carry;
    return target;
  },
};

const WHITE_SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/u; // Python's

/** The symbols of sources or targets: integers 0…largest, or the characters or words of a text. */
class Vocabulary {
  /** goName is what GO, one above the largest, is called. */
  constructor({ tokens, symbols, largest }, goName) {
    this.tokens = tokens;
    this.symbols = symbols;
    this.largest = largest;
    this.goName = goName;
    this.numberOf = new Map(symbols.map((symbol, number) => [symbol, number]));
  }

  get isText() {
    return this.tokens !== "integers";
  }

  /** Return the numbers of a text's symbols; throw an Error that names the first that is none. */
  numbers(text) {
    return this.split(text).map((symbol, _, { length }) => this.number(symbol, length === 1));
  }

  /** Return the symbols in a text, as strings, whether they are known or not. */
  split(text) {
    if (this.tokens === "characters") {
      const isSpaceKnown = !this.symbols.length || this.symbols.some((symbol) => WHITE_SPACE.test(symbol));
      return [...(isSpaceKnown ? text : text.trim()).normalize("NFC")];
    }
    return text.normalize("NFC").split(this.isText ? WHITE_SPACE : /[\s,[\]]+/u).filter((word) => word !== "");
  }

  number(symbol, isAlone = false) {
    if (this.isText) {
      if (this.numberOf.has(symbol)) return this.numberOf.get(symbol);
      const other = [symbol.toLowerCase(), symbol.toUpperCase()].find((one) => this.numberOf.has(one));
      if (other !== undefined) throw new Error(`Training saw no ${symbol}, only ${other}: case counts`);
      throw new Error(`Training never saw “${symbol}”`);
    }
    if (/^[0-9]{1,9}$/.test(symbol) && Number(symbol) <= this.largest) return Number(symbol);
    const digits = [...symbol];
    if (isAlone && /^[0-9]{2,}$/.test(symbol) && digits.every((digit) => Number(digit) <= this.largest)) {
      throw new Error(`Put spaces between the integers, as in ${digits.slice(0, 20).join(" ")}`);
    }
    throw new Error(`Expected integers from 0 to ${this.largest}, got “${symbol}”`);
  }

  /** Return in words which symbols there are. */
  described() {
    if (!this.isText) return `the integers 0 to ${this.largest}`;
    const some = this.symbols.slice(0, 40).join(" ");
    return `${this.symbols.length} symbols: ${some}${this.symbols.length > 40 ? " …" : ""}`;
  }

  /** Return what a symbol is called. */
  name(number) {
    if (number > this.largest) return this.goName;
    if (!this.isText) return String(number);
    return number < this.symbols.length ? this.symbols[number] : "\ufffd";
  }

  /** Return the text that numbers make. */
  text(numbers) {
    return numbers.map((number) => this.name(number)).join(this.tokens === "characters" ? "" : " ");
  }
}

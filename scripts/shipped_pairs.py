"""Make the pairs on which `scripts/train_gallery_networks` trains the networks `dates` and `numbers`.

    .venv/bin/python scripts/shipped_pairs.py FOLDER

For each network, this writes NAME.tsv (the training pairs), NAME_dev.tsv and NAME_test.tsv. No date or number
occurs in two of these files.
"""

import datetime
import itertools
import random
import sys
from collections.abc import Iterator
from pathlib import Path

Pair = tuple[str, str]
SIZES = {"": 6000, "_dev": 1000, "_test": 2000}  # number of pairs, by the end of the file name

# {d} is the day, {o} the ordinal, {m} the month, {s} its short form, {w} the day of the week and {y} the year.
FORMATS = {
    "en": ["{d} {m} {y}", "{o} {m} {y}", "{m} {d}, {y}", "{m} {o}, {y}", "{m} {d} {y}", "{w}, {d} {m} {y}",
           "{w}, {m} {d}, {y}", "{w}, {m} {o}, {y}", "{d} {s} {y}", "{s} {d}, {y}",
           "{o} of {m} {y}", "the {o} of {m} {y}"],
    "de": ["{d}. {m} {y}", "{d}. {m} {y}", "{w}, {d}. {m} {y}", "{w}, den {d}. {m} {y}"],
    "es": ["{d} de {m} de {y}", "{d} de {m} de {y}", "{d} {m} {y}", "{w}, {d} de {m} de {y}"],
    "fr": ["{o} {m} {y}", "{o} {m} {y}", "le {o} {m} {y}", "{w} {o} {m} {y}"],
    "it": ["{d} {m} {y}", "{d} {m} {y}", "{w} {d} {m} {y}"],
}  # fmt: skip
MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
}
WEEKDAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "de": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    "es": "lunes martes miércoles jueves viernes sábado domingo",
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "it": "lunedì martedì mercoledì giovedì venerdì sabato domenica",
}
SMALL = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
SMALL += ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def dates(rng: random.Random) -> Iterator[Pair]:
    """Yield dates from 1900 to 2099, half of them in English, each with the date in ISO 8601."""
    first, last = datetime.date(1900, 1, 1).toordinal(), datetime.date(2099, 12, 31).toordinal()
    languages = [language for language in FORMATS if language != "en"]
    for day in rng.sample(range(first, last + 1), last + 1 - first):
        date = datetime.date.fromordinal(day)
        language = "en" if rng.random() < 0.5 else rng.choice(languages)
        month = MONTHS[language].split()[date.month - 1]
        parts = {"d": date.day, "o": ordinal(date.day, language), "m": month, "s": month[:3], "y": date.year}
        weekday = WEEKDAYS[language].split()[date.weekday()]
        yield rng.choice(FORMATS[language]).format(w=weekday, **parts), date.isoformat()


def ordinal(day: int, language: str) -> str:
    """Return the day as an English ordinal; in French, only the first day has an ordinal."""
    if language == "fr":
        return "1er" if day == 1 else str(day)
    ending = "th" if 10 < day < 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def numbers(rng: random.Random) -> Iterator[Pair]:
    """Yield numbers of up to six digits, each with its English words: 0 to 99, then random numbers with many zeros."""
    known = set(range(100))
    yield from ((str(n), in_words(n)) for n in range(100))
    while True:
        n = int("".join(rng.choice("000123456789123456789") for _ in range(rng.randint(3, 6))))
        if n not in known:
            known.add(n)
            yield str(n), in_words(n)


def in_words(n: int) -> str:
    """Return a number below a million in English words, without hyphens and without `and`."""
    for unit, name in ((1000, "thousand"), (100, "hundred")):
        if n >= unit:
            rest = f" {in_words(n % unit)}" if n % unit else ""
            return f"{in_words(n // unit)} {name}{rest}"
    if n < 20:
        return SMALL[n]
    return TENS[n // 10 - 2] + (f" {SMALL[n % 10]}" if n % 10 else "")


def main() -> None:
    """Write the files."""
    folder = Path(sys.argv[1])
    for name, pairs in {"dates": dates(random.Random(0)), "numbers": numbers(random.Random(0))}.items():
        for part, n in SIZES.items():
            text = "".join(f"{source}\t{target}\n" for source, target in itertools.islice(pairs, n))
            (folder / f"{name}{part}.tsv").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

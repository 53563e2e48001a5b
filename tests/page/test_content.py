"""The numbers in the gallery: each is computed, by the bundled networks or by Node.

A test takes the numbers out of a passage by patterns and compares them. If one is left that no pattern took, it fails.
"""

import base64
import functools
import itertools
import json
import random
import re
from pathlib import Path

import numpy as np
import pytest
from helpers import ROOT
from helpers_page import ask, draw_trials, needs_node, run_course, training_settings
from rapidfuzz.distance import Levenshtein

from seq2seq_demo import load
from seq2seq_demo.config import ModelConfig
from seq2seq_demo.network.numpy_network import NumpyNetwork
from seq2seq_demo.network.parameters import weight_shapes
from seq2seq_demo.page import gallery
from seq2seq_demo.page.builder import read_asset
from seq2seq_demo.page.gallery import GALLERY, THEORY
from seq2seq_demo.page.training import MODELS

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:The network was trained on length")]
NAMES = "two three four five six seven eight nine ten eleven twelve twenty thirty forty-five ninety quarter half twice"
WORDS = dict(zip(NAMES.split(), [*range(2, 13), 20, 30, 45, 90, 0.25, 0.5, 2], strict=True))
WORDS |= {"third of": 1 / 3}
NUMBER = rf"(?<![A-Za-z\d])\d+(?:,\d{{3}})*(?:\.\d+)?|\b(?:{'|'.join(WORDS)})\b"


def as_text(markup):
    """The text of HTML in one line: sources in backticks, stressed words between stars, cells between bars."""
    for tag, sign in {"code": "`", "b": "**", "i": "*"}.items():
        markup = re.sub(f"</?{tag}>", sign, markup)
    return " ".join(re.sub("<[^>]*>", "", re.sub(r"<t[dh]\b[^>]*>|</tr>", " | ", markup)).replace("</td>", " ").split())


TEACHING = " ".join((ROOT / "seq2seq_demo" / "docs" / "TEACHING.md").read_text(encoding="utf-8").split())
EXERCISES = {
    one.number: (as_text(one.place(one.question) + one.table), as_text(one.answer)) for one in gallery.EXERCISES
}
LENGTHS = "reversed-attention", "long-rnn"  # with attention and without, trained on 1 to 20 digits
END, NOTHING = 10, -1
# What the page's networks learn; `scripts/page_speed.py --courses` writes it.
COURSES = json.loads(Path(__file__).with_name("courses.json").read_text(encoding="utf-8"))


def numbers(text):
    """The numbers in a passage, also in words."""
    found = re.findall(NUMBER, text, re.IGNORECASE)
    return [WORDS[one.lower()] if one.lower() in WORDS else float(one.replace(",", "")) for one in found]


class Text:
    """A passage from which numbers are taken."""

    def __init__(self, text):
        self.text, self.taken = text, set()

    def take(self, pattern):
        """The numbers in the groups of all matches of a pattern, of which there is at least one."""
        matches = [*re.finditer(pattern, self.text)]
        assert matches, pattern
        spans = [match.span(i + 1) for match in matches for i in range(len(match.groups()))]
        self.taken |= {position for span in spans for position in range(*span)}
        return [number for start, end in spans for number in numbers(self.text[start:end])]

    def left(self):
        """The numbers that were not taken, with the text around them."""
        found = re.finditer(NUMBER, self.text, re.IGNORECASE)
        return [self.text[max(0, at.start() - 20) : at.end() + 20] for at in found if at.start() not in self.taken]


loaded = functools.cache(load)


def random_sources(n_digits, n=2000):
    return np.random.default_rng(n_digits).integers(0, 10, (n, n_digits))


def targets(sources):
    """The reversed sources, with END, and with NOTHING up to the length of `write`."""
    ended = np.hstack([np.array(sources)[:, ::-1], np.full((len(sources), 1), END)])
    return np.pad(ended, ((0, 0), (0, max(0, 21 - ended.shape[1]))), constant_values=NOTHING)


def write(name, sources, forced=None):
    """The answers to sources of one length, with END and then NOTHING; `forced` has symbols by output."""
    network, steps = loaded(name).to_numpy(), []
    state, fed = network.start(np.array(sources)), np.full(len(sources), END)
    for t in range(loaded(name).answer_len(len(sources[0])) + 1):
        state, logits, _ = network.step(fed, state)
        fed = np.broadcast_to((forced or {}).get(t, logits.argmax(axis=1)), len(sources))
        steps.append(fed)
    symbols = np.stack(steps, axis=1)
    return np.where(np.cumsum(symbols == END, axis=1) - (symbols == END), NOTHING, symbols)


@functools.cache
def answers(name, n_digits):
    """The answers to 2,000 random sources, and whether each symbol is right."""
    written = write(name, random_sources(n_digits))
    return written, written == targets(random_sources(n_digits))


def cut(written):
    """An answer with END or, if it does not end, up to the length of an answer."""
    return [*written[written != NOTHING]] if END in written else [*written[:-1]]


def n_edits(written, source):
    return Levenshtein.distance(cut(written), [*source[::-1], END])


def percent(is_right):
    """The percentage that is true; with digits after the point if it would be rounded to 0, 1 or 100."""
    exact = 100 * float(np.mean(is_right))
    return next(x for x in (round(exact, n) for n in range(4)) if x not in (0, 1, 100) or x == exact)


def exact_matches(n_digits):
    return [percent(answers(name, n_digits)[1].all(axis=1)) for name in LENGTHS]


def influence(name, source):
    """The fraction of the nine replacements of an input that changes an output, as on the page: [outputs, inputs]."""
    trials = [[*source[:s], digit, *source[s + 1 :]] for s, old in enumerate(source) for digit in {*range(10)} - {old}]
    before, *others = ([*map(int, one[one != NOTHING])] for one in write(name, [source, *trials]))
    changed = np.ones((len(trials), len(before)), bool)
    (aligned,) = ask(("align", [[after, before] for after in others]))
    for row, one in zip(changed, aligned, strict=True):
        row[[t for t, kind in zip(one["targetIndex"], one["kinds"], strict=True) if kind == "right"]] = False
    return changed.reshape(len(source), 9, -1).mean(axis=1).T


def source_of(question):
    """The digits of the first source of an exercise."""
    return [int(digit) for digit in re.search(r"`([\d ]+)`", question)[1].split()]


def learned(length):
    """The networks of COURSES that trained on a length, with attention and without."""
    for model, stored in zip(MODELS.values(), COURSES["weights"][length], strict=True):
        config, weights = ModelConfig(model, cell_size=16, ends="-" in length), {}
        integers = np.frombuffer(base64.b64decode(stored["numbers"]), "<i2")
        for (name, shape), scale in zip(weight_shapes(config).items(), stored["scales"], strict=True):
            part, integers = np.split(integers, [int(np.prod(shape))])
            weights[name] = (part * scale).astype(np.float32).reshape(shape)
        yield NumpyNetwork(config, weights)


def curves():
    """Exact match in % by samples of the two networks in the picture of the index, which belongs to exercise 1."""
    points = re.findall(r'points="(.*?)"', read_asset("curves.html"))
    pairs = [re.findall(r"([\d.]+),([\d.]+)", one) for one in points]
    exact = lambda y: round(200 * (130 - float(y)) / 110) / 2  # noqa: E731
    return [{round((float(x) - 50) * 64_000 / 310): exact(y) for x, y in one} for one in pairs]


def exercise_1(_, answer):
    n_new, *seeds = answer.take(r"Exact match on (\d+) new sources, for seeds (\d), (\d) and (\d)")
    units = answer.take(r"\| units \| (\d+) \| (\d+) \| (\d+) \|")
    exact = np.array([[COURSES["exact"][f"{H:g}"][int(seed)] for seed in seeds] for H in units])  # samples, networks
    for (i, samples), (j, attention) in itertools.product(
        enumerate(("16,000", "64,000")), enumerate(("with attention", "without"))
    ):
        row = answer.take(rf"\| ({samples}), {attention} \| (.*?)% \| (.*?)% \| (.*?)% \|")
        assert row == [numbers(samples)[0], *(round(100 * x, 1) for x in exact[:, :, i, j].ravel())]
    assert answer.take(r"must hold all (ten) digits") == [int(training_settings()["length"][0])]
    n_numbers, n_units, samples, wrong = answer.take(
        r"(\d+) numbers with (\d+) units\) .*? after ([\d,]+) samples, over a (third of) the answers are wrong"
    )
    assert n_numbers == 2 * n_units and samples == 64_000
    assert (1 - exact[units.index(n_units), :, 1, 1] > wrong).all()
    sizes = [
        sum(int(np.prod(shape)) for shape in weight_shapes(ModelConfig(model, cell_size=int(n_units))).values())
        for model in MODELS.values()
    ]
    assert answer.take(r"has ([\d,]+) weights and the other one ([\d,]+); in exercise (2), the") == [*sizes, 2]
    slowest = units.index(*answer.take(r"With (\d+) units, both learn more slowly\."))
    assert (exact[slowest] < exact[slowest + 1]).all()
    computed = run_course(300, alone=True)  # the first part of the curves, which COURSES continues
    assert computed["task"]["nHeldOut"] == n_new
    points = {point["samples"]: point["exact"][0] for point in computed["points"]}
    assert [curves()[0][n] for n in (3200, 6400, 9600)] == [100 * points[n] for n in (3200, 6400, 9600)]
    for i, curve in enumerate(curves()):
        assert [curve[n] for n in (16_000, 64_000)] == [round(100 * x, 1) for x in exact[1, 0, :, i]]
    before, after, reached = Text(TEACHING).take(
        r"loss falls from ([\d.]+) to ([\d.]+) before exact match reaches (\d+)"
    )
    losses = [point["loss"][0] for point in computed["points"][1:] if point["exact"][0] < reached / 100]
    assert [round(losses[0], 1), round(losses[-1], 1)] == [before, after]
    length, most, samples = answer.take(
        r"With length (\d), both get more than (\d+)% of the sources right after ([\d,]+) samples"
    )
    assert min(run_course(samples / 32, length=f"{length:g}")["points"][-1]["exact"]) > most / 100
    stated = Text(TEACHING).take(r"\| (\d+) \| ([\d.]+) to ([\d.]+)% \| ([\d.]+) to ([\d.]+)% \|")
    for n_units, *limits in np.reshape(stated, (3, 5)).tolist():
        early = np.array([100 * np.array(kept[0]) for kept in COURSES["exact"][f"{n_units:g}"]])  # seeds, networks
        assert early.shape == (10, 2)
        assert limits == [round(x, 1) for i in (0, 1) for x in (early[:, i].min(), early[:, i].max())]


def exercise_2(question, answer):
    source = source_of(question)
    (written,) = write("long-rnn", [source])
    assert answer.take(r"attention writes ([\d* ]+) instead of ([\d* ]+):") == [*written[:-1], *source[::-1]]
    n_moved = np.sum(written != targets([source])[0])
    assert answer.take(r"(two) of them in the wrong order") == [n_moved] and sorted(written[:-1]) == sorted(source)
    wrong = [n for n in range(20, 0, -1) if (write("long-rnn", [source[:n]]) != targets([source[:n]])).any()]
    assert answer.take(r"also gets (\d+), (\d+) and (\d+) digits wrong, but not (\d+)\.") == [*wrong[1:], wrong[-1] - 1]
    assert (write("reversed-attention", [source]) == targets([source])).all()
    sizes = [
        size for name in LENGTHS[::-1] for size in (loaded(name).n_weights, 2 * loaded(name).model_config.cell_size)
    ]
    assert answer.take(r"([\d,]+) weights and a state of (\d+) numbers, against ([\d,]+) and (\d+)") == sizes
    written, right = answers("long-rnn", 20)
    errs = ~right.all(axis=1)
    pairs = zip(written[errs], random_sources(20)[errs], strict=True)
    moved = [sorted(k for k in cut(one) if k != END) == sorted(source) for one, source in pairs]
    n = r"Of (\d+) wrong answers to ([\d,]+) random sources of (twenty) digits, (\d+)%"
    assert answer.take(n) == [errs.sum(), 2000, 20, percent(moved)]
    assert answer.take(r"the fraction of ([\d,]+) random sources that each network gets right") == [2000]
    rows = answer.take(r"digits ((?:\| \d+ )+).*?with attention ((?:\| [\d.]+% )+).*?without ((?:\| [\d.]+% )+)")
    for n_digits, *stated in np.reshape(rows, (3, -1)).T.tolist():
        assert stated == exact_matches(int(n_digits))


def exercise_3(question, answer):
    source = source_of(question)
    wrong = [np.sum(write(name, [source]) != targets([source])) for name in LENGTHS]
    assert answer.take(r"in more positions: (\d+) of (\d+), against (\d+)\.") == [wrong[0], len(source) + 1, wrong[1]]
    assert answer.take(r"Exact match on ([\d,]+) random sources of each length") == [2000]
    rows = answer.take(r"digits ((?:\| \d+ )+).*?with attention ((?:\| \d+% )+).*?without ((?:\| \d+% )+)")
    for n_digits, *stated in np.reshape(rows, (3, -1)).T.tolist():
        assert stated == exact_matches(int(n_digits))
    assert answer.take(r"With (\d+) digits, the answers with attention") == [len(source)]
    n_wrong = [round(float(np.sum(~answers(name, 25)[1], axis=1).mean()), 1) for name in LENGTHS]
    assert answer.take(r"on average, ([\d.]+) against ([\d.]+), yet") == n_wrong


def exercise_4(question, answer):
    attention = 100 * loaded("sorted-attention").predict([source_of(question)], details=True)[0].attention
    first, *others, end = attention
    assert answer.take(r"looks at the (0) \(almost (100)%\)") == [source_of(question)[2], np.ceil(first[2])]
    assert first[2] > 99.5 and all(row[[0, 1, 3]].min() > 15 and row[2] < 1 for row in others)
    assert answer.take(r"all (three) (5)s") == [3, source_of(question)[0]] and source_of(question).count(5) == 3
    assert answer.take(r"END gives each input between (\d+) and (\d+)%") == [round(end.min()), round(end.max())]


def exercise_5(question, answer):
    source, asked = source_of(question), Text(question)
    seeing, blind = (influence(name, source) for name in LENGTHS)
    attention = 100 * loaded("reversed-attention").predict([source], details=True)[0].attention[1]
    stated = asked.take(r"the (\d+)nd output looks at the (\d+)th input \((\d+)%\) and the (\d+)th \((\d+)%\)")
    assert stated == [2, 19, round(attention[18]), 20, round(attention[19])]
    assert answer.take(r"Only the (\d+)th input: each of its (nine) replacements changes the (\d)nd") == [19, 9, 2]
    assert answer.take(r"no replacement of the (\d+)th does") == [20] and seeing[1, [18, 19]].tolist() == [1, 0]
    assert (seeing > 0).sum(axis=1).tolist() == [1] * 20 + [0]
    assert answer.take(r"the (\d)th output depends on (eleven) inputs") == [8, np.sum(blind[7] > 0)]
    n, n_digits, average = answer.take(
        r"In (thirty) other answers to (twenty) digits, a symbol depends on (four) inputs on average"
    )
    others = [influence("long-rnn", [*map(int, one)])[:20] > 0 for one in random_sources(int(n_digits), int(n))]
    assert round(np.sum(others, axis=2).mean()) == average


def exercise_6(question, answer):
    source = source_of(question)
    ends = [100 * one.attention[-1] for one in loaded("sorted-attention").predict([source, [3, 1, 7]], details=True)]
    stated = Text(question).take(r"each input between (\d+) and (\d+)% of its attention")
    assert stated == [round(ends[0].min()), round(ends[0].max())]
    assert answer.take(r"For (\d) (\d) (\d) (\d), you cannot") == source
    assert answer.take(r"Without the (\d), END is the (\d)th output") == [source[3], 4]
    assert len(loaded("sorted-attention").predict([source[:3]])[0]) == 3
    all_sources = np.array([*itertools.product(range(10), repeat=4)])
    stated = answer.take(r"the (\d)th output for each of the ([\d,]+) sources of (four) digits")
    assert stated == [*{*np.argwhere(write("sorted-attention", all_sources) == END)[:, 1] + 1}, len(all_sources), 4]
    assert answer.take(r"For (\d) (\d) (\d), END gives (\d+)% .*? to the (\d)\.") == [3, 1, 7, round(ends[1][1]), 1]


def exercise_7(question, answer):
    source = source_of(question)
    for name, words in zip(
        LENGTHS,
        (r"With attention: (\d) \*\*([\d ]+)\*\*, one", r"Without attention: (\d) \*\*([\d ]+)\*\*, (four)"),
        strict=True,
    ):
        (written,) = write(name, [source], {0: 5})
        assert answer.take(words) == [*written[:6], *([np.sum(written != targets([source])[0])][name == LENGTHS[0] :])]
    assert np.sum(write(LENGTHS[0], [source], {0: 5}) != targets([source])) == 1  # the forced one
    sources, fed = draw_trials(6, [0])
    rights = [write(name, sources, {0: fed[:, 0]}) == targets(sources) for name in LENGTHS]
    results = [int(right[:, 1:].all(axis=1).sum()) for right in rights]
    stated = answer.take(
        r"of ([\d,]+) random sources of (six) digits, .*? right in (\d+) with attention, and in (\d+) without\."
    )
    assert stated == [1000, 6, *results] and results[0] > 500  # "usually"
    digits = answer.take(r"for `([\d ]+)`, a forced (\d) leads to (\d) \*\*([\d ]+)\*\*")
    (written,) = write(LENGTHS[0], [[*map(int, digits[:6])]], {0: int(digits[6])})
    assert digits[7:] == [*written[: written.tolist().index(END)]]


def exercise_8(question, answer):
    source = source_of(question)
    target = targets([source])
    network = loaded("long-rnn").to_numpy()
    taught = network.decode(np.array([source]), 21, np.hstack([[[END]], target[:, :-1]])).symbols[0]
    (written,) = write("long-rnn", [source])
    (t,) = np.flatnonzero(taught != target[0])
    first = [t + 1, taught[t], target[0, t]]
    assert Text(question).take(r"the (\d)th output is a (\d) instead of a (\d)\.") == first
    n_positions = len(target[0])
    stated = answer.take(
        r"(\d+) of (\d+) positions differ, and (\d+) edits .*? The network does not write END, .*? cut off after (\d+)"
    )
    assert stated == [np.sum(written != target[0]), n_positions, n_edits(written, source), len(written)]
    assert END not in written and written[t] == taught[t]
    assert Text(TEACHING).take(r"exercise 8: .*? one error can become (twelve)") == [stated[2]]
    assert answer.take(r"fed the expected (\d) before it writes the (\d)th output.*? fed the (\d) that") == [
        first[2],
        t + 2,
        first[1],
    ]
    assert answer.take(r"force the (\d) as the (\d)th output: all other outputs are then right") == [first[2], first[0]]
    assert (write("long-rnn", [source], {t: target[0, t]}) == target).all()
    sources = random_sources(20)
    all_targets = targets(sources)
    taught = network.decode(sources, 21, np.hstack([np.full((2000, 1), END), all_targets[:, :-1]])).symbols
    errs = np.sum(taught != all_targets, axis=1) == 1
    edits = [n_edits(*pair) for pair in zip(answers("long-rnn", 20)[0][errs], sources[errs], strict=True)]
    stated = answer.take(r"on a (quarter) of ([\d,]+) sources of (twenty) digits, .*? need ([\d.]+) edits on average")
    assert stated == [round(float(errs.mean()), 2), 2000, 20, round(float(np.mean(edits)), 1)]


def exercise_9(_, answer):
    though, cafe = loaded("g2p").predict(["though", "cafe"], details=True)
    assert f"{though.prediction} (a probability of" in answer.text and f" {cafe.prediction} (" in answer.text
    shares = [round(100 * though.probability), round(100 * cafe.probability, 1)]
    assert answer.take(r"probability of (\d+)%.*?\(([\d.]+)%\)") == shares and answer.take(r"with K = (\d)") == [1]


def pronunciations():
    """The pronunciations of each word of CMUdict."""
    path = ROOT.parent / "shared" / "cmudict" / "cmudict.dict"
    if not path.is_file():
        pytest.skip("needs ../shared/cmudict")
    sounds = {}
    for word, *phones in (line.partition("#")[0].split() for line in path.read_text(encoding="utf-8").splitlines()):
        sounds.setdefault(word.partition("(")[0], set()).add(re.sub(r"\d", "", " ".join(phones)))
    return sounds


def exercise_10(_, answer):
    assert answer.take(r"K = (\d)\) \| K = (\d) \| K = (\d) to (\d)") == [1, 2, 3, 5]
    rows = re.findall(r"\| ([a-z]+) \| ([A-Z ]+) \| ([A-Z ]+) \| ([A-Z ]+) \|", answer.text)
    for word, *written in rows:
        beams = [loaded("g2p").predict([word], beam_size=size)[0] for size in (1, 2, 3, 4, 5)]
        assert beams == [*written, *written[-1:] * 2]
    right = answer.text.partition("rendezvous* (")[2].partition(")")[0]
    assert len(rows) == 3 and right not in rows[1] and "K = 3" in answer.text
    assert answer.take(r"a beam of (\d) is wrong.*? a beam of (\d) drops") == [3, 2]
    sounds = pronunciations()
    words = sorted(sounds)
    random.Random(0).shuffle(words)  # as scripts/published/g2p.py splits them
    tested = [word for i, word in enumerate(words) if i % 20 in (1, 2)][:1000]
    n_right = [
        sum(
            sound in sounds[word]
            for word, sound in zip(tested, loaded("g2p").predict(tested, beam_size=k), strict=True)
        )
        for k in (1, 2, 3)
    ]
    stated = answer.take(r"Of ([\d,]+) other words .*? gets (\d+) right with K = (1), (2) and (3) alike")
    assert stated == [len(tested), *{*n_right}, 1, 2, 3]


def exercise_11(question, answer):
    written = loaded("dates").predict(re.findall("`(.*?)`", question))
    assert re.findall(r"\d+-\d+-\d+", answer.text) == written
    answer.take(r"(\d+)-(\d+)-(\d+)")
    assert answer.take(r"a first digit above (\d) was always the whole day") == [
        max(int(f"{day:02}"[0]) for day in range(1, 32))
    ]
    days = {day: loaded("dates").predict([f"{day} May 2020"])[0] for day in (5, 39, 45)}
    assert answer.take(r"as in (\d) May, so (\d+) becomes (\d+), but (\d+) stays (\d+)") == [5, 45, 5, 39, 39]
    assert [date[-2:] for date in days.values()] == ["05", "39", "05"]
    first, last, n, of, digit = answer.take(
        r"the days (\d+) to (\d+) of May, the day in (\d+) of (\d+) answers begins with (\d)"
    )
    dates = loaded("dates").predict([f"{day} May 2020" for day in range(int(first), int(last) + 1)])
    assert [n, of] == [sum(date[-2:].startswith(f"{digit:g}") for date in dates), len(dates)]


def exercise_12(question, answer):
    written = loaded("numbers").predict(re.findall("`(.*?)`", question))
    assert f"It writes *{written[0]}*" in answer.text and written[1] == ""
    answer.take(r"\*(one hundred.*?)\*")
    assert answer.take(r"For (\d), it writes only END") == [0]
    assert "million" not in loaded("numbers").vocabularies.target.symbols


def held_out(names):
    """The numbers that the page holds out of pairs of these names and others."""
    task = run_course(0, text="\n".join(f"{name}\tx" for name in names))["task"]
    symbols = task["source"]["symbols"]
    return {int("".join(symbols[i] for i in one)) for batch in task["heldOut"] for one in batch["sources"]}


def exercise_13(question, answer):
    """Except what a training writes: `scripts/page_pairs.py` has it for files of numerals."""
    held = held_out(range(1, 301))
    (n,) = answer.take(r"The (thirty) held-out numbers")
    assert n == len(held) and {*Text(question).take(r"for every language: ([\d, and]+) are among them")} <= held
    rows = {
        name: answer.take(rf"\| {name} \| (\d+) \| ([\d, ]+) \|")
        for name in re.findall(r"\| ([A-Z]\w+) \|", answer.text)
    }
    assert len(rows) == 7 and all({*wrong} <= held and n_right + len(wrong) == n for n_right, *wrong in rows.values())
    only, digit, n_digits, becomes = answer.take(
        r"(\d+) is the only number with a (\d) in front of (two) digits and becomes (\d+)"
    )
    assert [[k] for k in (only,)] == [
        [k for k in range(1, 301) if len(f"{k}") == n_digits + 1 and f"{k}"[0] == f"{digit:g}"]
    ]
    training = {*range(1, 301)} - held
    n_single = sum(k < 10 for k in training)
    assert answer.take(r"(\d) of (\d+) numbers have one digit, so .*?, (\d) becomes (\d+)") == [
        n_single,
        len(training),
        1,
        11,
    ]
    times, *parts, twelve, swapped = answer.take(r"occurs (twice), in (\d+) and (\d+), and (\d+) becomes (\d+)")
    assert parts == [k for k in sorted(training) if k % 100 == twelve] and times == len(parts)
    assert [becomes, swapped] == [only / 10, 21] and all(
        only in wrong for _, *wrong in rows.values() if 18 not in wrong
    )
    frequent = answer.take(r"as in French (\d+) and (\d+)\.")
    assert {*frequent} <= held - {*rows["French"][1:]}
    n_digits, one, others = answer.take(r"all numbers with (three) digits \((001)\), .*? all (thirty) held-out")
    assert [n_digits, one] == [3, 1] and others == len(held_out(f"{k:03}" for k in range(1, 301)))


def exercise_14(question, answer):
    sources = [[int(digit) for digit in one.split()] for one in re.findall(r"`([\d ]+)`", question)]
    short, long = sources[0], sources[-1]
    n_short, n_long = answer.take(r"keep (four) digits apart more easily than (ten)")
    assert [n_short, n_long] == [len(short), 10]
    seeing, blind = learned("10")
    written = seeing.decode(np.array([short]), 4)
    assert answer.take(r"with attention writes ([\d ]+)\*\*(\d)\*\*") == [*written.symbols[0]]
    assert blind.decode(np.array([short]), 4).symbols[0].tolist() == short[::-1]
    attention = 100 * seeing.decode(random_sources(4, 1000), 4).attention.mean(axis=0)[3]
    stated = answer.take(
        r"at the (\d)th output, it gives on average (\d+)% .*? to the (\d)th input, and (\d+)% to the (\d)st"
    )
    assert stated == [4, round(attention[3]), 4, round(attention[0]), 1]
    assert answer.take(r"where to look in (ten) digits") == [10]
    assert answer.take(r"Exact match on ([\d,]+) random sources of each length") == [1000]
    lengths = [int(n) for n in answer.take(r"\| trained on \| (\d+) digits \|((?: \d+ \|)+)")]
    for name, length in (("ten", "10"), ("one to ten", "1-10")):
        for network, attention in zip(learned(length), ("with attention", "without"), strict=True):
            ends = network.model_config.ends
            expected = []
            for n in lengths:
                tests = random_sources(n, 1000)
                right = network.decode(tests, n + ends).symbols == targets(tests)[:, : n + ends]
                expected.append(percent(right.all(axis=1)))
            stated = answer.take(rf"\| ({name}), {attention} \|((?: [\d.]+% \|)+)")
            assert stated == [*numbers(name), *expected]
            if ends:
                assert network.decode(np.array([short]), 5).symbols[0].tolist() == [*short[::-1], END]
                assert (network.decode(np.array([long]), 21).symbols != targets([long])).any()
    answer.take(r"Trained on one to (ten) digits, .*? reverse the (four) digits, but neither reverses the (twenty)\.")
    assert [len(short), len(long)] == [4, 20]


@needs_node
@pytest.mark.parametrize("number", EXERCISES)
def test_each_number_of_an_answer_is_computed(number):
    question, answer = EXERCISES[number]
    text = Text(answer)
    globals()[f"exercise_{number}"](question, text)
    assert text.left() == []


def plain(markup):
    return " ".join(re.sub("<[^>]*>", "", markup).split())


def slides():
    """The heading, the text and the link of each slide."""
    sections = re.findall(r"<section[^>]*>(.*?)</section>", read_asset(THEORY), re.DOTALL)
    parts = r"<h2>(.*?)</h2>.*?<p>(.*?)</p>.*src=\"(.*?)\""
    return [re.search(parts, section, re.DOTALL).groups() for section in sections]


def test_each_number_of_a_slide_is_computed():
    assert [int(title.partition(".")[0]) for title, *_ in slides()] == [1, 2, 3, 4, 5]
    assert tuple(GALLERY["reversing"].networks) == LENGTHS
    texts = [Text(plain(text)) for _, text, _ in slides()]
    assert texts[1].take(r"these (\d+) numbers") == [2 * loaded("long-rnn").model_config.cell_size]
    assert texts[1].take(r"whether that has (three) digits or (twenty)") == [3, loaded("long-rnn").trained_lengths[-1]]
    total, *weights = texts[3].take(r"sum to (\d+)%.*?weights (\d+)% and (\d+)%")
    outputs = texts[3].take(r"outputs \((\d), (\d)\) and \((\d), (\d)\)")
    context = np.array(weights) / total @ np.reshape(outputs, (2, 2))
    assert sum(weights) == total and texts[3].take(r"give \(([\d.]+), ([\d.]+)\)") == [*context]
    t, symbol = texts[4].take(r"the (\d)st output is forced to be (\d), which the source does not contain")
    _, _, link = slides()[4]
    digits, place = re.search(r"source=(.*?)&amp;.*?forced=(\d:\d)", link).groups()
    source = [*map(int, digits.split("%20"))]
    assert place == f"{t - 1:g}:{symbol:g}" and symbol not in source
    recovers = [(write(name, [source], {0: int(symbol)}) == targets([source]))[0, 1:].all() for name in LENGTHS]
    assert recovers == [True, False] and "as it is after most wrong first symbols" in texts[4].text  # see exercise 7
    assert [text.left() for text in texts] == [[]] * 5


def test_each_number_of_the_index_is_computed():
    index = Text(plain(read_asset("gallery.html").partition("$sections")[0]))
    number, *_ = index.take(r"(4217) → (.*?)\.")
    assert index.text.partition(" → ")[2].startswith(loaded("numbers").predict([f"{number:g}"])[0] + ".")
    digits = index.take(r"backwards: ([\d ]+) → ([\d ]+)\.")
    assert digits == [*digits[:3], *digits[2::-1]]
    minutes, n_slides = Text(plain(read_asset("gallery.html"))).take(
        r"(Five) minutes of theory: slides .*? (five) sheets"
    )
    assert minutes == n_slides == len(slides()) and index.take(r"(Five) minutes of theory") == [minutes]
    assert index.left() == []
    kit = Text(plain(read_asset("gallery.html").partition("$sections")[2].partition("</main>")[0]))
    assert kit.take(r"(Five) minutes of theory: slides .*? (five) sheets") == [minutes, n_slides]
    assert kit.take(r"everyone trains (two) networks") == [len(MODELS)]
    n_slides = [len(MODELS), sum(part.startswith("theory") for part in gallery.LESSON["plans"]["10"])]
    assert kit.take(r"(Ten) minutes with a clicker: (two) networks train, (two) slides") == [10, *n_slides]
    plans = kit.take(r": (ten) minutes, (forty-five) or (ninety), with")
    heads = re.findall(r"## (?:Your language: )?([\w-]+) minutes", TEACHING, re.IGNORECASE)
    assert sorted(plans) == sorted(WORDS[head.lower()] for head in heads)
    assert kit.take(r"(\d+) × (\d+) pixels") == Text(TEACHING).take(r"at least (\d+) by (\d+) pixels")
    assert kit.left() == []


DATES = "3 March 2021", "Mittwoch, den 3. März 2021", "le 3 mars 2021", "3 de marzo de 2021", "3 marzo 2021"


def test_each_number_of_a_description_is_computed():
    texts = {name: Text(entry.description) for name, entry in GALLERY.items()}
    assert texts["train"].take(r"watch (two) small networks") == [len(MODELS)]
    assert texts["dates"].take(r"in (five) languages") == [len(DATES)]
    assert {*loaded("dates").predict(DATES)} == {"2021-03-03"}
    assert (
        texts["dates"].take(r"even (31) February") == [31]
        and loaded("dates").predict(["31 February 2021"])[0][-2:] == "31"
    )
    largest, tried = texts["numbers"].take(r"up to ([\d,]+) become English words\. Try (\d)\.")
    assert largest == 10 ** loaded("numbers").trained_lengths[-1] - 1 and tried == 0  # see exercise 12
    assert [left for text in texts.values() for left in text.left()] == []


def test_the_curves_of_the_index_do_not_tell_which_has_attention():
    named = r"Which one(</text>\s<text.*?>| )has attention\?"
    described = re.sub(named, "", read_asset("curves.html"))
    assert "attention" not in described and "without" not in described
    label = Text(re.search('label="(.*?)"', described)[1])
    stated = label.take(r"after ([\d,]+) sources, one network gets (\d+)% right, the other ([\d.]+)%")
    assert stated == [64_000, *(curve[64_000] for curve in curves())] and label.left() == []


def test_eight_wrong_positions_are_one_edit():
    pattern = r"with ([\d ]+) and a forced (\d): .*?, (\d+) of (\d+) positions differ, but one edit is enough"
    *source, forced, n_positions, n = map(int, Text(TEACHING).take(pattern))
    (written,) = write(LENGTHS[0], [source], {0: forced})
    assert [n_positions, n] == [np.sum(written != targets([source])), len(cut(written))]
    assert n_edits(written, source) == 1

"""The scripts that compare with published results: their data, their numbers, and a small run of each."""

import sys

import addition
import cmudict
import pytest
import reverse
import scan
import sigmorphon2020 as sigmorphon
import sigmorphon2021

from seq2seq_demo import load

DICTIONARY = """\
'bout B AW1 T
a AH0
a(2) EY1
aachen AA1 K AH0 N # place, german
read R EH1 D
read(2) R IY1 D
read(3) R IY0 D
"""


def run(module, monkeypatch, *argv):
    monkeypatch.setattr(sys, "argv", ["script", *map(str, argv)])
    module.main()


def table(out):
    """Return the cells of a Markdown table, without its header."""
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in out.splitlines() if line.startswith("| ")][1:]


# ---- CMUdict ----


def test_a_dictionary_is_read_with_all_pronunciations(tmp_path):
    (tmp_path / "d").write_text(DICTIONARY)
    assert cmudict.read_dictionary(tmp_path / "d") == {
        "'bout": ["B AW T"],
        "a": ["AH", "EY"],
        "aachen": ["AA K AH N"],
        "read": ["R EH D", "R IY D"],
    }


def test_words_are_split_into_three_parts_reproducibly():
    words = {f"w{number:03}": [f"P{number}"] for number in range(200)}
    words["w000"].append("Q0")
    parts = cmudict.split(words)
    n_words = {part: len({word for word, _ in pairs}) for part, pairs in parts.items()}
    assert n_words == {"train": 170, "dev": 10, "test": 20}
    assert sum(map(len, parts.values())) == 201
    part_by_word = {word: part for part, pairs in parts.items() for word, _ in pairs}
    assert all(part_by_word[word] == part for part, pairs in parts.items() for word, _ in pairs)
    (part_of_two,) = {part for part, pairs in parts.items() for pair in pairs if pair[0] == "w000"}
    assert {("w000", "P0"), ("w000", "Q0")} <= set(parts[part_of_two])


# ---- SCAN ----

COMMANDS = {
    "look opposite left": "LTURN LTURN LOOK",
    "turn opposite right": "RTURN RTURN",
    "run around right": "RTURN RUN RTURN RUN RTURN RUN RTURN RUN",
    "turn around left twice": " ".join(["LTURN"] * 8),
    "walk left thrice": "LTURN WALK LTURN WALK LTURN WALK",
    "jump and turn right twice": "JUMP RTURN RTURN",
    "jump after turn right twice": "RTURN RTURN JUMP",
}


def test_the_grammar_yields_all_commands_with_their_actions():
    pairs = scan.grammar()
    actions = dict(pairs)
    assert len(pairs) == len(actions) == 20_910
    assert len(list(scan.phrases())) == 34
    assert {command: actions[command] for command in COMMANDS} == COMMANDS
    assert max(len(target.split()) for target in actions.values()) == 48


@pytest.mark.parametrize(
    ("name", "sizes"), [("simple", (16_728, 4_182)), ("jump", (14_670, 7_706)), ("left", (21_890, 1_208))]
)
def test_the_sizes_of_a_split(name, sizes):
    training, test = scan.split(name, seed=1)
    assert (len(training), len(test)) == sizes
    assert not set(training) & set(test)


def test_the_split_by_length():
    training, test = scan.split("length", seed=0)
    lengths = [{len(actions.split()) for _, actions in pairs} for pairs in (training, test)]
    assert (max(lengths[0]), min(lengths[1]), max(lengths[1])) == (22, 24, 48)
    assert len(training) + len(test) == 20_910


# ---- Addition ----


@pytest.mark.slow
def test_the_sums_are_distinct_and_correct():
    pairs = addition.draw_sums()
    numbers = [tuple(sorted(map(int, question[::-1].split("+")))) for question, _ in pairs]
    assert len(set(numbers)) == len(pairs) == 50_000
    assert {len(question) for question, _ in pairs} == {7}
    assert all(int(answer) == sum(both) for both, (_, answer) in zip(numbers, pairs, strict=True))
    assert max(map(max, numbers)) == 999


def test_character_accuracy_includes_padding():
    accuracy = addition.character_accuracy
    assert accuracy(["12", "1998"], ["12", "1998"]) == 1
    assert accuracy(["13"], ["12"]) == 3 / 4  # the padding is correct
    assert accuracy(["123"], ["12"]) == 3 / 4  # one extra character in place of padding
    assert accuracy([""], ["12"]) == 2 / 4
    assert accuracy(["12345", "7"], ["1234", "8"]) == 7 / 8  # only the first four characters count


# ---- Reverse ----


def test_the_sequences_are_drawn_in_the_order_of_the_tutorial(monkeypatch):
    monkeypatch.setattr(reverse, "SIZES", {"train": (1, 25), "dev": (1, 30)})
    symbols = [28, 14, 42, 7, 20, 38, 18], [10, 10, 23, 35, 39, 23, 2, 21, 1, 23, 43, 29, 37, 1, 20, 32, 11, 21, 43]
    (train,), (dev,) = reverse.draw_pairs().values()
    assert train == (symbols[0], symbols[0][::-1])  # numpy.random.seed(42); randint(1, 26) is 7
    assert (dev[0][:19], dev[1][::-1]) == (symbols[1], dev[0])


# ---- Output ----


@pytest.mark.slow
def test_a_small_run_of_cmudict(monkeypatch, capsys, tmp_path):
    words = [f"{a}{b}{c}" for a in "abcde" for b in "fghij" for c in "klmno"]
    (tmp_path / "d").write_text("".join(f"{word} {' '.join(word.upper())}\n" for word in words))
    tiny = {"cell_size": 8, "embedding_size": 4, "learning_rate": 0.01, "epochs": 2}
    monkeypatch.setattr(cmudict, "SETTINGS", {"small": tiny})
    run(cmudict, monkeypatch, tmp_path / "d", "--networks", "small", "--epochs", 1, "--save", tmp_path / "w")
    out, err = capsys.readouterr()
    assert "104 pairs for train, 7 pairs for dev, 14 pairs for test" in err
    ((name, _, _, published, *rates),) = table(out)
    assert (name, published) == ("small", cmudict.PUBLISHED["small"])
    assert len(rates) == 4
    assert all(rate.count("% / ") == 1 for rate in rates)
    network = load(tmp_path / "w")
    assert (network.run.config.epochs, network.moments) == (1, {})


def sigmorphon_data(folder):
    """Write two languages; two words of `test` have a letter and a phone that training lacks."""
    words = {"aaa": [a + b for a in "bcd" for b in "efg"], "kor": ["가나", "나가", "각", "나", "가"]}
    for language, sources in words.items():
        lines = [f"{word}\t{' '.join(f'p{ord(c) % 7}' for c in word)}\n" for word in sources]
        for part, more in {"train": [], "dev": [], "test": ["éb\tp0 p1\n", "b\tnew\n"]}.items():
            (folder / part).mkdir(exist_ok=True)
            (folder / part / f"{language}_{part}.tsv").write_text("".join(lines + more), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The network was trained on length")
@pytest.mark.filterwarnings("ignore:.*(validation sources|Sources with a space).*:UserWarning")  # few pairs
def test_a_second_run_of_sigmorphon_trains_only_missing_networks(monkeypatch, capsys, tmp_path):
    sigmorphon_data(tmp_path)
    cache = tmp_path / "cache"
    tiny = {"cell_size": 4, "embedding_size": 4, "learning_rate": 0.01, "epochs": 2}
    monkeypatch.setattr(sigmorphon, "SETTINGS", sigmorphon.SETTINGS | tiny)
    argv = [tmp_path, "--cache", cache, "--seeds", 1, "--epochs", 1]
    run(sigmorphon, monkeypatch, *argv, "--languages", "kor", "--dev", "--beam-size", 2)
    out = capsys.readouterr().out
    assert " | dev: ensemble of 1, beam of 2 | " in out
    kor, _ = table(out)
    assert (kor[0], kor[-2:]) == ("kor", ["", ""])  # nothing is published about dev
    (path,) = cache.iterdir()
    before = path.read_bytes()
    letters = load(path).vocabularies.source.symbols
    assert set(letters) == {"\u1100", "\u1102", "\u1161", "\u11a8"}  # the letters of Hangul, not its syllables
    run(sigmorphon, monkeypatch, *argv)
    aaa, kor, means = table(capsys.readouterr().out)
    assert path.read_bytes() == before
    assert sorted(path.name for path in cache.iterdir()) == ["aaa_0.h5", "kor_0.h5"]
    assert (aaa[0], aaa[-2:], kor[-2:], means[-2:]) == ("aaa", ["", ""], ["46.89 / 16.78", "26.22 / 4.38"], ["", ""])
    rates = [[float(rate) for rate in row[4].split(" / ")] for row in (aaa, kor, means)]
    assert rates[2] == pytest.approx([(a + b) / 2 for a, b in zip(*rates[:2], strict=True)], abs=0.01)

    run(sigmorphon2021, monkeypatch, *argv, "--languages", "aaa")
    aaa, means = table(capsys.readouterr().out)
    assert len(aaa) == len(means) == 2 + 2 * 4
    assert sigmorphon.cell((34.0, None)) == "34.00"


def test_error_rates_are_as_in_the_shared_task():
    assert sigmorphon.error_rates(["a b", "", "a c d"], ["a b", "a", "a b c d"]) == pytest.approx((200 / 3, 200 / 7))
    assert sigmorphon.mean([(1.0, 2.0), (3.0, 5.0)]) == (2.0, 3.5)
    assert sigmorphon.mean([(1.0, None), (2.0, None)]) == (1.5, None)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*(validation sources|Sources with a space).*:UserWarning")  # few pairs
def test_a_small_run_of_scan(monkeypatch, capsys):
    pairs = list(scan.phrases())
    monkeypatch.setattr(scan, "grammar", lambda: pairs)
    settings = {"model": "embedding_rnn", "cell_type": "GRUCell", "cell_size": 4}
    monkeypatch.setattr(scan, "SPLITS", {"simple": (settings, "99.8")})
    run(scan, monkeypatch, "--splits", "simple", "--seeds", 2, "--presentations", 10)
    ((name, sizes, _, _, published, ours),) = table(capsys.readouterr().out)
    assert (name, sizes, published) == ("simple", "27 / 7", "99.8")
    assert ours.count(" ± ") == 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*(validation sources|Sources with a space).*:UserWarning")  # few pairs
def test_a_small_run_of_addition(monkeypatch, capsys):
    monkeypatch.setattr(addition, "PAIRS", 300)
    run(addition, monkeypatch, "--epochs", 2)
    theirs, ours = table(capsys.readouterr().out)
    assert theirs[1:4] == ["205,324", "0.9985 (epoch 27)", "0.9883"]
    assert ours[1] == "154,455"
    assert ours[2].split(" (")[0] >= ours[3]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The network was trained on length", "ignore:.*validation sources:UserWarning")
def test_a_small_run_of_reverse(monkeypatch, capsys):
    monkeypatch.setattr(reverse, "SIZES", {"train": (100, 25), "dev": (20, 30), "test": (10, 30)})
    monkeypatch.setattr(reverse, "bleu", lambda answers, targets: len(answers))  # sacrebleu is not installed
    run(reverse, monkeypatch, "--epochs", 1)
    *_, dev, test = table(capsys.readouterr().out)
    assert (dev[2:5], test[2:5]) == (["dev", "20.00", "0.000"], ["test", "10.00", "0.000"])

"""The errors of the command line, each once, as (line, message). A line is split at spaces, a list is not.

Valid values of single settings are in tests/test_config.py.
"""

import os
from pathlib import Path

import pytest
from helpers import SNAPSHOT, save_random, save_texts

from seq2seq_demo import ensemble
from seq2seq_demo.config import ModelConfig

WRONG_USAGE = [  # exit status 2
    ("-v", "expected a command, one of train, predict, evaluate, page, patterns, networks"),
    ("trian 100", "; did you mean train?"),
    ("train", "train needs the number of points, as in `train 100000`, or a file of pairs, as in `train pairs.tsv`"),
    ("train 5 6", "train takes at most one number and one file, also got 6"),
    ("train p.tsv --few-symbols 0.5", "--few-symbols and a file cannot be combined"),
    ("evaluate 0", "expected the number of sources to be an integer of at least 1, got 0"),
    ("page -i w.h5 -o w.h5", "-i and -o cannot name the same file: w.h5"),
    ("train --from-file x -p sorted --out-tokens words", "expected --out-tokens integers because of a"),
    ("patterns 5", "patterns takes no further arguments, got '5'"),
    ("predict 3 --length-penalty 1", "--length-penalty needs --beam-size or --n-best"),
    ("train 50 -p added --in-len 4 --in-max-int 12", "expected decimal digits, so --in-max-int can be at most 9"),
    ("train 50 --in-len 20-1", "expected --in-len from shortest to longest, got 20-1"),
    ("train 50 --in-len 1-5 --out-len 3", "expected --out-len 5 because the network learns whole targets, got 3"),
    ("train 50 --in-len 1-x", "expected a length or a range such as 1-20, got '1-x'"),
    ("predict 3 --in-len 1-5", "argument --in-len: expected an integer, got '1-5'"),
    ("train 50 -i a -i b", "expected one -i/--input-weights, got 2"),
    ("train 50 -p sort", "did you mean sorted"),
    ("train 50 -n a/b", "expected -n/--name to have 1 to 100 printable bytes without /, got 'a/b'"),
    (f"train 50 -n {'n' * 101}", "1 to 100 printable bytes without /, got 'nnn"),
    ("train 50 --iter-num 1 -i w", "each selects the weights"),
    ("evaluate --in-len 5,0", "and ranges of at most 1000 lengths, as in 5,10-20, got '5,0'"),
    ("evaluate a.tsv --in-len 5", "--in-len and a file cannot be combined"),
    ("predict 1 --from-file f", "as in `predict 3 1 2`, and --from-file cannot be combined"),
    ("train 9 --beam-size 3", "--beam-size is an option of predict, evaluate, not of train; see --help"),
    ("predict 1 -o w", "-o is an option of train, page, not of predict; > FILE saves the output"),
    ("predict 1 -m w.h5", "-m/--model chooses a decoder, got 'w.h5': -i reads weights"),
    ("page --gallery d -i g2p", "--gallery cannot be combined with -i, -o, a source, a file or --train"),
    ("train 9 --learing-rate 0.1", "unknown option --learing-rate; did you mean --learning-rate?"),
    ("train 50 --consistency 2", "--consistency 2 needs --dropout above 0, got 0"),
    ("train 50 --history h.json -e 0", "--history needs --epochs of at least 1, got 0"),
    ("networks -x", "unknown option -x; see --help"),
    ("train 50 --members=2", "--members was removed in 0.6.0: train once for each --seed, then give each weights"),
    ("train 50 --minutes 5", "--minutes was removed in 0.6.0: "),
    ("train 50 --jobs 2", "--jobs was removed in 0.6.0: "),
    ("predict 1 --beam-size 2 --n-best 3", "--n-best 3 needs a --beam-size of at least 3, got 2"),
    ("train 10 --in-tokens words", "--in-tokens needs a file"),
    ("predict 1 --data-dir none", "expected --data-dir to be a directory, got 'none'"),
    ("predict --from-file x --columns a,b,c", "expected --columns SOURCE,TARGET, such as 1,3, got 'a,b,c'"),
    ("train --from-file x --in-tokens words --in-max-int 9", "because of --in-max-int, got words"),
    ("predict -i w.h5 1 --tsv --json", "--json and --tsv cannot be combined"),
    ("train 60 reversed", "reversed: no such file; for a pattern, give -p reversed"),
    ("evaluate 20 -i other.h5", "trained on 'pairs.jsonl': give a file of pairs, or a pattern with -p"),
    ("evaluate 9 -i w.h5 --columns 1,3", "--columns needs a file"),
    (["predict --from-file", ""], "expected --from-file to name a file, or - for standard input, got ''"),
    ("predict -i w.h5 1 --attention-plot a.jpg", "a.jpg: expected a picture's name to end in one of .png, .svg, .pdf"),
    ("train 60 --in-len 1-2000", "expected a range of at most 1000 lengths, got --in-len 1-2000"),
    ("predict -i w.h5 --from-file many.jsonl --attention-plot a.png", "shows the attention of at most 16 sequences"),
    # Files that options name twice, and snapshots
    ("train few.tsv -o same.tsv", "--from-file and -o cannot name the same file: same.tsv"),
    ("train 50 -p mine.py:f -o mine.py", "-p and -o cannot name the same file"),
    ("train 50 -o new --history new.link", "-o and --history cannot name the same file"),
    ("train --resume -o link", "-o cannot name a snapshot: "),
    # Weights files
    ("predict -i w.h5 1 -p sorted", "w.h5 has pattern reversed, but the options ask for sorted"),
    ("predict -i text.h5 a -p sorted", "text.h5 maps characters to words, but patterns (-p) take only integers"),
    ("train 60 -i text.h5 -o x", "the network was trained on 't.tsv': give a file of pairs"),
    ("predict -i both.h5 --show-attention 1 2", "showing attention needs an embedding_attention network"),
    (
        "predict -i w.h5 -i rnn.h5 --min-confidence 0.5 1 2",
        "--min-confidence needs one weights file, of a calibrated network",
    ),
    ("predict -i w.h5 -i rnn.h5 -m attention 1 2", "rnn.h5 has model embedding_rnn"),
    ("train 50 -i both.h5", "expected a single network to train further, got an ensemble of 2"),
    # page
    ("page -i w.h5", "page needs -o, as in `page -i weights.h5 -o page.html`"),
    ("page -i w.h5 -i other.h5 -o x.html", "must have the same symbols, but w and other differ"),
    (f"page {'-i w.h5 ' * 5} -o x.html", "expected at most 4 networks (-i/--input-weights), got 5"),
    ("page -i w.h5 -o x.js 3 1 2", "a module (-o FILE.js) contains one network and no examples"),
]
FAILURES = [  # exit status 1
    ("predict 1 -i sortd-rnn", "sortd-rnn: no such file; did you mean the bundled network sorted-rnn?"),
    ("predict 1 -i zzz", "zzz: no such file; `networks` lists the bundled networks"),
    ("predict 1 -i d/sorted-rnn", "d/sorted-rnn: no such file"),
    ("predict 1 2 -p mine.py:f", "found no weights for pattern 'mine:f' in ."),
    ("page -i w.h5 -o no/x.html", "cannot write no/x.html: "),
    ("predict -i w.h5 314", "got 314; to give several symbols, put spaces between them"),
    ("train bad.tsv -e 0 -o v --keep-going", "at most 10% of the records, got 21 records of bad.tsv: 18 pairs, 3 "),
    ("train 50 -o none/w", "cannot write none/w: there is no writable"),
    ("evaluate 1000000000000000 -i w.h5 --in-len 7", "error: out of memory: Unable to allocate "),
    ("page --gallery mine.py", "mine.py: file exists"),
    ("page --gallery a/b", "a/b: no such file or directory"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files that a line may name."""
    folder = tmp_path_factory.mktemp("refusals")
    w = save_random(folder / "w.h5", ModelConfig("embedding_attention", cell_size=4, embedding_size=3))
    ensemble([w, save_random(folder / "rnn.h5", ModelConfig(cell_size=3))]).save(folder / "both.h5")
    save_random(folder / "other.h5", ModelConfig(cell_size=3, in_max_int=4), task="pairs.jsonl")
    save_texts(folder / "text.h5", ("characters", ("a", "b")), ("words", ("X", "Y")))
    files = {"mine.py": "f = list\n", "few.tsv": "a\tb\nc\td\n", "many.jsonl": "[3, 1]\n" * 17}
    files["bad.tsv"] = "ab\tX\nb\tY\n" * 9 + "c\n" * 3
    for name, content in files.items():
        (folder / name).write_text(content)
    for link, file in (("same.tsv", "few.tsv"), ("new.link", "new"), ("link", SNAPSHOT)):
        (folder / link).symlink_to(file)
    return folder


def contents():
    return {name: os.path.exists(name) and Path(name).read_bytes() for name in os.listdir()}


LINES = [(2, *row) for row in WRONG_USAGE] + [(1, *row) for row in FAILURES]


@pytest.mark.parametrize(("status", "line", "message"), LINES)
def test_a_refusal_is_one_line_and_writes_nothing(run, folder, monkeypatch, status, line, message):
    monkeypatch.chdir(folder)
    before = contents()
    assert message in run.refuses(line, message, status).splitlines()[-1]
    assert contents() == before

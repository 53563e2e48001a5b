"""Which network, task and lengths the options mean, and what contradicts them."""

import contextlib
import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seq2seq_demo import system_memory
from seq2seq_demo.cells import CELL_TYPES
from seq2seq_demo.commands.options import NetworkOptions
from seq2seq_demo.config import CHARACTERS, INTEGERS, ModelConfig, TrainConfig, given_values, lengths_text
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.pattern_task import SequencePattern, find_pattern
from seq2seq_demo.data.patterns import DEFAULT_PATTERN, PATTERNS, is_user_function
from seq2seq_demo.data.readers import InputFormat, read_file, read_words
from seq2seq_demo.data.records import Record
from seq2seq_demo.data.row_reader import PairReader, read_pairs
from seq2seq_demo.data.sequences import Pairs, Sequences
from seq2seq_demo.data.vocabulary import UnknownSymbolError, Vocabularies, new_vocabulary
from seq2seq_demo.errors import InputError, UsageError, WeightsError
from seq2seq_demo.files import file_names
from seq2seq_demo.trained_network import TrainedNetwork, load

LONGEST_WITHOUT_ATTENTION = 10  # symbols, that the shipped networks of embedding_rnn are trained at
NEAREST = 3  # names that an error proposes
Skipped = dict[str, list[InputError]]  # what is wrong about the pairs of each file that are left out


class FewerPairsError(InputError):
    """A file that holds fewer pairs than are asked for."""

    def __init__(self, message: str, found: int) -> None:
        """Keep how many there are."""
        super().__init__(message)
        self.found = found


@dataclass(frozen=True)
class Choice:
    """The file and its network, the pattern that tells what to expect (None: nobody knows), notices on the choice."""

    path: Path
    network: TrainedNetwork
    pattern: SequencePattern | None
    notices: list[str]


def network_to_use(options: NetworkOptions, in_len: int | None) -> Choice:
    """Return the network of -i, of --iter-num, of the newest canonical file that fits, or else a shipped one.

    `in_len` is how long the sources will be, if that is known: of those shipped, long ones take one with attention.
    """
    path, network, notices = _found(options, in_len)
    check_agreement(options, path, network)
    if options.in_len and network.vocabularies.source.is_text:
        raise UsageError(f"expected no --in-len: {path} is of texts, which have lengths of their own")
    if network.in_len is None:
        notices.append(f"Inferred from the file: {network.summary()}; which lengths it learned, it does not say")
    elif options.verbose:
        notices.append(network.summary())
    pattern = options.sequence_pattern or (find_pattern(network.pattern) if network.pattern else None)
    return Choice(path, network, pattern, notices)


def _found(options: NetworkOptions, in_len: int | None) -> tuple[Path, TrainedNetwork, list[str]]:
    """Return file, network, and what to say of the choice."""
    pattern, model = options.sequence_pattern, options.settings.get("model")
    task = pattern.name if pattern else DEFAULT_PATTERN
    if path := given_path(options):
        return path, load_named(path), [f"Using weights {path}"]
    skipped = []
    for path in file_names.newest_first(options.data_dir, options.name, task if pattern else None):
        try:
            network = load_named(path)
        except WeightsError as error:
            skipped.append(f"Skipping {error}")
            continue
        is_of_texts = pattern and network.vocabularies.are_text  # but called as the pattern is
        if not is_of_texts and model in (None, network.model_config.model):
            return path, network, [*skipped, f"Using weights {path}"]
    is_long = in_len is not None and in_len > LONGEST_WITHOUT_ATTENTION
    path = file_names.shipped_path(task, model or ("embedding_attention" if is_long else ModelConfig.model))
    if not path.exists():
        raise WeightsError(
            f"expected weights of pattern {task!r} in {options.data_dir}, found none, and shipped are only those of "
            f"{', '.join(file_names.shipped_tasks())}: train one first, as in `train 100000 -p {options.pattern}`"
        )
    return path, load(path), [*skipped, f"Using weights {path}, as none in {options.data_dir} fit"]


def given_path(options: NetworkOptions, data: str | None = None) -> Path | None:
    """Return the file that -i names, or --iter-num for -p or a file of data; None if neither is given."""
    if options.iter_num is None:
        return named_network(options.input_weights) if options.input_weights else None
    pattern = options.sequence_pattern
    task = pattern.name if pattern else name_of(data) if data else DEFAULT_PATTERN
    return file_names.iteration_path(options.data_dir, options.name, task, options.iter_num)


def named_network(given: Path) -> Path:
    """Return the file that -i gives, or where there is none the shipped network of that name.

    Raises:
        WeightsError: there is neither.
    """
    is_file, is_name = os.path.lexists(given) and not given.is_dir(), given.name == str(given)
    if is_file or not is_name:
        return given
    shipped = file_names.shipped_networks()
    if given.name in shipped:
        return shipped[given.name]
    import difflib  # only an error needs it

    near = difflib.get_close_matches(given.name.removesuffix(file_names.SUFFIX).casefold(), shipped, n=NEAREST)
    names = f"a shipped network, as {' or '.join(near)}" if near else "a name that `networks` lists"
    raise WeightsError(f"{given}: expected a weights file or {names}, found neither")


def load_named(path: Path) -> TrainedNetwork:
    """Read a weights file; where it does not say its pattern, as those of 2016, a canonical name may.

    Raises:
        WeightsError: it is none; the message says so too if a shipped network of that name cannot be seen for it.
    """
    try:
        network = load(path)
    except WeightsError as error:
        if str(path) not in file_names.shipped_networks():
            raise
        raise WeightsError(f"./{error}; this file hides the network {path} that comes with the program") from error
    task = network.task or file_names.task_in_name(path)
    return replace(network, task=task if task in PATTERNS else network.task)


def read_task(
    options: NetworkOptions,
    n: int | None,
    pattern: SequencePattern | None,
    network: TrainedNetwork | None,
    skipped: Skipped | None = None,
) -> PairTask:
    """Return the pairs of --from-file as a task, the first n if n is given, that fit the network or the options.

    Those of --validation-file are to validate with. Where there is a place for them, `skipped`, pairs that cannot be
    read are left out.

    Raises:
        InputError: there are fewer than n, or one is no pair that the network can read; or they do not fit into memory.
    """
    file, out_len = options.from_file or "", options.out_len
    is_range = isinstance(options.settings.get("in_len"), tuple)  # which teaches a network to end its answers
    is_one_length = network is not None and not network.ends and not is_range
    sizes = vars(network.model_config) if network else given_values(ModelConfig, options.settings)
    largest: dict[str, Any] = {name: sizes.get(name) for name in ("in_max_int", "out_max_int")}

    def read(file: str, n: int | None, reader: PairReader) -> tuple[Pairs, Vocabularies]:
        if n is None:
            _require_room(file)
        reader.in_max_int, reader.out_max_int = largest["in_max_int"], largest["out_max_int"]
        reader.pattern, reader.equal_lengths = pattern, is_one_length
        if is_one_length:
            reader.in_len, reader.out_len = options.in_len, None if pattern else out_len
        reader.on_error = None if skipped is None else skipped.setdefault(file, []).append
        return read_pairs(
            read_file(file, InputFormat(reader.source.tokens, reader.target.tokens, options.format)), reader, n
        )

    tokens = options.in_tokens or INTEGERS, options.out_tokens or INTEGERS
    reader = PairReader(*(network.vocabularies if network else map(new_vocabulary, tokens)))
    pairs, vocabularies = read(file, n, reader)
    if n and len(pairs) < n:
        raise FewerPairsError(f"{file}: expected {n} pairs, found {len(pairs)}", len(pairs))
    if is_one_length and out_len:
        pairs = Pairs(pairs.sources, Sequences.of_array(pairs.targets.array()[:, :out_len]))
    validation, validation_file = None, getattr(options, "validation_file", None)  # an option of `train` alone
    if validation_file is not None:
        try:
            validation, _ = read(validation_file, None, PairReader(*vocabularies))
        except UnknownSymbolError as error:
            way_on = "leave the line out, as --keep-going does, or add a training pair that has it"
            raise InputError(f"{error}; {way_on}") from error
    return PairTask(pattern.name if pattern else name_of(file), pairs, validation, vocabularies, reader.places)


def _require_room(file: str) -> None:
    """Raise InputError for a file that is larger than the memory."""
    size = os.path.getsize(file) if os.path.isfile(file) else 0
    if size > system_memory.total():
        has = f"this machine has {system_memory.gib(system_memory.total())}"
        raise InputError(
            f"{file}: expected a file that fits into memory, got one of {system_memory.gib(size)}; {has}: give N"
        )


def typed_sources(words: Sequence[str], choice: Choice, form: InputFormat) -> list[Record]:
    """Return the sources that were typed.

    Integers are one source. An argument with white space in it, which was quoted, is a text of its own, and the words
    between such arguments are one; of characters among which is no space, every argument is a text.
    """
    source = choice.network.vocabularies.source
    if not source.is_text:
        return [read_words(words, form, _text_hint(words[0], choice.path))]
    if source.tokens == CHARACTERS and " " not in source.symbols:
        return [read_words([word], form) for word in words]
    texts: list[list[str]] = []
    for is_quoted, group in itertools.groupby(words, key=lambda word: any(map(str.isspace, word))):
        some = [*group]
        texts += [[word] for word in some] if is_quoted else [some]
    return [read_words(text, form) for text in texts]


def _text_hint(word: str, path: Path) -> str:
    """Return what to say to a word where the network of this file expects integers."""
    if os.path.isfile(word):
        with contextlib.suppress(WeightsError):
            load(word)
            return f"; did you mean -i {word}?"
    taken = next((name for name, shipped in file_names.shipped_networks().items() if shipped == path), path)
    return f"; {taken}, the network taken, is of integers: one of texts is given with -i, as `-i g2p`"


def name_of(file: str) -> str:
    """Return what a task is called after a file: never as a built-in pattern, whose network it would pass for."""
    name = "stdin" if file == "-" else Path(file).name.replace(":", ".")[-60:]
    return f"{name}.pairs" if name in PATTERNS else name


def pattern_of(network: TrainedNetwork | None) -> SequencePattern:
    """Return the pattern that a network was trained on, or the default one for a fresh network.

    Raises:
        UsageError: it was the user's own, or own data: both have to be named again.
    """
    if network and network.task is not None and not network.pattern:
        again = "-p with your function" if is_user_function(network.task) else "--from-file"
        raise UsageError(f"the network was trained on {network.task!r}: expected {again} again")
    return find_pattern((network and network.pattern) or DEFAULT_PATTERN)


def other_length_notice(network: TrainedNetwork, *in_lens: int | None) -> list[str]:
    """Return what to say where a network is asked for sources of lengths that it was not trained at."""
    others = sorted({in_len for in_len in in_lens if in_len and not network.was_trained_at(in_len)})
    if not others:
        return []
    known = network.trained_lengths
    trained = f"length {known[-1]}" if len(known) == 1 else f"lengths {known[0]} to {known[-1]}"
    some = f"length {', '.join(map(str, others))}"
    if network.ends and len(others) > 1:
        some = f"lengths {others[0]} to {others[-1]}"
    return [f"The network was trained at {trained}, so it may well be wrong at {some}"]


def check_agreement(options: NetworkOptions, path: Path, network: TrainedNetwork, resume: bool = False) -> None:
    """Raise UsageError for an option that contradicts the file, or if it is to be resumed, its training."""
    pattern, tokens = options.sequence_pattern, network.vocabularies.tokens
    if pattern and network.vocabularies.are_text:
        raise UsageError(f"{path} has {' and '.join(tokens)}, but patterns (-p) are of integers")
    # The name of a data file does not contradict a pattern, except on --resume.
    is_known = network.task in PATTERNS or is_user_function(network.task or "") or resume
    found = vars(network.model_config) | {"pattern": network.task if is_known else None}
    found |= {"in_tokens": tokens[0], "out_tokens": tokens[1]}
    wanted = given_values(ModelConfig, options.settings) | {"pattern": pattern and pattern.name}
    wanted |= {"in_tokens": options.in_tokens, "out_tokens": options.out_tokens}
    if resume and network.trained:
        config = network.trained.config
        found |= vars(config) | {"in_len": config.lengths}
        wanted |= given_values(TrainConfig, options.settings)
        if getattr(options, "validation_file", None):  # N counts the pairs to train on
            found["points"] = config.n_training
        if "in_len" in wanted:
            wanted["in_len"] = lengths_text(wanted.pop("min_in_len", None), wanted["in_len"])
    for name, value in wanted.items():
        is_alike = name == "cell_type" and CELL_TYPES[value] == CELL_TYPES[found[name]]  # two names of one
        if None not in (value, found[name]) and value != found[name] and not is_alike:
            raise UsageError(f"{path} has {name.replace('_', '-')} {found[name]}, but the options ask for {value}")

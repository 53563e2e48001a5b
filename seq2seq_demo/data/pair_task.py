"""The task of learning a user's pairs of a source and a target, and warnings about probable mistakes."""

import functools
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from seq2seq_demo.config import CHARACTERS, ModelConfig, TrainConfig
from seq2seq_demo.data.encoder import Encoder, encode_pairs
from seq2seq_demo.data.layout import Tokens, recognise
from seq2seq_demo.data.python_rows import python_pairs
from seq2seq_demo.data.records import Places, Record
from seq2seq_demo.data.sequences import Pairs, Sequences, concatenate
from seq2seq_demo.data.vocabulary import INTEGER_VOCABULARIES, Vocabularies, check_case, new_vocabularies
from seq2seq_demo.errors import InputError, UsageError

BLOCK = 2**16  # symbols or lengths copied at once for the checksum
ENOUGH = 100  # if this many pairs, or a twentieth of all, are in `held_out`, no other sources validate

# The longest sequence is an outlier if its length exceeds both OUTLIER_LEN and OUTLIER_RATIO times the typical length,
# which is the TYPICAL_QUANTILE of the lengths.
OUTLIER_LEN, OUTLIER_RATIO, TYPICAL_QUANTILE = 200, 5, 0.999


@dataclass(frozen=True)
class PairTask:
    """A task of pairs that a user provides. If a source has several pairs, any of their targets is correct.

    Raises:
        InputError: there are no pairs, or a source is empty.
    """

    name: str
    pairs: Pairs
    validation: Pairs | None = None  # None: `divided` holds out about a tenth of `pairs`
    vocabularies: Vocabularies = INTEGER_VOCABULARIES
    places: Places | None = None  # the place of each pair in its file, for warnings
    # Digests of sources that are for validation only: they validated the network that this training run continues.
    held_out: np.ndarray | None = field(default=None, compare=False, repr=False)
    n_skipped: int = 0  # invalid records that were left out

    def __post_init__(self) -> None:
        for pairs in self._splits:
            if not isinstance(pairs, Pairs):
                raise InputError(f"expected Pairs, got {type(pairs).__name__}")
            if not (len(pairs) and pairs.sources.lengths.min()):
                found = "an empty source" if len(pairs) else "none"
                raise InputError(f"expected pairs of a source and a target, got {found}")

    @property
    def _splits(self) -> list[Pairs]:
        return [self.pairs] if self.validation is None else [self.pairs, self.validation]

    @functools.cached_property
    def digest(self) -> str:
        """A checksum of the pairs and their vocabularies."""
        digest = hashlib.sha256()
        for pairs in self._splits:
            for numbers in (pairs.sources.lengths, pairs.sources.symbols, pairs.targets.lengths, pairs.targets.symbols):
                for first in range(0, len(numbers), BLOCK):
                    digest.update(numbers[first : first + BLOCK].astype("<i8").tobytes())
        if self.vocabularies.are_text:
            digest.update(repr(self.vocabularies).encode())
        return digest.hexdigest()

    def fingerprint(self, config: TrainConfig, model: ModelConfig) -> str:
        """Return the checksum of the pairs, which does not depend on the configs."""
        return self.digest

    def largest_symbols(self) -> dict[str, int]:
        """Return the largest source and target symbols, at least 1, because a network has two symbols or more."""
        in_max_int = max(int(pairs.sources.symbols.max(initial=1)) for pairs in self._splits)
        out_max_int = max(int(pairs.targets.symbols.max(initial=1)) for pairs in self._splits)
        return {"in_max_int": in_max_int, "out_max_int": out_max_int} | self.vocabularies.largest_symbols()

    def sized(self, config: TrainConfig, model: ModelConfig, out_len: int | None, default: int | None) -> TrainConfig:
        """Return the config with its number of points and its lengths set to those of the pairs."""
        if len(self.pairs) < 2 and self.validation is None:
            raise InputError("expected at least 2 pairs, to train on and to validate with, got 1")
        sources, targets = self.pairs.sources.lengths, self.pairs.targets.lengths
        config = replace(
            config,
            points=sum(map(len, self._splits)),
            n_copies=len(self.copies) if config.copies and model.ends else 0,
            validation_points=len(self.split[1]),
            in_len=int(sources.max()),
            min_in_len=int(sources.min()) if model.ends else None,
            out_len=max(1, int(targets.max())),
            few_symbols=0.0,
        )
        self._require_lengths(config, model)
        return config

    def draw(self, config: TrainConfig, model: ModelConfig, start_step: int = 0) -> tuple[Pairs, Pairs]:
        """Return the training pairs and the validation pairs."""
        self._require_lengths(config, model)
        self._require_symbols(model)
        if self.split[1].unseen_by(model).all():
            raise InputError("expected validation pairs of symbols that occur in the training pairs, got none")
        training, validation = self.split
        if config.n_copies:
            sources, targets = self.copies.sources, self.copies.targets
            training = Pairs(concatenate([training.sources, sources]), concatenate([training.targets, targets]))
        return training, validation

    @functools.cached_property
    def copies(self) -> Pairs:
        """The different targets of the training pairs as sources that are their own targets (Kann and Schütze 2017).

        Targets with symbols that the sources lack, and targets that validate as sources, are left out.
        """
        rows = zip(self._targets_as_sources, self.split[0].targets.rows(), strict=True)
        known = {tuple(source): target for source, target in rows if source and min(source) >= 0}
        validated = {*map(tuple, self.split[1].sources.rows())}
        different = [(source, target) for source, target in known.items() if source not in validated]
        return Pairs(Sequences.of_rows(s for s, _ in different), Sequences.of_rows(t for _, t in different))

    @functools.cached_property
    def _targets_as_sources(self) -> list[list[int]]:
        """The training targets as the sources number their symbols, −1 if they lack one; empty if the kinds differ."""
        source, target = self.vocabularies
        numbers = {symbol: n for n, symbol in enumerate(source.symbols)} if source.tokens == target.tokens else {}
        return [[numbers.get(target.symbols[n], -1) for n in row if numbers] for row in self.split[0].targets.rows()]

    def copied_share(self) -> float:
        """Return the share of a training target's symbols that its source has in the same order, on average."""
        from rapidfuzz.distance import LCSseq

        pairs = zip(self.split[0].sources.rows(), self._targets_as_sources, strict=True)
        return float(np.mean([LCSseq.similarity(source, target) / max(1, len(target)) for source, target in pairs]))

    @functools.cached_property
    def split(self) -> tuple[Pairs, Pairs]:
        """The training pairs and the validation pairs."""
        if self.validation is not None:
            return self.pairs, self.validation
        training, validation = self.divided()
        return self.pairs[training], self.pairs[validation]

    def _require_symbols(self, model: ModelConfig) -> None:
        """Raise UsageError if a symbol of the training pairs is larger than the network's largest symbol."""
        if self.pairs.unseen_by(model).any():
            expected = f"sources of symbols 0 to {model.in_max_int} and targets of symbols 0 to {model.out_max_int}"
            raise UsageError(f"expected {expected}, got larger ones")

    def divided(self) -> tuple[np.ndarray, np.ndarray]:
        """Split the pairs at random; return the indices of the training pairs and of the validation pairs.

        All pairs of one source are in the same split. The sources in `held_out` validate; if they are too few, others
        join them until about a tenth of the pairs validate. The split depends only on the pairs and on `held_out`. A
        second split, with the validation sources of the first as `held_out`, is the same.

        Raises:
            InputError: all sources are in `held_out`.
        """
        N = len(self.pairs)
        order = np.random.default_rng([0, 1, 0]).permutation(N)
        groups = self.pairs.sources.groups()[order]  # [N]
        _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
        by_group = np.argsort(first[inverse], kind="stable")  # sorts pairs by group, and groups by their first pair
        order, groups = order[by_group], groups[by_group]
        n = 0  # pairs whose source is in `held_out`
        if self.held_out is not None:
            is_held_out = np.isin(self.pairs.sources.digests(), self.held_out)[order]
            held_out_last, n = np.argsort(is_held_out, kind="stable"), int(is_held_out.sum())
            order, groups = order[held_out_last], groups[held_out_last]
        if n == N:
            raise InputError("expected pairs to train on, got only pairs that validated the network to continue from")
        if n >= min(ENOUGH, max(1, N // 20)):
            return order[:-n], order[-n:]
        starts = 1 + np.flatnonzero(groups[1:] != groups[:-1])  # each group's start, except the first
        cut = N - max(1, N // 10)
        starts = starts[starts <= N - n]
        if len(starts):
            cut = int(min(starts, key=lambda start: abs(start - cut)))
        return order[:cut], order[cut:]

    def _require_lengths(self, config: TrainConfig, model: ModelConfig) -> None:
        """Raise UsageError if the lengths differ from the config's and the network does not end its answers."""
        lengths = {(pairs.sources.common_length, pairs.targets.common_length) for pairs in self._splits}
        if not model.ends and lengths != {(config.in_len, config.out_len)}:
            expected = f"expected sources of {config.in_len} and targets of {config.out_len} symbols"
            raise UsageError(f"{expected}, because this network does not end its answers, got other lengths")


def pair_task_from_rows(
    rows: Iterable[object],
    vocabularies: Vocabularies | None = None,
    tokens: Tokens = (None, None),
    validation: Iterable[object] | None = None,
    lowercase: bool | None = None,
    may_be_unseen: bool = False,
) -> PairTask:
    """Make a task of pairs that `python_pairs` can read.

    If `vocabularies` is None, they are built from the rows. `tokens` are the kinds of tokens in sources and targets;
    None means that a kind is recognised. Validation pairs and, if `may_be_unseen`, all pairs may have symbols that the
    vocabularies lack.

    Raises:
        InputError: a row is invalid; the message gives its index.
        UsageError: `lowercase` does not fit the tokens or the vocabularies.
    """
    records: Iterable[Record] = python_pairs(rows, "pairs")
    if vocabularies:
        check_case(lowercase, vocabularies)
    elif None in tokens:
        records = [*records]
    known = vocabularies.extended() if vocabularies and may_be_unseen else vocabularies
    source, target = known or new_vocabularies(recognise(tokens, records), lowercase)
    pairs, vocabularies, _ = encode_pairs(records, Encoder(source, target))
    validation_pairs = None
    if validation is not None:
        validation_pairs = encode_pairs(python_pairs(validation, "validation"), Encoder(*vocabularies.extended())).pairs
    return PairTask("pairs", pairs, validation_pairs, vocabularies)


def pair_warnings(task: PairTask) -> Iterator[str]:
    """Yield the warnings about a task's pairs, each as one line."""
    sources, targets = task.pairs.sources, task.pairs.targets
    source_ids = sources.groups()
    n_targets = np.bincount(np.unique(np.stack([source_ids, targets.groups()]), axis=1)[0])
    is_empty, has_several = targets.lengths == 0, (n_targets > 1)[source_ids]
    if n := int(is_empty.sum()):
        yield f"Pairs with an empty target: {n}{_example(task, is_empty)}; remove them if their targets are missing"
    if n := int((n_targets > 1).sum()):
        yield f"Sources with several targets: {n}{_example(task, has_several)}; an answer may equal any of them"
    yield from _space_warning(task)
    yield from _outlier_warning("source", sources, task.places)
    yield from _outlier_warning("target", targets, task.places)
    if len(targets) > 1 and len({*targets.groups().tolist()}) == 1:
        yield "Every target is the same, so there is nothing to learn from the sources"
    if task.validation:
        yield from _overlap_warning(sources, task.validation.sources)


def _example(task: PairTask, is_example: np.ndarray) -> str:
    return f", such as {task.places.of(int(is_example.argmax()))}" if task.places else ""


def _outlier_warning(kind: str, sequences: Sequences, places: Places | None) -> Iterator[str]:
    """Warn about the longest sequence if it is far longer than almost all others."""
    longest, typical = int(sequences.lengths.argmax()), max_typical_length(sequences.lengths)
    length = int(sequences.lengths[longest])
    if length > typical:
        place = f"{places.of(longest)}: " if places else ""
        long = f"{place}the {kind} has {length} symbols, but almost all others have at most {typical}"
        yield f"{long}: training takes longer and needs more memory with it; remove it if it is a mistake"


def _space_warning(task: PairTask) -> Iterator[str]:
    """Warn about sources of characters that begin or end with a space, which is hard to see."""
    vocabulary, sequences = task.vocabularies.source, task.pairs.sources
    if vocabulary.tokens == CHARACTERS and " " in vocabulary.symbols:
        ends = np.cumsum(sequences.lengths)
        is_space = sequences.symbols == vocabulary.symbols.index(" ")
        if n := int((is_space[ends - 1] | is_space[ends - sequences.lengths]).sum()):
            yield f"Sources with a space at the beginning or end, which counts as a character: {n}"


def max_typical_length(lengths: np.ndarray) -> int:
    """Return the maximum of the lengths `[N]`, or their 99.9th percentile if the maximum is an outlier."""
    typical, longest = int(np.quantile(lengths, TYPICAL_QUANTILE, method="lower")), int(lengths.max())
    return typical if longest > max(OUTLIER_LEN, OUTLIER_RATIO * typical) else longest


def _overlap_warning(training: Sequences, validation: Sequences) -> Iterator[str]:
    """Warn about validation sources that are also training sources."""
    validated = np.unique(validation.digests())
    if n := int(np.isin(validated, training.digests()).sum()):
        overlap = f"{n} of {len(validated)} distinct validation sources are also training sources"
        yield f"{overlap}: validation figures are too optimistic"

"""Evaluation in NumPy, with teacher forcing and free-running.

With teacher forcing, the decoder reads the symbols of the target, so the figures are too optimistic. Free-running, it
reads its own answer, as it does in a prediction. If the network ends its answers, END counts as a symbol, and an answer
without END is wrong.

A source that the network cannot read has no answer, and a target that it cannot write equals no answer, so both are
wrong in every figure. Only the loss leaves these symbols out, because it would be infinite.
"""

import functools
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from seq2seq_demo.config import EVALUATION_SIZE, Beam, ModelConfig
from seq2seq_demo.data import sampling
from seq2seq_demo.data.pair_task import PairTask, Task, unseen_notices
from seq2seq_demo.data.patterns import PATTERNS, PatternTask, find_pattern
from seq2seq_demo.data.sampling import SOURCE_KINDS, evaluation_sources
from seq2seq_demo.data.sequences import Pairs, Sequences, concatenate, confusions, edit_distances, shift_right
from seq2seq_demo.declarations import require_integer
from seq2seq_demo.errors import InputError, Seq2SeqError, UsageError
from seq2seq_demo.network.decoding import GREEDY, Answer, DecodingOptions, answer
from seq2seq_demo.network.ensemble import log_softmax
from seq2seq_demo.network.numpy_network import NumpyNetwork
from seq2seq_demo.network.thread_pool import in_threads
from seq2seq_demo.system_memory import check_decoding_fits, check_points_fit
from seq2seq_demo.trained.metrics import AnswerProbabilities, Counts, Tally
from seq2seq_demo.trained.saved_network import SavedNetwork

ProgressCallback = Callable[[int], object]  # takes the number of sequences decoded since the last call
RANDOM, GIVEN = "random", "given"  # kinds of sources in addition to `sampling.SOURCE_KINDS`
FEW_PAIRS = 25  # with fewer pairs per job, several threads are slower than one: they mostly wait for Python's lock
MAX_REDRAWN_SYMBOLS, MAX_REDRAWN_POINTS = 100_000_000, 10_000_000  # redrawing more would take too long
WRONG_EXAMPLES = 5  # the worst answers that an evaluation shows
MAX_PER_KIND = 1000  # maximum number of sources per length, for each kind in `sampling.SOURCE_KINDS`


class EvaluationOptions(NamedTuple):
    """Decoding, level of detail and callbacks of an evaluation."""

    answer_len: Callable[[int], int]  # source length → maximum answer length, for a network that ends its answers
    beam: Beam | None = None  # None: greedy decoding
    detailed: bool = False  # count confusions, and keep the probabilities and a few wrong answers
    alternatives: bool = False  # an answer may equal any target of its source; False: each pair is separate
    on_progress: ProgressCallback = lambda _: None

    @property
    def decoding(self) -> DecodingOptions:
        """The decoding options of free-running answers."""
        return DecodingOptions(self.beam, probabilities=self.detailed)


def measure(network: NumpyNetwork, pairs: Pairs, options: EvaluationOptions) -> Counts:
    """Decode every source free-running, and the nearest of its targets with teacher forcing; return the counts.

    Raises:
        UsageError: a sequence is too long to decode.
    """
    counts = Counts()
    jobs = _Measurement(network, pairs, options).jobs()
    n_threads = 1 if len(pairs) < FEW_PAIRS * len(jobs) else None
    for part in in_threads(lambda count: count(), jobs, n_threads):
        options.on_progress(part.n_pairs)
        counts += part
    return counts


def cross_entropy(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return −log softmax(logits) at the targets: `[B, T, V]`, `[B, T]` → `[B, T]`."""
    return -np.take_along_axis(log_softmax(logits), targets[..., None].astype(np.intp), axis=-1)[..., 0]


def _by_length(sources: Sequences) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each source length in ascending order with the indices of its sources."""
    for in_len in np.unique(sources.lengths).tolist():
        yield in_len, np.flatnonzero(sources.lengths == in_len)


@dataclass(frozen=True)
class _Measurement:
    """An evaluation of a network on pairs, divided into jobs that threads can run."""

    network: NumpyNetwork
    pairs: Pairs
    options: EvaluationOptions

    @functools.cached_property
    def group_ids(self) -> np.ndarray:
        """A group id per pair, `[N]`; the targets of a group are alternatives for one source."""
        return self.pairs.sources.groups() if self.options.alternatives else np.arange(len(self.pairs))

    def jobs(self) -> list[Callable[[], Counts]]:
        """Divide the evaluation into functions, each for sources of the same length.

        Raises:
            UsageError: a sequence is too long to decode.
        """
        jobs: list[Callable[[], Counts]] = []
        c, decoding = self.network.model_config, self.options.decoding
        for in_len, rows in _by_length(self.pairs.sources):
            longest = int(self.pairs.targets.lengths[rows].max())
            out_len = self.options.answer_len(in_len) if c.ends else longest
            decoded = (GREEDY, longest + c.ends), (decoding, out_len + c.ends)  # forced and free-running
            for each, length in decoded:
                each.check_fits(c, 1, in_len, length)
            size = min(each.rows_at_once(c, in_len, length) for each, length in decoded)
            ordered = rows[np.argsort(self.group_ids[rows], kind="stable")]
            groups = np.unique(self.group_ids[ordered], return_inverse=True)[1]  # each group has one distinct source
            parts = np.split(ordered, np.searchsorted(groups, range(size, groups[-1] + 1, size)))
            jobs += [functools.partial(self._count, part, out_len) for part in parts]
        return jobs

    def _expected(self, targets: Sequences) -> tuple[np.ndarray, np.ndarray]:
        """Return the padded targets `[B, T]`, with END if the network writes END, and their mask.

        A symbol that the network cannot write is V.
        """
        ends, go, V = (getattr(self.network.model_config, name) for name in ("ends", "go", "n_output_symbols"))
        padded = targets.padded(int(targets.lengths.max()) + ends, go).astype(np.int64)
        positions, lengths = np.arange(padded.shape[1]), targets.lengths[:, None]
        return np.where((padded >= go) & (positions < lengths), V, padded), positions < lengths + ends

    def _readable(self, sources: Sequences) -> tuple[np.ndarray, np.ndarray]:
        """Return sources `[B, S]` of one length, and a mask of those that the network can read, `[B]`.

        In the others, each unknown symbol is replaced.
        """
        largest = self.network.model_config.in_max_int
        return np.minimum(sources.array().astype(np.int64), largest), ~sources.exceed(largest)

    def _forced(self, sources: np.ndarray, is_read: np.ndarray, expected: np.ndarray, mask: np.ndarray) -> Counts:
        """Count the teacher-forcing figures, given what `_readable` and `_expected` return."""
        go = self.network.model_config.go
        writable = np.minimum(expected, go)
        forced = self.network.decode(sources, expected.shape[1], shift_right(writable, go))
        is_known = mask & is_read[:, None] & (expected <= go)
        is_correct = (forced.symbols == expected) & is_known
        return Counts(
            loss_sum=float((cross_entropy(forced.logits, writable) * is_known).sum(dtype=np.float64)),
            n_loss=int(is_known.sum()),
            forced=Tally(mask.sum(axis=0), is_correct.sum(axis=0)),
            forced_exact=int((is_correct == mask).all(axis=1).sum()),
        )

    def _count(self, rows: np.ndarray, out_len: int) -> Counts:
        """Compute the figures of pairs whose sources have one length.

        If a source has several targets, the answer is compared with the nearest one, which teacher forcing feeds.
        """
        _, first, groups = np.unique(self.group_ids[rows], return_index=True, return_inverse=True)  # [B], [N]
        given, targets = self.pairs.sources[rows[first]], self.pairs.targets[rows]  # B sources, N targets
        sources, is_read = self._readable(given)  # [B, S], [B]
        ends, V = self.network.model_config.ends, self.network.model_config.n_output_symbols
        decoded = answer(self.network, sources, out_len, self.options.decoding)
        is_written = decoded.is_written[:, 0] & is_read[:, None]  # [B, T]
        answers = Sequences.of_padded(decoded.symbols[:, 0], decoded.lengths[:, 0] * is_read)  # B answers, without END
        is_complete = (decoded.ended[:, 0] | (not ends)) & is_read  # [B]
        edits = _edits(answers, targets, groups) + ~is_complete[groups]  # [N]; a missing END counts as an edit
        unseen = ~is_read[groups] | targets.exceed(self.network.model_config.out_max_int)  # [N]
        nearest = np.lexsort((edits, groups))[first]  # [B]
        edits, targets = edits[nearest], targets[nearest]
        expected, mask = self._expected(targets)  # [B, T]
        T = expected.shape[1]
        symbols = np.pad(np.where(is_written, decoded.symbols[:, 0], -1), ((0, 0), (0, T)), constant_values=-1)[:, :T]
        is_correct = (symbols == expected) & mask
        is_exact = (edits == 0) & ~targets.exceed(self.network.model_config.out_max_int)
        surplus = answers.lengths - targets.lengths  # [B]
        n_symbols = max(V, int(expected.max()) + 1)  # V + 1 if the network cannot write a symbol
        wrong = np.flatnonzero(~is_exact)
        details: dict[str, Any] = {}
        if self.options.detailed:
            assert decoded.probabilities is not None
            written, is_wrong = decoded.n_written[:, 0], mask & ~is_correct  # [B], [B, T]
            probabilities = decoded.probabilities[:, 0] * is_complete[:, None]  # [B, T]
            details["answers"] = AnswerProbabilities(probabilities[decoded.is_written[:, 0]], written, is_exact)
            b = wrong[np.argsort(-edits[wrong], kind="stable")[:WRONG_EXAMPLES]]
            ended = decoded.ended[b, 0] & is_read[b] if ends else np.full(len(b), None)
            sides = given[b].rows(), answers[b].rows(), targets[b].rows()
            p = [decoded.probabilities[k, 0, : written[k]].tolist() for k in b]
            worst = map(Answer, *sides, p, itertools.repeat(None), ended.tolist())
            details["wrong"] = tuple(zip(edits[b].tolist(), worst, strict=True))
            details["confusions"] = (
                confusions(answers[wrong], targets[wrong])
                if ends
                else Counter(zip(targets.array()[is_wrong].tolist(), symbols[is_wrong].tolist(), strict=True))
            )
        return self._forced(sources, is_read, expected, mask) + Counts(
            n=len(sources),
            n_pairs=len(rows),
            unseen=int(unseen.sum()),
            n_target=int(targets.lengths.sum()),
            by_position=Tally(mask.sum(axis=0), is_correct.sum(axis=0)),
            by_symbol=Tally(*(np.bincount(expected[mask], minlength=n_symbols) for mask in (mask, is_correct))),
            exact=int(is_exact.sum()),
            wrong_symbols=int((is_complete & ~is_exact & (surplus == 0)).sum()),
            too_short=int((is_complete & (surplus < 0)).sum()),
            too_long=int((is_complete & (surplus > 0)).sum()),
            unended=int((~is_complete).sum()),
            edits=int((edits - ~is_complete).sum()),
            **details,
        )


def _edits(answers: Sequences, targets: Sequences, groups: np.ndarray) -> np.ndarray:
    """Return the edit distance from each target to the answer of its group, `[N]`."""
    width = int(max(answers.lengths.max(), targets.lengths.max()))
    differs = answers.padded(width, -1)[groups] != targets.padded(width, -1)
    unequal = np.flatnonzero(differs.any(axis=1))  # computing distances is slower than comparing
    edits = np.zeros(len(targets), np.int64)
    edits[unequal] = edit_distances(answers[groups[unequal]], targets[unequal])
    return edits


@dataclass(frozen=True)
class EvaluationRow:
    """The figures on sources of one kind and length."""

    kind: str  # RANDOM, one of `sampling.SOURCE_KINDS`, or GIVEN
    in_len: int
    counts: Counts
    fresh: bool | None = None  # training used none of the sources; None: unknown


class EvaluationRequest(NamedTuple):
    """The sources of an evaluation, the lengths of their answers, the beam and the callbacks."""

    n: int | None = None  # sources of each length; of pairs, the first n
    lengths: Sequence[int] = ()  # lengths of a pattern's sources; by default those of training
    out_len: int | None = None
    seed: int = 0
    beam: Beam | None = None
    origin: str = ""  # describes the sources, as in " of dev.tsv"
    on_progress: ProgressCallback = lambda _: None
    on_notice: Callable[[str], object] = lambda _: None  # takes a sentence about the data


def n_to_measure(model_config: ModelConfig, in_len: int, n: int | None) -> int:
    """Return how many sources of a pattern an evaluation of `n` measures at a length, over all kinds."""
    n = n or EVALUATION_SIZE
    if not model_config.ends:
        return n
    n_random: int = min(n, (model_config.in_max_int + 1) ** in_len)
    return n_random + len(SOURCE_KINDS) * min(n, MAX_PER_KIND)


def training_sources(networks: Sequence[SavedNetwork], pattern: PatternTask) -> tuple[Sequences | None, bool]:
    """Redraw the random sources of the last training run; also return whether the network was trained on no others."""
    drawn, points, symbols, is_complete = [], 0, 0, True
    for each in networks:
        if each.run is None:
            is_complete = False
            continue
        config, start_step = each.run.config, each.run.start_step
        model = replace(each.model_config, ends=each.ends and config.min_in_len is not None)
        points, symbols = points + config.points, symbols + config.points * config.in_len
        is_drawn = config.validation_points is None and (not model.ends or each.task in (pattern.name, *PATTERNS))
        if is_drawn and points <= MAX_REDRAWN_POINTS and symbols <= MAX_REDRAWN_SYMBOLS:
            lengths = (find_pattern(each.task) if each.task in PATTERNS else pattern).lengths_of(config, model)
            drawn.append(sampling.training_sources(config, model, lengths, start_step))
            is_complete &= start_step == 0
        else:
            is_complete = False
    return concatenate(drawn) if drawn else None, is_complete


def measure_task(
    network: NumpyNetwork, facts: SavedNetwork, trained: Sequence[SavedNetwork], task: Task, request: EvaluationRequest
) -> Iterator[EvaluationRow]:
    """Yield the figures of each length and kind of sources of a task; `trained` are the trained members.

    Raises:
        UsageError: a value is out of range, or the task does not fit the network.
        InputError: the network does not end its answers, and was trained on every source of these lengths.
    """
    n, lengths, out_len = request.n, request.lengths, request.out_len
    if out_len is not None:
        require_integer("`out_len`", out_len, at_least=1)
    require_integer("`seed`", request.seed, at_least=0)
    answer_len = functools.partial(facts.answer_len, out_len=out_len)
    options = EvaluationOptions(answer_len, request.beam, True, task.is_pairs, request.on_progress)
    if isinstance(task, PairTask):
        facts.check_pairs(task, lengths[0] if lengths else None, out_len)
        pairs, largest = task.pairs[slice(n)], vars(facts.model_config) | facts.vocabularies.largest_symbols()
        rows_by_length = dict(_by_length(pairs.sources))
        unseen = unseen_notices(pairs, task.vocabularies, task.places, largest)
        for notice in (*facts.length_notices(*rows_by_length), *unseen):
            request.on_notice(notice)
        for in_len, rows in rows_by_length.items():
            yield EvaluationRow(GIVEN, in_len, measure(network, pairs[rows], options))
        return
    request = request._replace(lengths=lengths or facts.trained_lengths)
    for in_len in request.lengths:
        check_decoding_fits(facts.model_config, 1, in_len, out_len or in_len)
        check_points_fit(n_to_measure(facts.model_config, in_len, n), in_len, out_len or in_len)
    for notice in facts.length_notices(*request.lengths):
        request.on_notice(notice)
    targets, seen = facts.target_function(task, out_len), training_sources(trained, task)
    yield from _measure_pattern(network, targets, seen, request, options)


def _measure_pattern(
    network: NumpyNetwork,
    targets: Callable[[np.ndarray], Sequences],
    training: tuple[Sequences | None, bool],
    request: EvaluationRequest,
    options: EvaluationOptions,
) -> Iterator[EvaluationRow]:
    """Yield the figures on random sources of each length, without those of `training` if enough others exist.

    If the network ends its answers, up to MAX_PER_KIND sources of each kind of `SOURCE_KINDS` follow, and lengths that
    the pattern rejects are left out unless it rejects all.
    """
    c, n, (seen, are_all) = network.model_config, request.n or EVALUATION_SIZE, training
    not_fresh, is_measured, reason = list[str](), False, Seq2SeqError()

    def row(kind: str, sources: np.ndarray, fresh: bool | None = None) -> EvaluationRow:
        pairs = Pairs(Sequences.of_array(sources), targets(sources))
        return EvaluationRow(kind, sources.shape[1], measure(network, pairs, options), fresh)

    for in_len in request.lengths:
        try:
            targets(np.zeros((1, in_len), np.int64))
            sources, are_unseen = evaluation_sources(c, in_len, n, request.seed, seen)
        except (UsageError, InputError) as error:
            if not c.ends and isinstance(error, UsageError):
                raise
            reason = error
            if isinstance(error, InputError):
                request.on_notice(f"Skipped one length: {error}")
            continue
        is_measured, fresh = True, None if are_unseen and not are_all else are_unseen
        not_fresh += [] if fresh else [str(in_len)]
        yield row(RANDOM, sources, fresh)
        for number, (kind, draw) in enumerate(SOURCE_KINDS.items() if c.ends else ()):
            rng = np.random.default_rng([request.seed, 4, number, in_len])
            yield row(kind, draw(rng, min(n, MAX_PER_KIND), in_len, c.in_max_int))
    if not is_measured:
        raise reason
    if not_fresh:
        request.on_notice(f"Some sources of length {', '.join(not_fresh)} may be training sources")

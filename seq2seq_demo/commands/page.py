"""`page`: one HTML file in which trained networks run."""

from __future__ import annotations

from dataclasses import replace

from seq2seq_demo.commands.options import PageOptions
from seq2seq_demo.commands.selection import Choice, network_to_use, own_pairs, typed_sources
from seq2seq_demo.data.own_pairs import OwnPairs
from seq2seq_demo.data.own_ragged_pairs import as_ragged
from seq2seq_demo.data.sequence_files import Form
from seq2seq_demo.data.vocabulary import source_rows
from seq2seq_demo.display.console import notice, say
from seq2seq_demo.errors import InputError, WeightsError
from seq2seq_demo.files import access, canonical
from seq2seq_demo.page import examples
from seq2seq_demo.page.builder import Example, Moments, ShownNetwork, build
from seq2seq_demo.recording import recording_of
from seq2seq_demo.trained_network import TrainedNetwork


def page(options: PageOptions) -> None:
    """Write the page."""
    assert options.output is not None  # as its options say
    access.check_writable(options.output, "a page")
    every = [replace(options, input_weights=path) for path in options.all_input_weights or (None,)]
    access.write(options.output, build([*map(_shown, every)]).encode())
    notice(f"Wrote {options.output}: open it in a browser")


def _shown(options: PageOptions) -> ShownNetwork:
    """Return the network that the options mean, with what is shown of it."""
    choice = network_to_use(options, None)
    say(choice.notices)
    network, pattern = choice.network, choice.pattern
    pairs, typed = _pairs(options, choice), _typed(options, network)
    offered = [Example(source, examples.target_of(network, pattern, source), "asked for") for source in typed]
    if pairs:
        offered += examples.pair_examples(network, pairs)
    elif not network.vocabularies.are_text:
        offered += examples.pattern_examples(network, pattern)
    elif not typed:
        notice("No examples: give some, as in `page -i g2p hello through -o g2p.html`, or pairs with --from-file")
    return ShownNetwork(canonical.shown_name(choice.path), network, offered, _moments(choice, pairs))


def _typed(options: PageOptions, network: TrainedNetwork) -> list[list[int]]:
    """Return the sources that were typed, in numbers."""
    if not options.words:
        return []
    vocabularies = network.vocabularies
    values = [row.values for row in typed_sources(options.words, network, Form(*vocabularies.tokens))]
    for value in values:
        if isinstance(value, InputError):
            raise value
    return source_rows(values, network.model_config.in_max_int, vocabularies.source)


def _pairs(options: PageOptions, choice: Choice) -> list[examples.Pair]:
    """Return the pairs of --from-file, in numbers; without one, none."""
    if options.from_file is None:
        return []
    task = own_pairs(options.from_file, options, None, choice.pattern, choice.network, choice.network.ends)
    pairs = (as_ragged(task) if isinstance(task, OwnPairs) else task).pairs
    return [*zip(pairs.sources.rows(), pairs.targets.rows(), strict=True)]


def _moments(choice: Choice, pairs: list[examples.Pair]) -> Moments | None:
    """Return how the network learned, if a recording of its training stands beside its file."""
    try:
        recording = recording_of(choice.path, choice.network.weights)
    except WeightsError as error:
        notice(f"Without the training: {error}")
        return None
    if recording is None:
        return None
    if not pairs and choice.pattern:
        pairs = examples.held_out(choice.network, choice.pattern)
    return examples.moments_of(choice.network, recording, pairs[: examples.MEASURED])

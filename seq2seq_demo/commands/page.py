"""`page`: one HTML file in which trained networks run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import BinaryIO

from seq2seq_demo.commands.network_selection import Choice, network_to_use, read_task, typed_sources
from seq2seq_demo.commands.networks import OF_PAIRS
from seq2seq_demo.commands.options import PageOptions
from seq2seq_demo.data.readers import InputFormat
from seq2seq_demo.data.row_reader import source_rows
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.display.console import pluralize, print_notice, print_notices
from seq2seq_demo.errors import InputError, WeightsError
from seq2seq_demo.files import atomic_files, file_names
from seq2seq_demo.files.recording import recording_of
from seq2seq_demo.page import examples
from seq2seq_demo.page.builder import Example, Moments, ShownNetwork, build, check
from seq2seq_demo.trained_network import TrainedNetwork

DOCTYPE = b"<!DOCTYPE HTML>"


def page(options: PageOptions) -> None:
    """Write the page."""
    assert options.output is not None  # as its options say
    atomic_files.check_writable(options.output, "a page")
    atomic_files.require_replaceable(options.output, _is_page, "a new file or a page for -o")
    paths = options.all_input_weights or (None,)
    choices = [network_to_use(replace(options, input_weights=path), None) for path in paths]
    bare = [_without_examples(choice) for choice in choices]
    check(bare)  # before networks that may differ answer the same sources
    pairs: list[Pairs | None] = [None] * len(choices)
    if options.from_file:
        pairs = [read_task(options, None, choice.pattern, choice.network).pairs for choice in choices]
    offered = _offered(options, choices, pairs[0])
    shown = [
        replace(network, examples=some, moments=_moments(choice, of_file))
        for network, choice, of_file, some in zip(bare, choices, pairs, offered, strict=True)
    ]
    atomic_files.write(options.output, build(shown).encode())
    print_notice(f"Wrote {options.output}: open it in a browser")


def _is_page(file: BinaryIO) -> bool:
    return file.read(len(DOCTYPE)).upper() == DOCTYPE


def _without_examples(choice: Choice) -> ShownNetwork:
    """Return a network and its name."""
    print_notices(choice.notices)
    name = file_names.shown_name(choice.path)
    return ShownNetwork(name, choice.network, what=_what_it_learned(name, choice.network))


def _offered(options: PageOptions, choices: Sequence[Choice], pairs: Pairs | None) -> list[list[Example]]:
    """Return the examples for each network: the same sources, with what is expected of it."""
    networks, (first, *_) = [choice.network for choice in choices], choices
    typed = _typed(options, first)
    chosen: list[list[Example]] = [[] for _ in choices]
    if pairs is not None:
        chosen = examples.pair_examples(networks, examples.pairs_of(pairs))
        print_notice(f"Offers {len(chosen[0])} of the {pluralize(len(pairs), 'pair')} of {options.from_file}")
    elif not first.network.vocabularies.are_text:
        chosen = examples.pattern_examples([(choice.network, choice.pattern) for choice in choices])
    elif not typed:
        print_notice("No examples: give some, as in `page -i g2p hello through -o g2p.html`, or pairs with --from-file")
    return [
        [*(Example(source, examples.target_of(c.network, c.pattern, source), "") for source in typed), *of_network]
        for c, of_network in zip(choices, chosen, strict=True)
    ]


def _what_it_learned(name: str, network: TrainedNetwork) -> str:
    """Return what a network was trained on, where that is no pattern that the page knows."""
    if network.pattern:
        return ""
    if name in OF_PAIRS:
        return OF_PAIRS[name]
    source, target = network.vocabularies.tokens
    return f"{network.task}: from {source} to {target}" if network.task else ""


def _typed(options: PageOptions, choice: Choice) -> list[list[int]]:
    """Return the sources that were typed, in numbers."""
    if not options.words:
        return []
    in_max_int, vocabularies = choice.network.model_config.in_max_int, choice.network.vocabularies
    values = [row.values for row in typed_sources(options.words, choice, InputFormat(*vocabularies.tokens))]
    for error in (value for value in values if isinstance(value, InputError)):
        raise error
    return source_rows(values, in_max_int, vocabularies.source)


def _moments(choice: Choice, pairs: Pairs | None) -> Moments | None:
    """Return how the network learned, if a recording of its training stands beside its file."""
    beside = file_names.recording_path(choice.path)
    try:
        recording = recording_of(choice.path, choice.network.weights)
    except WeightsError as error:
        print_notice(f"Without the training: {error}")
        return None
    if recording is None:
        if choice.path not in file_names.shipped_networks().values():  # of which there are no recordings
            print_notice(f"Without the training: there is no {beside}, which `train --record` makes")
        return None
    if pairs is None and choice.pattern:
        pairs = examples.held_out(choice.network, choice.pattern)
    moments = examples.recorded_moments(choice.network, recording, pairs)
    print_notice(f"With {pluralize(len(moments.steps), 'moment')} of its training, of {beside}")
    return moments

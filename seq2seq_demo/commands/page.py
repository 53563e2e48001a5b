"""`page`: write an HTML file or a JavaScript module in which trained networks run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from seq2seq_demo.commands.network_selection import SelectedNetwork, read_pair_task, select_network, typed_sources
from seq2seq_demo.commands.networks import DESCRIPTIONS
from seq2seq_demo.commands.options import PageOptions
from seq2seq_demo.data.encoder import Encoder, PairEncoder, read_pairs, valid_records
from seq2seq_demo.data.pattern_task import find_pattern
from seq2seq_demo.data.python_rows import python_pairs
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.display.console import pluralize, print_notice, print_notices
from seq2seq_demo.errors import Seq2SeqError, WeightsError, require
from seq2seq_demo.files import atomic_files, file_names
from seq2seq_demo.files.recording import Recording, find_recording
from seq2seq_demo.page import examples
from seq2seq_demo.page.builder import Example, Moments, ShownNetwork, build, build_module, check, is_page
from seq2seq_demo.page.gallery import GALLERY, INDEX, Entry, build_index
from seq2seq_demo.trained_network import TrainedNetwork, load


def page(options: PageOptions) -> None:
    """Write the page or the module to the file that -o names, or the gallery to the directory of --gallery."""
    if options.gallery:
        _write_gallery(options.gallery, options.force)
        return
    assert options.output is not None  # checked by `PageOptions`
    check_output = partial(_check_page, options.output, options.force)
    check_output()
    paths = [[path] for path in options.input_weights] or [[]]
    selected = [_select_one(replace(options, input_weights=path)) for path in paths]
    shown = [_shown_network(one) for one in selected]
    check(shown)  # the networks must have the same symbols, because they answer the same sources
    content = build_module(shown[0]) if options.writes_module else _page(options, selected, shown)
    check_output()  # again: the file may have changed meanwhile
    atomic_files.write(options.output, content.encode())
    use = "import `network` from it" if options.writes_module else "open it in a browser"
    print_notice(f"Wrote {options.output}: {use}")


def _check_page(path: Path, force: bool) -> None:
    atomic_files.check_replaceable(path, "a page", is_page, force)


def _page(options: PageOptions, selected: Sequence[SelectedNetwork], shown: Sequence[ShownNetwork]) -> str:
    """Return the page with its examples and the recordings of the networks."""
    pairs: list[Pairs | None] = [None] * len(selected)
    if options.from_file:
        first, *others = selected
        pairs = [_read_pairs(options, first)]
        # Networks that read alike share the pairs, because a pipe can be read only once.
        pairs += [pairs[0] if _reads_alike(first, other) else _read_pairs(options, other) for other in others]
    return build(_with_details(shown, _examples(options, selected, pairs[0]), _moments(selected, pairs)))


def _read_pairs(options: PageOptions, selected: SelectedNetwork) -> Pairs:
    return read_pair_task(options, None, selected.pattern, selected.network, print_notice).pairs


def _reads_alike(one: SelectedNetwork, other: SelectedNetwork) -> bool:
    """Whether a file has the same pairs for both networks."""
    facts = [
        (x.network.vocabularies, x.network.ends, x.network.model_config.in_max_int, x.network.model_config.out_max_int)
        for x in (one, other)
    ]
    return facts[0] == facts[1]


def _with_details(
    shown: Sequence[ShownNetwork], offered: Sequence[list[Example]], moments: Sequence[Moments | None]
) -> list[ShownNetwork]:
    details = zip(shown, offered, moments, strict=True)
    return [replace(network, examples=listed, moments=recorded) for network, listed, recorded in details]


def _write_gallery(folder: Path, force: bool) -> None:
    """Write an index and a page for each entry of GALLERY.

    Raises:
        Seq2SeqError: without `force`, the directory contains anything other than pages of this program.
    """
    paths = [folder / f"{name}.html" for name in GALLERY]
    index = folder / INDEX
    check_folder = partial(_check_folder, folder, [index, *paths], force)
    check_folder()
    pages = [_gallery_page(entry) for entry in GALLERY.values()]
    check_folder()  # again: a file may have been added meanwhile
    folder.mkdir(exist_ok=True)
    for path, content in zip([*paths, index], [*pages, build_index()], strict=True):
        atomic_files.write(path, content.encode())
    print_notice(f"Wrote {index} and {pluralize(len(paths), 'page')}: open it in a browser")


def _check_folder(folder: Path, paths: Sequence[Path], force: bool) -> None:
    if folder.is_dir():
        for path in paths:
            _check_page(path, force)
        for path in () if force else sorted({*folder.iterdir()} - {*paths}):
            expected = f"{folder}: expected a directory with only pages that this program wrote"
            require(_is_page(path), f"{expected}, found {path.name}; `force` writes the pages beside it")
        return
    require(not os.path.lexists(folder), f"{folder}: expected a directory, found a file")
    atomic_files.check_writable(folder, "a gallery")


def _is_page(path: Path) -> bool:
    with contextlib.suppress(OSError, Seq2SeqError):
        return is_page(atomic_files.read(path, "a page"))
    return False


def _gallery_page(entry: Entry) -> str:
    """Return the page of an entry, with examples and the recordings of its networks."""
    selected = [_shipped_network(name) for name in entry.networks]
    networks = [one.network for one in selected]
    if entry.examples:
        encoder = PairEncoder(*networks[0].vocabularies)
        offered = examples.pair_examples(networks, read_pairs(python_pairs(entry.examples, "examples"), encoder).pairs)
    else:
        offered = examples.pattern_examples([(one.network, one.pattern) for one in selected])
    shown = [_shown_network(one) for one in selected]
    if len(shown) > 1:
        shown = [replace(one, name=_attention_name(one.network)) for one in shown]
    return build(_with_details(shown, offered, _moments(selected, [None] * len(selected))), entry.title, INDEX)


def _attention_name(network: TrainedNetwork) -> str:
    """Return the name of a network in a comparison."""
    return f"{'with' if network.model_config.has_attention else 'without'} attention"


def _shipped_network(name: str) -> SelectedNetwork:
    path = file_names.shipped_networks()[name]
    network = load(path)
    return SelectedNetwork(path, network, find_pattern(network.pattern) if network.pattern else None, [])


def _select_one(options: PageOptions) -> SelectedNetwork:
    """Return the selected network; if it is an ensemble, return its first member and add a notice."""
    selected = select_network(options, None)
    if not selected.network.members:
        return selected
    notice = f"{selected.path} is an ensemble of {len(selected.network.networks)} networks: the page shows the first"
    network = replace(selected.network, members=(), reached=None, temperature=None)
    return replace(selected, network=network, notices=[*selected.notices, notice])


def _shown_network(selected: SelectedNetwork) -> ShownNetwork:
    """Print the notices on a network; return it with its name and description, but without examples."""
    print_notices(selected.notices)
    name = file_names.display_name(selected.path)
    return ShownNetwork(name, selected.network, task_description=_description(name, selected.network))


def _examples(options: PageOptions, selected: Sequence[SelectedNetwork], pairs: Pairs | None) -> list[list[Example]]:
    """Return the examples of each network. All networks have the same sources, but each has the targets of its task."""
    networks, vocabularies = [one.network for one in selected], selected[0].network.vocabularies
    typed = _typed_sources(options, selected[0])
    chosen: list[list[Example]] = [[] for _ in selected]
    if pairs is not None:
        chosen = examples.pair_examples(networks, pairs)
        print_notice(f"The page offers {len(chosen[0])} of the {pluralize(len(pairs), 'pair')} of {options.from_file}")
    elif not vocabularies.are_text:
        chosen = examples.pattern_examples([(one.network, one.pattern) for one in selected])
    elif not typed:
        print_notice("The page has no examples: add some with --from-file, or as in `page -i g2p hello -o g2p.html`")

    def typed_examples(one: SelectedNetwork) -> list[Example]:
        return [Example(source, examples.pattern_target(one.network, one.pattern, source), "") for source in typed]

    return [typed_examples(one) + listed for one, listed in zip(selected, chosen, strict=True)]


def _description(name: str, network: TrainedNetwork) -> str:
    """Return a description of a network's task; empty for a built-in pattern, which the page itself describes."""
    if network.pattern:
        return ""
    source, target = network.vocabularies.tokens
    return DESCRIPTIONS.get(name) or (f"{network.task}: from {source} to {target}" if network.task else "")


def _typed_sources(options: PageOptions, selected: SelectedNetwork) -> list[list[int]]:
    """Return the sources on the command line as symbol numbers.

    Raises:
        InputError: the network cannot read a source.
    """
    if not options.words:
        return []
    vocabularies = selected.network.vocabularies
    encoder = Encoder(vocabularies.source, in_max_int=selected.network.model_config.in_max_int)
    rows = valid_records(map(encoder.encode, typed_sources(options.words, selected)))
    return [row.values for row in rows if row]


def _moments(selected: Sequence[SelectedNetwork], pairs: Sequence[Pairs | None]) -> list[Moments | None]:
    """Return the recorded moments of each network's training; None for a network without a readable recording."""
    recordings = {i: recording for i, one in enumerate(selected) if (recording := _recording(one))}
    recorded = []
    for i, recording in recordings.items():
        network, pattern = selected[i].network, selected[i].pattern
        recorded.append((network, recording, pairs[i] or (examples.held_out(network, pattern) if pattern else None)))
    moments = dict(zip(recordings, examples.recorded_moments(recorded), strict=True))
    for i, each in moments.items():
        path = file_names.recording_path(selected[i].path)
        print_notice(f"The page shows {pluralize(len(each.steps), 'moment')} of the training, from {path}")
    return [moments.get(i) for i in range(len(selected))]


def _recording(selected: SelectedNetwork) -> Recording | None:
    """Return the recording beside the weights file; print a notice and return None if there is no readable one."""
    path = file_names.recording_path(selected.path)
    try:
        recording = find_recording(selected.path, selected.network.weights)
    except WeightsError as error:
        print_notice(f"The page omits the training: {error}")
        return None
    if recording is None and selected.path not in file_names.shipped_networks().values():
        print_notice(f"The page omits the training: found no {path}, which `train --record` writes")
    return recording

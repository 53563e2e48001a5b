"""`page`: write an HTML file or a JavaScript module that runs trained networks."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from seq2seq_demo.commands.network_selection import SelectedNetwork, pair_arguments, select_network, typed_sources
from seq2seq_demo.commands.options import PageOptions
from seq2seq_demo.console import notice, pluralize
from seq2seq_demo.data.pair_task import pair_task
from seq2seq_demo.files import atomic_files, file_names
from seq2seq_demo.page import examples
from seq2seq_demo.page.builder import Example, ShownNetwork, build, build_module, check
from seq2seq_demo.page.gallery import EXAMPLES, GALLERY, INDEX, Entry, build_documents, build_index, exercises
from seq2seq_demo.page.training import build_training
from seq2seq_demo.trained.loading import DESCRIPTIONS, load


def page(options: PageOptions) -> None:
    """Write a page or module to the -o or --train file, or a gallery to the --gallery folder."""
    if options.gallery:
        _write_gallery(options.gallery, options.force)
        return
    output = options.train or options.output
    assert output is not None  # checked by `PageOptions`
    atomic_files.check_replaceable(output, "a page", options.force)
    atomic_files.write(output, (build_training() if options.train else _content(options)).encode())
    use = "import `network` from it" if options.writes_module else "open it in a browser"
    notice(f"Wrote {output}: {use}")


def _content(options: PageOptions) -> str:
    """Return the page or module for the networks that the options name."""
    paths = [[path] for path in options.input_weights] or [[]]
    selected = [_select_one(replace(options, input_weights=path)) for path in paths]
    shown = [_shown_network(one) for one in selected]
    check(shown)  # the networks must have the same symbols, because they answer the same sources
    if options.writes_module:
        return build_module(shown[0])
    return build([*map(_shown_network, selected, _examples(options, selected))])


def _write_gallery(folder: Path, force: bool) -> None:
    """Write an index, the exercises, the theory, and a page for each entry of GALLERY.

    Raises:
        Seq2SeqError: `force` is False, and a file to be replaced is neither empty nor a page of this program.
    """
    documents = build_documents()
    paths = [folder / name for name in (*(f"{name}.html" for name in GALLERY), *documents, INDEX)]
    folder.mkdir(exist_ok=True)
    for path in paths:
        atomic_files.check_replaceable(path, "a page", force)
    shown = {name: _gallery_networks(entry) if entry.networks else [] for name, entry in GALLERY.items()}
    pages = [
        build(networks, GALLERY[name].title, INDEX, exercises(name))
        if networks
        else build_training(INDEX, exercises(name))
        for name, networks in shown.items()
    ]
    contents = [*pages, *documents.values(), build_index(shown)]
    for path, content in zip(paths, contents, strict=True):
        atomic_files.write(path, content.encode())
    notice(f"Wrote {folder / INDEX} and {pluralize(len(pages), 'page')}: open the index in a browser")


def _gallery_networks(entry: Entry) -> list[ShownNetwork]:
    """Return the networks of an entry, with their examples."""
    paths = [file_names.shipped_networks()[name] for name in entry.networks]
    networks = [(path, load(path)) for path in paths]
    selected = [SelectedNetwork(path, network, network.pattern_task) for path, network in networks]
    shown = [*map(_shown_network, selected, _own_examples(selected))]
    if len(shown) > 1:  # one with attention and one without
        prefixes = ("with" if one.network.model_config.has_attention else "without" for one in selected)
        shown = [replace(one, name=f"{prefix} attention") for one, prefix in zip(shown, prefixes, strict=True)]
    return shown


def _select_one(options: PageOptions) -> SelectedNetwork:
    """Return the selected network; if it is an ensemble, print a notice and return its first member."""
    selected = select_network(options, None)
    if not selected.network.others:
        return selected
    n = len(selected.network.members)
    notice(f"{selected.path} is an ensemble of {n} networks: the page shows the first")
    return selected._replace(network=replace(selected.network, others=(), validation=None, calibration=None))


def _shown_network(selected: SelectedNetwork, offered: Sequence[Example] = ()) -> ShownNetwork:
    """Return a network with its name, the description of its task and its examples."""
    name, network = file_names.display_name(selected.path), selected.network
    description = f"{network.task}: from {' to '.join(network.vocabularies.tokens)}" if network.task else ""
    return ShownNetwork(name, network, offered, DESCRIPTIONS.get(_bundled_name(selected.path), description))


def _bundled_name(path: Path) -> str:
    """Return the name of the bundled network in this file, or "" for any other file."""
    return next((name for name, each in file_names.shipped_networks().items() if each == path), "")


def _examples(options: PageOptions, selected: Sequence[SelectedNetwork]) -> list[list[Example]]:
    """Return each network's examples: the same sources for all networks, with the targets of the network's task.

    Raises:
        InputError: a network cannot read a source on the command line.
    """
    networks = [one.network for one in selected]
    words = typed_sources(options.words, selected[0]) if options.words else []
    typed = [networks[0].encode(record) for record in words]
    if options.from_file:
        pairs = pair_task(pattern=selected[0].pattern, **pair_arguments(options, networks[0])).pairs
        chosen = examples.pair_examples(networks, pairs)
        notice(f"The page offers {len(chosen[0])} of the {pluralize(len(pairs), 'pair')} in {options.from_file}")
    else:
        chosen = _own_examples(selected)
    offered = []
    for one, listed in zip(selected, chosen, strict=True):
        target = examples.target_function(one.network, one.pattern)
        known = {tuple(example.source): example for example in listed}
        first = [known.pop(tuple(source), Example(source, target(source), "")) for source in typed]
        offered.append([*first, *known.values()])
    return offered


def _own_examples(selected: Sequence[SelectedNetwork]) -> list[list[Example]]:
    """Return a bundled network's examples from EXAMPLES, or else examples of the networks' patterns."""
    networks = [one.network for one in selected]
    for one in selected:
        if rows := EXAMPLES.get(_bundled_name(one.path)):
            return examples.pair_examples(networks, pair_task(rows, vocabularies=networks[0].vocabularies).pairs)
    if networks[0].vocabularies.are_text:
        return [[] for _ in selected]
    return examples.pattern_examples([(one.network, one.pattern) for one in selected])

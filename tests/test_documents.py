"""All documents: commands print the output shown, links lead to existing headings, and tables are complete."""

import ast
import functools
import re
import shlex
import subprocess
import sys
import threading
import tomllib
from graphlib import TopologicalSorter

import numpy as np
import options
import pytest
from helpers import PROGRAM, PYTHON, ROOT, environment

from seq2seq_demo import __version__, load
from seq2seq_demo.commands.cli import COMMANDS, EXAMPLES, parse
from seq2seq_demo.training import report

PACKAGE = ROOT / "seq2seq_demo"
FRONT_PAGE = ROOT / "README.md"
FOLDERS = ".github", "scripts", "seq2seq_demo", "trained_weights"
DOCUMENTS = [FRONT_PAGE, *sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md"))]
CODE = PACKAGE / "README.md"

LANGUAGES = {"console", "python", "sh", "text", "json", "html", "dockerfile"}
FENCED = re.compile(r"^```(\w+)( slow)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
EXAMPLE = re.compile(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)  # a command and its output
COMMAND = re.compile(r"^(?:\$ |TF_CONFIG=.* )?seq2seq-demo ([^|\n]*)", re.MULTILINE)  # its arguments
OMITTED = "…"  # for output that a document omits
# Predictions of unfinished networks, and the attention of networks that a document trains on letters, vary between
# machines. Numbers with four or five decimals vary a little.
VARYING = re.compile(r"(?<=    probe ).*|(?<=^  [a-z] \|).*(?:\nEND .*)?", re.MULTILINE)
NUMBER = re.compile(r"\d\.\d{4,5}(?!\d)")


def name(path):
    return str(path.relative_to(ROOT))


every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=name)


def blocks(document):
    """The fenced blocks that are run or written to a file, as (language, " slow" or "", text)."""
    return [block for block in FENCED.findall(document.read_text()) if block[0] in ("console", "python")]


def prose(document):
    """The text without fenced blocks and inline code."""
    return re.sub(r"`[^`]+`", "code", FENCED.sub("", document.read_text()))


def tables(document):
    return [line for line in document.read_text().splitlines() if line.startswith("|")]


# ---- Commands ----


def run(command, folder):
    """Run a command of a document; return its stdout."""
    path = f"{folder / 'bin'}:{environment()['PATH']}"
    result = subprocess.run(
        command, shell=True, capture_output=True, text=True, cwd=folder, env=environment(PATH=path), check=False
    )
    assert result.returncode == 0, f"{command}\n{result.stderr}"
    return result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("document", [path for path in DOCUMENTS if blocks(path)], ids=name)
def test_the_examples_run_and_print_the_output_shown(document, tmp_path, pytestconfig):
    (tmp_path / "bin").mkdir()
    for program, argv in (("python", PYTHON), ("seq2seq-demo", PROGRAM)):
        (tmp_path / "bin" / program).write_text(f'#!/bin/sh\nexec {shlex.join(argv)} "$@"\n')
        (tmp_path / "bin" / program).chmod(0o755)
    examples = []
    for language, slow, text in blocks(document):
        if language == "python":
            (tmp_path / text.removeprefix("# ").partition("\n")[0]).write_text(text)
        else:
            examples += [(slow, *example) for example in EXAMPLE.findall(text)]
            assert "".join(f"$ {command}\n{shown}" for command, shown in EXAMPLE.findall(text)) == text
    for slow, command, shown in examples:
        if not slow or pytestconfig.option.slow_examples:
            printed, expected = (VARYING.sub("#", text) for text in (run(command, tmp_path), shown))
            parts = (f"({NUMBER.pattern})".join(map(re.escape, NUMBER.split(part))) for part in expected.split(OMITTED))
            match = re.fullmatch(".*".join(parts), printed, re.DOTALL)
            assert match, f"{command}\n{printed}"
            numbers = [*map(float, NUMBER.findall(expected))]
            assert [*map(float, match.groups())] == pytest.approx(numbers, rel=0.3, abs=0.03), f"{command}\n{printed}"


@every_document
def test_every_block_has_a_known_language_and_every_command_is_run(document):
    assert "```" not in prose(document)
    for language, _, text in FENCED.findall(document.read_text()):
        assert language in LANGUAGES
        for command in re.findall(COMMAND, text.replace("\\\n", "")):
            parse(shlex.split(command, comments=True))
        assert language == "console" or not re.search(r"^\$ ", text, re.MULTILINE), text


def test_the_citation_and_the_changelog_have_the_version():
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"\n## {__version__} (" in (ROOT / ".github" / "CHANGELOG.md").read_text()


# ---- Links ----


def links(document):
    """Yield the addresses of a document's links and pictures."""
    text = prose(document)
    yield from re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    defined = re.findall(r"^\[([^\]]+)\]: (\S+)$", text, re.MULTILINE)
    assert sorted(name for name, _ in defined) == sorted({*re.findall(r"\]\[([^\]]+)\]", text)})
    yield from (address for _, address in defined)


def target(document, link):
    """The file and the heading that a link leads to, or None for a link outside this repository."""
    address, _, anchor = link.partition("#")
    if re.match(r"\w+:", address):
        return None
    return (document.parent / address).resolve() if address else document, anchor


def anchors(document):
    """The anchors that GitHub gives to the headings of a document, after the anchors of its earlier headings."""
    slugs = re.findall(r'^<a id="(.*)"></a>$', document.read_text(), re.MULTILINE)
    for heading in re.findall(r"^#+ (.*)$", FENCED.sub("", document.read_text()), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        slugs.append(f"{slug}-{times}" if (times := slugs.count(slug)) else slug)
    return slugs


@every_document
def test_links_lead_to_files_and_headings(document):
    for link in links(document):
        if file_and_heading := target(document, link):
            path, anchor = file_and_heading
            assert path.exists(), link
            assert path.is_relative_to(PACKAGE if document.is_relative_to(PACKAGE) else ROOT), link
        else:
            assert not re.search("seq2seq-demo", link), f"{link} is relative in this repository"
            if anchor:
                assert anchor in anchors(path), link


def test_a_package_index_gets_absolute_links_and_the_picture_itself():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    address = settings["project"]["urls"]["Homepage"]
    text = FRONT_PAGE.read_text()
    for change in settings["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        text = re.sub(change["pattern"], change["replacement"], text)
    absolute = re.findall(r"\]\(([^)\s]+)\)", text)
    (picture,) = re.findall(r"!\[[^\]]*\]\((.*?)\)", text)
    assert picture == f"{address}/raw/main/.github/training.webp"
    expected = [f"{address}/blob/main/{link}" for link in links(FRONT_PAGE)]
    assert [link.replace("/raw/", "/blob/") for link in absolute] == expected


def test_the_main_example_is_the_same_everywhere():
    shown = [command for command, _ in EXAMPLE.findall(FRONT_PAGE.read_text())]
    run_by_demo = re.findall(r"^run (.*?)(?: \$resume)?$", (ROOT / "scripts" / "demo").read_text(), re.MULTILINE)
    assert shown[: len(run_by_demo)] == [f"seq2seq-demo {command}" for command in run_by_demo]
    training = run_by_demo[0]
    assert training in EXAMPLES
    for path in ("seq2seq_demo/docs/LESSON.md", "scripts/pictures.py", ".github/workflows/checks.yml"):
        assert f"seq2seq-demo {training}" in (ROOT / path).read_text(), path


@pytest.mark.parametrize(("name", "heading"), [report.PAIR_ADVICE, report.PATTERN_ADVICE])
def test_the_advice_after_training_names_a_heading(name, heading):
    assert f"\n## {heading}\n" in (report.DOCUMENTS / name).read_text()


def test_every_document_can_be_reached_from_the_front_page():
    visited, to_follow = set(), [FRONT_PAGE]
    while to_follow:
        document = to_follow.pop()
        visited.add(document)
        pages = {leads[0] for link in links(document) if (leads := target(document, link))}
        to_follow += [page for page in pages - visited if page.suffix == ".md"]
    assert set(DOCUMENTS) <= visited


# ---- Tables ----


def test_the_page_of_options_has_the_tables_that_follow_from_the_declarations():
    text = options.OPTIONS.read_text()
    assert options.rewritten(text) == text, "run `python scripts/options.py`"


def test_every_command_is_listed():
    assert {*COMMANDS} <= {match[1] for row in tables(options.OPTIONS) if (match := re.match(r"\| `(\w+)\b", row))}


def test_the_guide_names_the_files_that_a_prediction_runs(run):
    run.ok("predict 3 1 2")  # imports them all
    called = set()
    for set_profile in (threading.setprofile, sys.setprofile):
        set_profile(lambda frame, *_: called.add(frame.f_code.co_filename))
    run.ok("predict 3 1 2")
    for set_profile in (threading.setprofile, sys.setprofile):
        set_profile(None)
    files = sorted(path.removeprefix(f"{PACKAGE}/") for path in called if path.startswith(f"{PACKAGE}/"))
    walk = re.search(r"^\*\*`predict 3 1 2`\*\*(.*?)\n\n", CODE.read_text(), re.DOTALL | re.MULTILINE)[1]
    assert sorted(re.findall(r"`([\w/]+\.py)`", walk)) == files


def test_every_folder_of_the_package_has_one_row_in_the_table_of_folders():
    named = [name for row in tables(CODE) for name in re.findall(r"^\| `([\w/]+)/` \|", row)]
    assert sorted(named) == sorted(path.name for path in PACKAGE.glob("[!_]*") if [*path.glob("*.py")])


# ---- Numbers ----

LESSON, TEACHING = ((PACKAGE / "docs" / f"{name}.md").read_text() for name in ("LESSON", "TEACHING"))


def test_the_stated_sizes_add_up_to_the_weights_of_the_network():
    rows = re.findall(r"^\| (.+) \| ([\d ×()+]+) \| ([\d,]+) \|$", LESSON, re.MULTILINE)
    for name, size, number in rows:
        assert eval(size.replace("×", "*")) == int(number.replace(",", "")), name
    total = sum(int(number.replace(",", "")) for _, _, number in rows)
    assert total == load("reversed-attention").n_weights
    assert f"sum is {total:,}" in LESSON


def stated(pattern):
    """All numbers in the groups of a pattern that a document matches."""
    groups = " ".join(re.search(pattern, " ".join(f"{TEACHING} {LESSON}".split())).groups())
    return [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", groups)]


def test_the_text_on_forced_and_free_running_accuracy_agrees_with_the_listing():
    rows = re.findall(r"^\d+ +(0\.\d{5}) +(0\.\d{5})$", LESSON, re.MULTILINE)
    forced, free = 100 * (1 - np.array(rows, float).T)
    errors = stated(r"gets (\d+) to (\d+)% of the symbols wrong, most often at positions 6 to 9.*?position, to (\d+)%")
    assert errors == [*map(round, (min(forced), max(forced), free[-1]))] and {*forced.argsort()[-4:]} == {5, 6, 7, 8}
    assert stated(r"If (\d+)% of the symbols are right with ") == pytest.approx([100 - np.mean(forced)], abs=0.5)


# ---- The layers ----


def layers():
    """The layers of the package, highest first; each is a list of modules and folders."""
    (line,) = (line for line in CODE.read_text().splitlines() if line.startswith("commands, api → "))
    return [layer.split(", ") for layer in line.split(" → ")]


def module_of(path):
    """The dotted name of a file without the name of the package: `data.records`."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def imports(path, modules):
    """Yield the modules that a file imports, including imports inside functions and for type checking."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            package, _, name = (node.module or "").partition(".")
            if package == PACKAGE.name:
                whole = [f"{name}.{alias.name}".lstrip(".") for alias in node.names]
                yield from (other if other in modules else name for other in whole if other != "__version__")


@functools.cache
def imported_modules():
    """Map each module to its imports, without `__init__` and `__main__`, which may import anything."""
    paths = {module_of(path): path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem[0] != "_"}
    return {module: {*imports(path, paths)} for module, path in paths.items()}


def test_modules_import_only_lower_layers():
    rank = {name: position for position, names in enumerate(layers()) for name in names}
    graph = imported_modules()
    assert {module.partition(".")[0] for module in graph} == set(rank)
    for module, imported in graph.items():
        for layer, other in ((module.partition(".")[0], other.partition(".")[0]) for other in imported):
            assert layer == other or rank[layer] < rank[other], f"{module} imports {other}"


def test_there_are_no_import_cycles():
    TopologicalSorter(imported_modules()).prepare()  # raises CycleError


def test_no_file_of_the_package_is_long():
    assert [path for path in PACKAGE.rglob("*.py") if path.read_text().count("\n") > 400] == []

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import ROOT

from seq2seq_demo.cells import CELL_TYPES
from seq2seq_demo.cli.parser import COMMANDS, make_parser

PACKAGE = ROOT / "seq2seq_demo"
README = (ROOT / "README.md").read_text()
# Directories are new each time; figures and what an unfinished network predicts differ between machines.
VARYING = re.compile(r"\d\.\d{4,5}|(?<=Log directory: ).*|(?<=    probe ).*")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def python_files():
    """The blocks of Python that begin with a file's name, by that name."""
    return {block.split()[1]: block for block in blocks("python") if re.match(r"# \w+\.py\n", block)}


@pytest.mark.slow
@pytest.mark.timeout(400)  # there are trainings among them
def test_the_console_examples_run_and_print_what_is_shown(tmp_path):
    for name, text in python_files().items():
        (tmp_path / name).write_text(text)
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    examples = [part for block in blocks("console") for part in re.split(r"^\$ ", block, flags=re.MULTILINE) if part]
    assert len(examples) >= 5
    for example in examples:
        command, _, shown = example.partition("\n")
        if command.startswith("pip"):
            continue
        done = subprocess.run(
            command, shell=True, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
        )
        assert done.returncode == 0, done.stderr
        assert VARYING.sub("#", done.stdout) == VARYING.sub("#", shown), command


@pytest.mark.slow
def test_the_python_example_runs(tmp_path):
    (example,) = set(blocks("python")) - set(python_files().values())
    done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[[4, 3, 2, 1, 0], [9, 9, 5, 5, 5]]\nTrue\n[4, 3, 2, 1, 0] (5, 5)\n"
    assert os.listdir(tmp_path) == ["five.h5"]


@pytest.mark.slow
def test_the_example_of_a_callback_runs(tmp_path):
    argv = [sys.executable, "-c", python_files()["callback.py"]]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"1 \[\[\d, \d\]\]\n2 \[\[\d, \d\]\]\n", done.stdout)


def test_every_option_and_command_stands_in_it():
    tables = "\n".join(line for line in README.splitlines() if line.startswith("|"))
    for action in make_parser()._actions:
        for option in action.option_strings:
            assert f"`{option}" in tables, option
    for command in COMMANDS:
        assert re.search(rf"`{command}\b", tables), command


def test_every_cell_stands_in_it():
    (row,) = (row for row in README.splitlines() if row.startswith("| `--cell-type"))
    assert all(f"`{name}`" in row for name in CELL_TYPES)


def test_every_file_of_the_package_stands_in_it():
    rows = {match[1]: row for row in README.splitlines() if (match := re.match(r"\| `([\w/]+(?:\.py|/))` \|", row))}
    for path in PACKAGE.rglob("[!_]*.py"):
        place = path.relative_to(PACKAGE)
        if place.parent == Path():
            assert place.name in rows
        else:
            assert f"`{place.stem}`" in rows[f"{place.parent}/"], place


def layers():
    """The row of layers in the README, the highest first: what stands in each."""
    (line,) = (line for line in README.splitlines() if line.startswith("cli → "))
    return [layer.split(", ") for layer in line.split(" → ")]


def imports(path):
    """The layers that a file imports from, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "seq2seq_demo":
            yield from (alias.name for alias in node.names if alias.name != "__version__")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("seq2seq_demo."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.ImportFrom) and node.level:
            raise AssertionError(f"{path} imports relatively")


def test_files_import_only_in_one_direction():
    rank = {name: place for place, names in enumerate(layers()) for name in names}
    found = {path.name.removesuffix(".py") for path in PACKAGE.iterdir() if re.fullmatch(r"[a-z]\w*(\.py)?", path.name)}
    assert found - {"trained_weights"} == set(rank)
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if name in rank:  # __init__ and __main__ may import anything
            for other in imports(path):
                assert other == name or rank[name] < rank[other], f"{path} imports {other}"


def test_where_tensorflow_is_loaded():
    loading = {
        str(path.relative_to(PACKAGE).parent / path.stem)
        for path in PACKAGE.rglob("*.py")
        if re.search(r"^(import|from) (tensorflow|keras)\b", path.read_text(), re.MULTILINE)
    }
    keras_network = {name for name in loading if name.startswith("network/keras_network/")}
    assert loading - keras_network == {f"training/{name}" for name in ("loop", "varied_loop", "dropout_loop", "packed")}

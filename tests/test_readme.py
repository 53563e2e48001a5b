import os
import re
import subprocess
import sys
from pathlib import Path

from seq2seq_demo import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
# Directories are new each time; figures and what an unfinished network predicts differ between machines.
VARYING = re.compile(r"\d\.\d{4,5}|(?<=Log directory: ).*|(?<=    probe ).*")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def python_files():
    """The blocks of Python that begin with a file's name, by that name."""
    return {block.split()[1]: block for block in blocks("python") if re.match(r"# \w+\.py\n", block)}


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


def test_the_python_example_runs(tmp_path):
    (example,) = set(blocks("python")) - set(python_files().values())
    done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[[4 3 2 1 0]\n [9 9 5 5 5]]\n"
    assert os.listdir(tmp_path) == ["five.h5"]


def test_every_option_and_command_stands_in_it():
    parser, _ = cli._parser()
    tables = "\n".join(line for line in README.splitlines() if line.startswith("|"))
    for action in parser._actions:
        for option in action.option_strings:
            assert f"`{option}" in tables, option
    for command in cli.COMMANDS:
        assert re.search(rf"`{command}\b", tables), command


def test_every_file_of_the_package_stands_in_it():
    for path in (ROOT / "seq2seq_demo").glob("[!_]*.py"):
        assert f"`{path.name}`" in README, path.name
    for path in (ROOT / "seq2seq_demo" / "network").glob("[!_]*.py"):
        assert f"`{path.stem}`" in README, path.name


def test_each_file_imports_only_from_those_below_it():
    rows = [line.split("|")[1] for line in README.splitlines() if re.match(r"\| `\w+(\.py|/)`.* \|", line)]
    places = {name: place for place, row in enumerate(rows) for name in re.findall(r"`(\w+)(?:\.py|/)`", row)}
    assert places["cli"] == 0
    for path in (ROOT / "seq2seq_demo").rglob("[!_]*.py"):
        name = "network" if path.parent.name == "network" else path.stem
        text = path.read_text()
        imported = re.findall(r"from seq2seq_demo\.(\w+)", text)
        for names in re.findall(r"from seq2seq_demo import ([\w, ]+)", text):
            imported += [other for other in names.replace(" ", "").split(",") if other != "__version__"]
        for other in set(imported) - {name}:
            assert places[name] <= places[other], f"{name} imports {other}"

"""Rewrite the tables of OPTIONS.md from the declarations of the options: `python scripts/options.py`.

Each row begins with the flags of an option; a new option needs a row with its flags. The script replaces the commands,
the defaults and the help text. The sentences after the help text belong to the document and are kept.
"""

import re
from pathlib import Path

from seq2seq_demo.commands.command_table import COMMANDS
from seq2seq_demo.training.recipe import recommended_settings

OPTIONS = Path(__file__).parents[1] / "seq2seq_demo" / "docs" / "OPTIONS.md"
CHOSEN = "[chosen](TRAINING.md#settings-for-pairs)"
OF_FILE = dict.fromkeys(("in_len", "out_len"), "any") | dict.fromkeys(("in_max_int", "out_max_int"), "from the pairs")


def defaults_for_pairs():
    """Map the name of each setting that the program chooses for pairs to its value, or CHOSEN if the value varies."""
    sizes = {"in_max_int": 30, "out_max_int": 30, "mean_in_len": 8, "mean_out_len": 8}
    few, many = recommended_settings(n_pairs=1000, **sizes), recommended_settings(n_pairs=100_000, **sizes)
    chosen = {name: few[name] if few.get(name) == many.get(name) else CHOSEN for name in few | many}
    return OF_FILE | chosen | {"few_symbols": ""}


def declared_options():
    """Map the flags of each option, as in a row, to its declaration in each command that has it."""
    declared = {}
    for command, row in COMMANDS.items():
        for option in row.declared.values():
            *letter, name = option.flags
            flags = ", ".join(f"`{flag}`" for flag in (*letter, f"{name} {option.metavar}" if option.metavar else name))
            declared.setdefault(flags, {})[command] = option
    return declared


def rewritten(text):
    """Return the document with the rows of all options rewritten; a KeyError names options without a row."""
    declared, for_pairs, lines = declared_options(), defaults_for_pairs(), []
    missing = set(declared)
    for line in text.splitlines():
        lines.append(line)
        if line.startswith(("## ", "For `")):
            section = {*re.findall(r"`(\w+)`", line.partition(".")[0])} or {*COMMANDS}
        if line.startswith("| option"):
            has_pairs = "for pairs" in line
        flags = re.sub(r" \(.*|^\| ", "", line.partition(" |")[0])
        if line.startswith("| `-") and flags in declared:
            missing.discard(flags)
            by_command = declared[flags]
            only = [command for command in by_command if section - by_command.keys() and command in section]
            notes = [("only", only), ("also", [command for command in by_command if command not in section])]
            note = ", ".join(f"{word} `{'`, `'.join(commands)}`" for word, commands in notes if commands)
            option = next(option for command, option in by_command.items() if command in section)
            help, default = re.fullmatch(r"(.*?)(?: \(default:? (.*)\))?", option.help).groups("")
            cells = [f"{flags} ({note})" if note else flags, default]
            if has_pairs:
                pairs = for_pairs.get(option.name, default)
                cells.append("yes" if pairs is True else str(pairs))
            own = line.removesuffix(" |").rpartition(" | ")[2].partition(". ")[2]
            cells.append(f"{help}. {own}" if own else help)
            lines[-1] = re.sub(r"\|  (?=\|)", "| ", f"| {' | '.join(cells)} |")
    if missing:
        raise KeyError(*missing)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    OPTIONS.write_text(rewritten(OPTIONS.read_text(encoding="utf-8")), encoding="utf-8")

"""`evaluate`: measure a network on fresh sources, of one length or of several, or on own pairs."""

import json
from collections.abc import Iterator

from seq2seq_demo.commands.options import EvaluateOptions
from seq2seq_demo.commands.selection import Choice, network_to_use, other_length_notice, own_pairs
from seq2seq_demo.config import EVALUATED, TrainConfig
from seq2seq_demo.data.batches import Pairs
from seq2seq_demo.display.console import result, say
from seq2seq_demo.display.evaluations import evaluation_dict, evaluation_text, lengths_text
from seq2seq_demo.errors import UsageError
from seq2seq_demo.evaluation import measure


def evaluate(options: EvaluateOptions) -> None:
    """Print tables, or a JSON object for each length."""
    choice = network_to_use(options, options.in_len)
    network, pattern = choice.network, choice.pattern
    all_facts = []
    for pairs in _pairs_to_measure(options, choice):
        facts = evaluation_dict(measure(network.to_numpy(), pairs), pairs.sources.shape[1])
        all_facts.append(facts)
        if options.json:
            about = {"model": network.model_config.model, "pattern": pattern.name if pattern else None}
            result(json.dumps(about | facts))
    if not options.json:
        fresh = f"fresh sources, pattern {pattern.name!r}" if pattern else ""
        what = f"pairs of {options.from_file}" if options.from_file else fresh
        tables = lengths_text(all_facts) if options.lengths else evaluation_text(all_facts[0])
        result(f"{all_facts[-1]['n']} {what}\n\n{tables}")


def _pairs_to_measure(options: EvaluateOptions, choice: Choice) -> Iterator[Pairs]:
    """Yield the pairs to evaluate on, for each length."""
    network, pattern = choice.network, choice.pattern
    notices = [*choice.notices, *other_length_notice(network, options.in_len, *options.lengths)]
    if options.from_file:
        pairs = own_pairs(
            options.from_file, options, options.points, pattern if options.pattern else None, network.model_config
        )
        say(notices)
        yield pairs
        return
    if pattern is None:
        raise UsageError(f"the network was trained on {network.task!r}: expected --from-file with pairs, or -p")
    if not network.draws_again:
        notices.append("It was trained on too many points to draw them again: some of the sources may be among them")
    n = options.points or EVALUATED
    for S in options.lengths or [options.in_len or network.in_len or TrainConfig.in_len]:
        pairs = network.held_out(pattern, n, in_len=S, out_len=options.out_len, seed=options.seed or 0)
        found = len(pairs.sources)
        if found < n:
            notices.append(f"Only {found} of {n} sources of length {S} were found that were not trained on")
        say(notices)
        yield pairs

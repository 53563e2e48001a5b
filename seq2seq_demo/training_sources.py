"""The random sources that a network was trained on, drawn again, so that an evaluation can leave them out."""

from dataclasses import replace

from seq2seq_demo.data import sampling
from seq2seq_demo.data.pattern_task import SequencePattern, find_pattern
from seq2seq_demo.data.patterns import PATTERNS
from seq2seq_demo.data.sequences import Sequences, concatenate
from seq2seq_demo.files.stored_network import StoredNetwork

MAX_REDRAWN_SYMBOLS, MAX_REDRAWN_POINTS = 100_000_000, 10_000_000  # redrawing more would take too long


def training_sources(network: StoredNetwork, pattern: SequencePattern) -> tuple[Sequences | None, bool]:
    """Redraw the random sources of all recorded runs; also return whether they are known to be all training sources."""
    drawn, points, symbols = [], 0, 0
    networks = network.networks
    is_complete = not any(x.runs[0].run.start_step if x.runs else x.step or x.program for x in networks)
    for task, run in (each for one in networks for each in reversed(one.runs)):
        config, ends = run.config, network.ends and run.config.min_in_len is not None
        model = replace(network.model_config, ends=ends)
        points, symbols = points + config.points, symbols + config.points * config.in_len
        is_drawn = config.validation_points is None and (not model.ends or task in (pattern.name, *PATTERNS))
        if is_drawn and points <= MAX_REDRAWN_POINTS and symbols <= MAX_REDRAWN_SYMBOLS:
            lengths = (find_pattern(task) if task in PATTERNS else pattern).lengths_of(config, model)
            drawn.append(sampling.training_sources(config, model, lengths, run.start_step))
        else:
            is_complete = False
    return concatenate(drawn) if drawn else None, is_complete

"""What the variables of a checkpoint of 2016 are here.

They are those of TF 0.10's tf.nn.seq2seq under TFLearn, or those of TF 1.x's tf.contrib.legacy_seq2seq, which renamed
them. The matrices of the cells and the order of their gates stand in the table of cells.
"""

import math
import re
from typing import NamedTuple

import numpy as np

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.errors import UsageError, WeightsError
from seq2seq_demo.network.parameters import Weights, add_to_biases, check_weights, weight_shapes

Found = dict[str, tuple[str, np.ndarray]]  # by its name in 2016: its name in the file, and its array

NAMES = {
    "encoder/embedding": "{network}/RNN/EmbeddingWrapper/embedding",
    "decoder/embedding": "{decoder}/embedding",
    "decoder/input/kernel": "{step}/Linear/Matrix",  # its rows are [d_t ; a_{t-1}], as ours
    "decoder/input/bias": "{step}/Linear/Bias",
    "decoder/attention/key/kernel": "{step}/AttnW_0",  # [1, 1, H, H], a convolution's
    "decoder/attention/query/kernel": "{step}/Attention_0/Linear/Matrix",
    "decoder/attention/query/bias": "{step}/Attention_0/Linear/Bias",
    "decoder/attention/score": "{step}/AttnV_0",
    "decoder/projection/kernel": "{step}/OutputProjectionWrapper/Linear/Matrix",
    "decoder/projection/bias": "{step}/OutputProjectionWrapper/Linear/Bias",
    "decoder/output/kernel": "{step}/AttnOutputProjection/Linear/Matrix",  # [W_p h_t + b_p ; a_t], as ours
    "decoder/output/bias": "{step}/AttnOutputProjection/Linear/Bias",
}
# What TFLearn and Adam save beside the weights and their moments.
OTHERS = re.compile(r"(.*/)?(moving_avg|beta[12]_power)|(?i:training_step|global_step)|val_loss|val_acc|is_training")
MAX_NAME = 1000  # many times the longest of 2016


class From2016(NamedTuple):
    """A network of the 2016 program, with Adam's step, and its moments if they are there."""

    model_config: ModelConfig
    weights: Weights
    step: int
    moments: Weights


def from_2016(variables: Weights) -> From2016:
    """Return the network that the variables of a checkpoint are.

    Raises:
        WeightsError: a variable is missing, unexpected, or not of the shape that the others need, and the message
            names it.
    """
    found = _by_name_of_2016(variables)
    model_config, names = _model(found)
    weights = _taken(found, "", model_config, names)
    moments: Weights = {}
    has_moments = any(name.endswith(("/Adam", "/Adam_1")) for name in found)
    for moment, slot in (("m", "/Adam"), ("v", "/Adam_1")) if has_moments else ():
        taken = _taken(found, slot, model_config, names)
        moments |= {f"{moment}/{name}": array for name, array in taken.items()}
    for name, _ in found.values():
        raise WeightsError(f"unexpected variable {name!r}")
    add_to_biases(weights, model_config, model_config.cell.gates_2016_added_1_to)  # moments are of gradients: they stay
    check_weights(model_config, weights, moments)
    return From2016(model_config, weights, _step(variables, has_moments), moments)


def name_of_2016(name: str) -> str:
    """Return TF 0.10's name of a variable that may be TF 1.x's, without the scope of a moment's optimiser.

    >>> name_of_2016("embedding_rnn_seq2seq/rnn/embedding_wrapper/multi_rnn_cell/cell_0/gru_cell/gates/kernel")
    'embedding_rnn_seq2seq/RNN/MultiRNNCell/Cell0/GRUCell/Gates/Linear/Matrix'
    >>> name_of_2016("Adam/embedding_rnn_seq2seq/RNN/EmbeddingWrapper/embedding/Adam_1")
    'embedding_rnn_seq2seq/RNN/EmbeddingWrapper/embedding/Adam_1'
    """
    slot = next((slot for slot in ("/Adam", "/Adam_1") if name.endswith(slot)), "")
    name = name.removesuffix(slot)
    if slot:
        name = re.sub(r"^\w+/(?=embedding_\w+_seq2seq/)", "", name)
    name = re.sub(r"\b(rnn|gates|candidate|cell_\d+|\w+_cell|\w+_wrapper)\b", _camel_case, name)
    name = re.sub(r"\b(kernel|weights|W_0)$", "Linear/Matrix", name)  # W_0 and B: of TF 0.10's LSTMCell
    name = re.sub(r"\b(bias|biases|B)$", "Linear/Bias", name)
    name = re.sub(r"(Embedding|OutputProjection)Wrapper/(?=\w+Cell/)", "", name)  # TF 1.x: around the cells
    return name + slot


def _camel_case(match: re.Match[str]) -> str:
    words = match[0].split("_")
    return "".join(word.upper() if word in ("rnn", "lstm", "gru") else word.title() for word in words)


def _by_name_of_2016(variables: Weights) -> Found:
    """Return the name and the array of every weight and moment, by its name in 2016."""
    found: Found = {}
    for name, array in variables.items():
        if len(name) > MAX_NAME:
            raise WeightsError(f"unexpected variable {name[:MAX_NAME]!r}...")
        key = name_of_2016(name)
        if OTHERS.fullmatch(name):
            continue
        if key in found or not key.startswith(("embedding_rnn_seq2seq/", "embedding_attention_seq2seq/")):
            raise WeightsError(f"unexpected variable {name!r}")
        found[key] = name, array
    return found


def _model(found: Found) -> tuple[ModelConfig, dict[str, str]]:
    """Return what names and shapes say of the model, and 2016's name for each of our weights and layers."""
    kind = "attention" if any(name.startswith("embedding_attention") for name in found) else "rnn"
    network, decoder = f"embedding_{kind}_seq2seq", f"embedding_{kind}_seq2seq/embedding_{kind}_decoder"
    step = f"{decoder}/{kind}_decoder"
    names = {ours: name.format(network=network, decoder=decoder, step=step) for ours, name in NAMES.items()}
    matches = (re.match(rf"{network}/RNN/(MultiRNNCell/Cell\d+/)?(\w+Cell)/", name) for name in found)
    cells = sorted({(match[1] or "", match[2]) for match in matches if match}) or [("", "BasicLSTMCell")]
    for layer, (stacked, cell_type) in enumerate(cells):
        place = f"MultiRNNCell/Cell{layer}/{cell_type}" if stacked else cell_type
        names |= {f"encoder/layer_{layer}": f"{network}/RNN/{place}", f"decoder/layer_{layer}": f"{step}/{place}"}
    n_inputs, E = _matrix_shape(found, names["encoder/embedding"])
    H, V = _matrix_shape(found, names["decoder/projection/kernel"])
    try:
        return ModelConfig(f"embedding_{kind}", cell_type, len(cells), H, E, n_inputs - 1, V - 2), names
    except UsageError as error:
        raise WeightsError(str(error)) from error


def _matrix_shape(found: Found, name: str) -> tuple[int, int]:
    if name not in found:
        raise WeightsError(f"missing variable {name!r}")
    known, array = found[name]
    if array.ndim != 2:
        raise WeightsError(f"expected a matrix in variable {known!r}, got shape {array.shape}")
    return array.shape[0], array.shape[1]


def _taken(found: Found, slot: str, model_config: ModelConfig, names: dict[str, str]) -> Weights:
    """Remove 2016's weights, or a slot of each, from `found`; return them by our names and laid out as ours."""
    cell, H = model_config.cell, model_config.cell_size

    def take(name: str, *shape: int) -> np.ndarray:
        if name + slot not in found:
            raise WeightsError(f"missing variable {name + slot!r}")
        known, array = found.pop(name + slot)
        if array.shape != shape or array.dtype != np.float32:
            raise WeightsError(f"expected variable {known!r} as float32 {shape}, got {array.dtype} {array.shape}")
        return array

    def side_by_side(name: str, *rows: int) -> np.ndarray:
        """Return the matrices, or the biases, of a cell, their gates in the order of the table of cells."""
        gates: Weights = {}
        for matrix, of_matrix in cell.matrices.items():
            stored = take(name.format(matrix), *rows, len(of_matrix) * H)
            gates |= zip(of_matrix, np.split(stored, len(of_matrix), axis=-1), strict=True)
        return np.concatenate([gates[gate] for gate in cell.gates], axis=-1)

    weights: Weights = {}
    for name, shape in weight_shapes(model_config).items():
        place, _, part = name.rpartition("/")
        if name == "decoder/attention/key/kernel":
            weights[name] = take(names[name], 1, 1, *shape).reshape(shape)
        elif name in names:
            weights[name] = take(names[name], *shape)
        elif part == "kernel":
            matrix = side_by_side(names[place] + "{}/Linear/Matrix", shape[0] + H)
            weights[name], weights[f"{place}/recurrent_kernel"] = np.split(matrix, [shape[0]])  # [input ; h]
            weights[f"{place}/bias"] = side_by_side(names[place] + "{}/Linear/Bias")
    return weights


def _step(variables: Weights, needed: bool) -> int:
    """Return how many times Adam was applied.

    Applying it counts Training_step up (in TF 1.x global_step); TFLearn's Global_Step counts batches, which is the
    same. Failing these, β2^(t+1) tells t. β1^(t+1) does not: it underflows float32 after 800 steps.
    """
    for name in ("Training_step", "global_step", "Global_Step"):
        if name in variables:
            step = _number(variables[name])
            if not (0 <= step < 2**53 and step.is_integer()):
                found = variables[name]
                shown = found if found.dtype.kind in "biuf" and found.shape == () else f"{found.dtype} {found.shape}"
                raise WeightsError(f"expected a number of steps in variable {name!r}, got {shown}")
            return int(step)
    for name, array in variables.items():
        power = _number(array)
        if name.endswith("beta2_power") and np.finfo(np.float32).tiny < power < 0.9995:
            return round(math.log(power, np.float32(0.999))) - 1  # exact while above tiny: up to 87,000 steps
    if needed:
        raise WeightsError("missing variable 'Training_step'")
    return 0


def _number(array: np.ndarray) -> float:
    """Return the number that an array is, or NaN."""
    return float(array) if array.shape == () and array.dtype.kind in "iuf" else math.nan

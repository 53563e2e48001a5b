"""Reads a 2016 checkpoint with TensorFlow and converts its variables to our weights.

The variables are named as in TensorFlow 0.10 (tf.nn.seq2seq under TFLearn). `config.CELL_TYPES` lists the matrices of
each 2016 cell and the order of their gates.
"""

import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.errors import WeightsError, require, require_tensorflow
from seq2seq_demo.network.parameters import Weights, add_to_biases, check_weights, weight_shapes

NAMES = {
    "encoder/embedding": "{network}/RNN/EmbeddingWrapper/embedding",
    "decoder/embedding": "{decoder}/embedding",
    "decoder/input/kernel": "{step}/Linear/Matrix",  # rows [d_t ; a_{t-1}], like ours
    "decoder/input/bias": "{step}/Linear/Bias",
    "decoder/attention/key/kernel": "{step}/AttnW_0",  # [1, 1, H, H], the kernel of a convolution
    "decoder/attention/query/kernel": "{step}/Attention_0/Linear/Matrix",
    "decoder/attention/query/bias": "{step}/Attention_0/Linear/Bias",
    "decoder/attention/score": "{step}/AttnV_0",
    "decoder/projection/kernel": "{step}/OutputProjectionWrapper/Linear/Matrix",
    "decoder/projection/bias": "{step}/OutputProjectionWrapper/Linear/Bias",
    "decoder/output/kernel": "{step}/AttnOutputProjection/Linear/Matrix",  # rows [W_p h_t + b_p ; a_t], like ours
    "decoder/output/bias": "{step}/AttnOutputProjection/Linear/Bias",
}
MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")  # the last bytes of a TensorFlow V1 checkpoint


def read_checkpoint(content: bytes) -> Weights:
    """Return the variables of a TensorFlow V1 checkpoint, by name.

    Raises:
        TrainingError: TensorFlow is not installed.
        WeightsError: TensorFlow cannot read the checkpoint.
    """
    require_tensorflow()

    # isort: split
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:  # TensorFlow treats a path as a pattern that may match several files
        path = Path(folder, "checkpoint")
        path.write_bytes(content)
        try:
            reader = tf.train.load_checkpoint(str(path))
            return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
        except Exception as error:  # TensorFlow's errors have no common base class
            raise WeightsError("damaged checkpoint: TensorFlow cannot read it") from error


def from_2016(variables: Weights) -> dict[str, Any]:
    """Convert a checkpoint's variables (arrays by name) to fields of a `SavedNetwork`, by name.

    The fields are the model, the weights, Adam's step, and Adam's moments, which are empty if the checkpoint has none.

    Raises:
        WeightsError: the variables do not make up a network, or have impossible values.
    """
    by_name = _by_name_of_2016(variables)
    has_moments = any(name.endswith("/Adam") for name in by_name)
    moments: Weights = {}
    try:
        model_config, names = _infer_model(by_name)
        weights = _weights_of(by_name, "", model_config, names)
        for moment, slot in (("m", "/Adam"), ("v", "/Adam_1")) if has_moments else ():
            arrays = _weights_of(by_name, slot, model_config, names)
            moments |= {f"{moment}/{name}": array for name, array in arrays.items()}
    except (KeyError, ValueError) as error:
        raise WeightsError(f"not the variables of a 2016 network: {error}") from error
    add_to_biases(weights, model_config, model_config.cell.gates_2016_added_1_to)  # moments need no change
    check_weights(weights, moments)
    step = int(variables.get("Training_step", 0))  # Adam increments it
    return {"model_config": model_config, "weights": weights, "step": step, "moments": moments}


def _by_name_of_2016(variables: Weights) -> Weights:
    """Return the weights and moments, without Adam's scope in their names."""
    by_name: Weights = {}
    for name, array in variables.items():
        key = re.sub(r"^\w+/(?=embedding_\w+_seq2seq/.*/Adam(_1)?$)", "", name)
        key = re.sub(r"/W_0(?=/Adam|$)", "/Linear/Matrix", key)  # LSTMCell uses different names
        by_name[re.sub(r"/B(?=/Adam|$)", "/Linear/Bias", key)] = array
    return by_name


def _infer_model(variables: Weights) -> tuple[ModelConfig, dict[str, str]]:
    """Infer the model from names and shapes; also return a map from our weight and layer names to the 2016 names."""
    kind = "attention" if any(name.startswith("embedding_attention") for name in variables) else "rnn"
    network, decoder = f"embedding_{kind}_seq2seq", f"embedding_{kind}_seq2seq/embedding_{kind}_decoder"
    step = f"{decoder}/{kind}_decoder"
    names = {ours: name.format(network=network, decoder=decoder, step=step) for ours, name in NAMES.items()}
    matches = (re.match(rf"{network}/RNN/(MultiRNNCell/Cell\d+/)?(\w+Cell)/", name) for name in variables)
    cells = sorted({(match[1] or "", match[2]) for match in matches if match}) or [("", "BasicLSTMCell")]
    for layer, (stacked, cell_type) in enumerate(cells):
        scope = f"MultiRNNCell/Cell{layer}/{cell_type}" if stacked else cell_type
        names |= {f"encoder/layer_{layer}": f"{network}/RNN/{scope}", f"decoder/layer_{layer}": f"{step}/{scope}"}
    n_inputs, E = variables[names["encoder/embedding"]].shape
    H, V = variables[names["decoder/projection/kernel"]].shape
    model_config = ModelConfig(
        model=f"embedding_{kind}",  # type: ignore[arg-type]  # not a literal
        cell_type=cell_type,  # type: ignore[arg-type]
        num_layers=len(cells),
        cell_size=H,
        embedding_size=E,
        in_max_int=n_inputs - 1,
        out_max_int=V - 2,
    )
    return model_config, names


def _weights_of(variables: Weights, slot: str, model_config: ModelConfig, names: dict[str, str]) -> Weights:
    """Return every weight, or its moment in Adam's `slot`, in our layout."""
    cell = model_config.cell

    def gates_of(name: str) -> np.ndarray:
        """Return a cell's matrices, or its biases, as one array with the gates in the order of `cell.gates`."""
        by_gate: Weights = {}
        for matrix, gates in cell.matrices.items():
            array = variables[name.format(matrix) + slot]
            by_gate |= zip(gates, np.split(array, len(gates), axis=-1), strict=True)
        return np.concatenate([by_gate[gate] for gate in cell.gates], axis=-1)

    weights: Weights = {}
    shapes = weight_shapes(model_config)
    for name, shape in shapes.items():
        layer, _, part = name.rpartition("/")
        if name in names:
            weights[name] = variables[names[name] + slot].reshape(shape)
        elif part == "kernel":
            matrix = gates_of(names[layer] + "{}/Linear/Matrix")
            weights[name], weights[f"{layer}/recurrent_kernel"] = np.split(matrix, [shape[0]])  # rows [input ; h]
            weights[f"{layer}/bias"] = gates_of(names[layer] + "{}/Linear/Bias")
    require({name: array.shape for name, array in weights.items()} == shapes, "a weight has an unexpected shape")
    return weights

"""Train the network of seq2seq_demo/README.md in JAX, on one core. Requires only JAX.

    for n in 1 2 3; do echo; done | PYTHON scripts/speed/jax_speed.py --model embedding_rnn

For each line on standard input, the script trains an epoch of `reversed` and prints the seconds; it prints the loss on
standard error. All epochs use the same samples, which are drawn at the start.
"""

import argparse
import functools
import os
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

B, K = 128, 64  # rows per batch, steps per call
E, V_IN, V = 20, 10, 11  # embedding size, numbers of input and output symbols
GO = V - 1
LEARNING_RATE, CLIP_NORM = 1e-4, 5.0


def initial_weights(model: str, H: int) -> dict:
    """Return initial weights for cells of H units, named as in the equations."""
    rng = np.random.default_rng(0)

    def glorot(*shape: int) -> np.ndarray:
        return rng.uniform(-1, 1, shape).astype(np.float32) * np.float32(np.sqrt(6 / sum(shape)))

    def cell() -> dict:
        b = np.repeat(np.float32([0, 1, 0, 0]), H)  # 1 for the forget gate
        return {"W": glorot(E, 4 * H), "U": glorot(H, 4 * H), "b": b}

    def bias(n: int) -> np.ndarray:
        return np.zeros(n, np.float32)

    E_in = rng.uniform(-np.sqrt(3), np.sqrt(3), (V_IN, E)).astype(np.float32)
    weights = {"E_in": E_in, "E_out": glorot(V, E), "encoder": cell(), "decoder": cell()}
    weights |= {"W_p": glorot(H, V), "b_p": bias(V)}
    if model == "embedding_attention":
        weights |= {"W_i": glorot(E + H, E), "b_i": bias(E), "W_q": glorot(2 * H, H), "b_q": bias(H)}
        weights |= {"W_k": glorot(H, H), "v": glorot(H, 1)[:, 0], "W_o": glorot(V + H, V), "b_o": bias(V)}
    return weights


def lstm(cell: dict, projected: jax.Array, state: tuple) -> tuple:
    """Return the next h and c, `[B, H]`; `projected` is x W + b, `[B, 4H]`."""
    h, c = state
    i, f, g, o = jnp.split(projected + h @ cell["U"], 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def run(cell: dict, x: jax.Array, state: tuple) -> tuple:
    """Run a cell over inputs `[T, B, E]`; return its last state and all h, `[T, B, H]`."""

    def step(state: tuple, projected: jax.Array) -> tuple:
        state = lstm(cell, projected, state)
        return state, state[0]

    return lax.scan(step, state, x @ cell["W"] + cell["b"])


def run_with_attention(p: dict, d: jax.Array, memory: jax.Array, state: tuple) -> tuple:
    """Return h and the contexts a, each `[T, B, H]`, from embeddings d `[T, B, E]` and the memory `[S, B, H]`."""
    memory = memory.swapaxes(0, 1)  # [B, S, H]
    keys = memory @ p["W_k"]

    def step(carry: tuple, d: jax.Array) -> tuple:
        state, a = carry
        x = d + a @ p["W_i"][E:]
        h, c = lstm(p["decoder"], x @ p["decoder"]["W"] + p["decoder"]["b"], state)
        q = jnp.concatenate([c, h], axis=-1) @ p["W_q"] + p["b_q"]
        u = jnp.tanh(keys + q[:, None]) @ p["v"]  # [B, S]
        a = jnp.einsum("bs,bsh->bh", jax.nn.softmax(u), memory)
        return ((h, c), a), (h, a)

    return lax.scan(step, (state, jnp.zeros_like(state[0])), d @ p["W_i"][:E] + p["b_i"])[1]


def logits(p: dict, sources: jax.Array, targets: jax.Array) -> jax.Array:
    """Return the logits `[T, B, V]` with teacher forcing, from sources `[S, B]` and targets `[T, B]`."""
    zeros = jnp.zeros((sources.shape[1], p["W_p"].shape[0]))
    state, memory = run(p["encoder"], p["E_in"][sources], (zeros, zeros))
    d = p["E_out"][jnp.concatenate([jnp.full_like(targets[:1], GO), targets[:-1]])]
    if "v" not in p:
        return run(p["decoder"], d, state)[1] @ p["W_p"] + p["b_p"]
    h, a = run_with_attention(p, d, memory, state)
    return jnp.concatenate([h @ p["W_p"] + p["b_p"], a], axis=-1) @ p["W_o"] + p["b_o"]


def mean_loss(p: dict, sources: jax.Array, targets: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the mean loss of sources and targets `[B, S]`, and how many symbols are correct."""
    predicted, targets = logits(p, sources.T, targets.T), targets.T
    losses = -jnp.take_along_axis(jax.nn.log_softmax(predicted), targets[..., None], axis=-1)
    return losses.mean(), (predicted.argmax(axis=-1) == targets).sum().astype(jnp.float32)


def adam(carry: tuple, gradient: dict) -> tuple:
    """Clip the gradient's norm and take one Adam step; return the weights, both moments and the step number."""
    weights, m, v, n = carry
    norm = jnp.sqrt(sum(jnp.sum(g * g) for g in jax.tree.leaves(gradient)))
    gradient = jax.tree.map(lambda g: g * (CLIP_NORM / jnp.maximum(norm, CLIP_NORM)), gradient)
    n += 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradient)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradient)
    rate = LEARNING_RATE * jnp.sqrt(1 - 0.999**n) / (1 - 0.9**n)
    weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-8), weights, m, v)
    return weights, m, v, n


@functools.partial(jax.jit, donate_argnums=0)
def steps(carry: tuple, sources: jax.Array, targets: jax.Array) -> tuple:
    """Train on batches `[K, B, S]`; return Adam's state, and the losses and counts of right symbols `[K]`."""

    def step(carry: tuple, batch: tuple) -> tuple:
        figures, gradient = jax.value_and_grad(mean_loss, has_aux=True)(carry[0], *batch)
        return adam(carry, gradient), figures

    return lax.scan(step, carry, (sources, targets))


def train(options: argparse.Namespace) -> None:
    """Train one epoch for each line on standard input."""
    weights = initial_weights(options.model, options.units)
    n_weights = sum(weight.size for weight in jax.tree.leaves(weights))
    if options.weights not in (None, n_weights):
        raise AssertionError(f"expected {options.weights} weights, got {n_weights}")
    zeros = jax.tree.map(np.zeros_like, weights)
    carry = (weights, zeros, zeros, np.float32(0))
    sources = np.random.default_rng(1).integers(0, V_IN, (options.calls, K, B, options.length), np.int32)
    epoch = [(call, np.ascontiguousarray(call[..., ::-1])) for call in sources]
    for _ in sys.stdin:
        start = time.perf_counter()
        for batches in epoch:
            carry, (losses, _correct) = steps(carry, *batches)
        jax.block_until_ready(losses)
        print(time.perf_counter() - start, flush=True)
        print(f"JAX, {options.model}: loss {float(losses[-1]):.4f}", file=sys.stderr, flush=True)


def main() -> None:
    """Set XLA's flags, which it reads when the first array is made, and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=["embedding_rnn", "embedding_attention"], default="embedding_attention")
    parser.add_argument("--units", type=int, default=32)
    parser.add_argument("--length", type=int, default=10)
    parser.add_argument("--calls", type=int, default=10, help=f"calls of {K} steps per epoch (default 10)")
    parser.add_argument("--weights", type=int, help="the expected number of weights")
    options = parser.parse_args()
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    os.environ["JAX_PLATFORMS"] = "cpu"
    train(options)


if __name__ == "__main__":
    main()

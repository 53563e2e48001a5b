"""The 2016 network with attention in JAX, trained with Adam, as a baseline. Requires only JAX.

    PYTHON -P scripts/speed/jax_network.py FILE.npz

The file contains our weights by name, and an epoch of sources and targets `[N, B, S]`. The script prints the mean loss
of the first batch before training. For each line on standard input, it then trains an epoch and prints the loss of the
last batch.
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

LEARNING_RATE, CLIP_NORM = 1e-4, 5.0


def lstm(p: dict, name: str, x: jax.Array, state: tuple) -> tuple:
    """Return the next h and c `[B, H]` of a cell for its input `[B, E]`."""
    h, c = state
    gates = x @ p[f"{name}/kernel"] + h @ p[f"{name}/recurrent_kernel"] + p[f"{name}/bias"]
    i, f, g, o = jnp.split(gates, 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def dense(p: dict, name: str, x: jax.Array) -> jax.Array:
    """Return the output of a layer with a bias."""
    return x @ p[f"{name}/kernel"] + p[f"{name}/bias"]


def mean_loss(p: dict, sources: jax.Array, targets: jax.Array) -> jax.Array:
    """Return the mean loss per symbol of sources and targets `[B, S]`."""

    def read(state: tuple, e: jax.Array) -> tuple:
        state = lstm(p, "encoder/layer_0", e, state)
        return state, state[0]

    def write(carry: tuple, d: jax.Array) -> tuple:
        state, a = carry
        x = dense(p, "decoder/input", jnp.concatenate([d, a], axis=-1))
        h, c = lstm(p, "decoder/layer_0", x, state)
        q = dense(p, "decoder/attention/query", jnp.concatenate([c, h], axis=-1))
        u = jnp.tanh(keys + q[:, None]) @ p["decoder/attention/score"]  # [B, S]
        a = jnp.einsum("bs,bsh->bh", jax.nn.softmax(u), memory)
        logits = dense(p, "decoder/output", jnp.concatenate([dense(p, "decoder/projection", h), a], axis=-1))
        return ((h, c), a), logits

    zeros = jnp.zeros((len(sources), p["decoder/projection/kernel"].shape[0]))
    state, memory = lax.scan(read, (zeros, zeros), p["encoder/embedding"][sources.T])
    memory = memory.swapaxes(0, 1)  # [B, S, H]
    keys = memory @ p["decoder/attention/key/kernel"]
    go = jnp.full_like(targets[:, :1], len(p["decoder/embedding"]) - 1)
    fed = jnp.concatenate([go, targets[:, :-1]], axis=1)
    logits = lax.scan(write, (state, zeros), p["decoder/embedding"][fed.T])[1]  # [T, B, V]
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), targets.T[..., None], axis=-1).mean()


def adam(weights: dict, moments: tuple, n: jax.Array, gradient: dict) -> tuple:
    """Clip the gradient's norm and take the n-th step of Adam; return the new weights and moments."""
    norm = jnp.sqrt(sum(jnp.sum(g * g) for g in gradient.values()))
    gradient = jax.tree.map(lambda g: g * (CLIP_NORM / jnp.maximum(norm, CLIP_NORM)), gradient)
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, moments[0], gradient)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, moments[1], gradient)
    rate = LEARNING_RATE * jnp.sqrt(1 - 0.999**n) / (1 - 0.9**n)
    weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-8), weights, first, second)
    return weights, (first, second)


@jax.jit
def train_epoch(weights: dict, moments: tuple, n: jax.Array, sources: jax.Array, targets: jax.Array) -> tuple:
    """Train on batches `[N, B, S]` after n earlier steps; return the weights, the moments, n and the last loss."""

    def step(carry: tuple, batch: tuple) -> tuple:
        weights, moments, n = carry
        loss, gradient = jax.value_and_grad(mean_loss)(weights, *batch)
        return (*adam(weights, moments, n + 1, gradient), n + 1), loss

    carry, losses = lax.scan(step, (weights, moments, n), (sources, targets))
    return *carry, losses[-1]


def main() -> None:
    """Train as standard input demands."""
    weights = dict(np.load(sys.argv[1]))
    batches = weights.pop("sources"), weights.pop("targets")
    zeros = jax.tree.map(np.zeros_like, weights)
    carry = weights, (zeros, zeros), np.float32(0)
    print(float(mean_loss(weights, *(each[0] for each in batches))), flush=True)
    for _ in sys.stdin:
        *carry, loss = train_epoch(*carry, *batches)
        print(float(loss), flush=True)


if __name__ == "__main__":
    main()

"""A prior for each noised pair from what is known about its two items: a small network in torch.

The network maps public features of a cell to a mixture over atoms, and is fitted on the noised
cells themselves: their noise is known, so the likelihood of a cell under a mixture is too
(empirical Bayes, Robbins 1956; with covariates, Ignatiadis and Wager 2019). A cell becomes its
posterior mean. It is post-processing of a release and costs no privacy.

It starts from the mixture that plain deconvolution would find, the same for all cells, and is used
only if it makes cells that were kept from it more likely than that mixture does.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

ATOMS = (0, 0.08, 0.2, 0.4, 0.7, 1.1, 1.6, 2.2, 3, 4, 5.3, 7, 9.5, 13, 18, 25, 35, 50)
"""Possible true values, in sd of the noise."""

TRUSTED_SD = 20.0
"""A cell this many sd above zero is taken as it is."""

WIDTH = 32
EPOCHS = 3
FEWEST_STEPS = 200
BATCH = 16_384
SMALLEST_BATCH = 2_048
LEARNING_RATE = 5e-3
WEIGHT_DECAY = 1e-5
_FEWEST_CELLS = 1_000
_NOTABLE_SD = 2.5
_REST_SHARE = 4
_HELD_OUT = 10
_CHUNK = 131_072
_MIXTURE_ROUNDS = 100


def denoise_with_features(
    observed: NDArray[np.float64], features: NDArray[np.float32], sd: float, seed: int = 0
) -> NDArray[np.float64] | None:
    """Estimate the true values of noised cells by a prior that depends on each cell's features.

    Args:
        observed: Noised cells; float64, `(cells,)`.
        features: What is known of each, standardised; float32, `(cells, features)`.
        sd: Noise sd of a cell, above 0.
        seed: For initial weights, batches and the cells kept aside.

    Returns:
        Posterior means, cells above 20 sd as they are; float64, `(cells,)`. None if the features
        do not help, or of fewer than 1,000 cells: plain deconvolution is as good there.
    """
    if observed.size < _FEWEST_CELLS:
        return None
    with _one_thread():
        generator = torch.Generator().manual_seed(seed)
        seen = torch.from_numpy((observed / sd).astype(np.float32))
        known = torch.from_numpy(np.ascontiguousarray(features))
        kept = torch.randperm(seen.numel(), generator=generator)
        aside, rest = kept[: seen.numel() // _HELD_OUT], kept[seen.numel() // _HELD_OUT :]
        start = _marginal_log_weights(seen)
        network = _build(known.shape[1], start, generator)
        _train(network, seen, known, rest, generator)
        plain = mixture_log_likelihood(seen[aside], start.expand(aside.numel(), -1)).mean()
        with torch.inference_mode():
            fitted = mixture_log_likelihood(seen[aside], network(known[aside])).mean()
            if not bool(torch.isfinite(fitted)) or bool(fitted <= plain):
                return None
            means = [
                _posterior_mean(
                    seen[first : first + _CHUNK], network(known[first : first + _CHUNK])
                )
                for first in range(0, seen.numel(), _CHUNK)
            ]
    estimate = torch.cat(means).numpy().astype(np.float64) * sd
    return np.where(observed > TRUSTED_SD * sd, observed, estimate)


def mixture_log_likelihood(seen: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """Log likelihood log sum_k pi_k N(y; c_k, 1), pi = softmax(logits).

    Args:
        seen: Cells in sd of the noise; float32, `(cells,)`.
        logits: float32, `(cells, atoms)`.

    Returns:
        float32, `(cells,)`.
    """
    return torch.logsumexp(_joint(seen, logits), dim=1)


def _joint(seen: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """Log of prior times likelihood; float32, `(cells, atoms)`."""
    atoms = torch.tensor(ATOMS)
    distance = seen.clamp(max=ATOMS[-1])[:, None] - atoms[None, :]
    return torch.log_softmax(logits, dim=1) - 0.5 * distance**2 - 0.5 * math.log(2 * math.pi)


def _posterior_mean(seen: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    return torch.softmax(_joint(seen, logits), dim=1) @ torch.tensor(ATOMS)


def _marginal_log_weights(seen: torch.Tensor) -> torch.Tensor:
    """The one mixture that makes all cells likeliest, by expectation-maximisation; `(atoms,)`."""
    # Cells in bins of sd/16: the cost does not grow with their number.
    bins = torch.floor(seen.clamp(-10, ATOMS[-1]) * 16).to(torch.int64)
    values, counts = torch.unique(bins, return_counts=True)
    share = counts.double() / counts.sum()
    distance = (values.double()[:, None] + 0.5) / 16 - torch.tensor(ATOMS, dtype=torch.float64)
    density = torch.exp(-0.5 * distance**2) + 1e-300  # (bins, atoms)
    weights = torch.full((len(ATOMS),), 1.0 / len(ATOMS), dtype=torch.float64)
    for _ in range(_MIXTURE_ROUNDS):
        weights = weights * (density.T @ (share / (density @ weights)))
    return torch.log(weights.clamp(min=1e-6)).float()


def _build(features: int, start: torch.Tensor, generator: torch.Generator) -> torch.nn.Sequential:
    """A network whose first answer is the same mixture for every cell."""
    layers = [
        torch.nn.Linear(features, WIDTH),
        torch.nn.SiLU(),
        torch.nn.Linear(WIDTH, WIDTH),
        torch.nn.SiLU(),
        torch.nn.Linear(WIDTH, len(ATOMS)),
    ]
    with torch.no_grad():
        for layer in layers[:-1:2]:
            bound = 1.0 / math.sqrt(layer.in_features)  # type: ignore[arg-type]
            layer.weight.uniform_(-bound, bound, generator=generator)  # type: ignore[operator]
            layer.bias.zero_()  # type: ignore[operator]
        layers[-1].weight.zero_()  # type: ignore[operator]
        layers[-1].bias.copy_(start)  # type: ignore[operator]
    return torch.nn.Sequential(*layers)


def _train(
    network: torch.nn.Sequential,
    seen: torch.Tensor,
    known: torch.Tensor,
    rest: torch.Tensor,
    generator: torch.Generator,
) -> None:
    """Adam with a cosine; every notable cell and a quarter of the rest at four times the weight."""
    notable = seen[rest] > _NOTABLE_SD
    few = rest.numel() <= FEWEST_STEPS * SMALLEST_BATCH
    share = 1 if few else _REST_SHARE
    drawn = torch.rand(rest.numel(), generator=generator) < 1 / share
    chosen = rest[notable | drawn]
    weight = torch.where(seen[chosen] > _NOTABLE_SD, 1.0, float(share))
    batch = min(BATCH, max(SMALLEST_BATCH, chosen.numel() * EPOCHS // FEWEST_STEPS))
    each = -(-chosen.numel() // batch)
    epochs = max(EPOCHS, -(-FEWEST_STEPS // each))
    optimiser = torch.optim.Adam(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs * each)
    for _ in range(epochs):
        order = torch.randperm(chosen.numel(), generator=generator)
        for part in torch.tensor_split(order, each):
            cells = chosen[part]
            likely = mixture_log_likelihood(seen[cells], network(known[cells]))
            loss = -(likely * weight[part]).sum() / weight[part].sum()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums are added in one order whatever the machine's number of cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

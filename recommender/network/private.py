"""Training by DP-SGD (Abadi et al. 2016) with opacus; this file alone imports it.

One learner is one sample: the loss is the mean over that learner's next items, its gradient is
clipped as a whole (flat) to `Plan.clip`, and learners enter a step independently (Poisson
sampling), so that a step may be empty; it is noised and counted like any other. Steps of many
learners are computed in small physical batches.

The noise is drawn by torch's generator, a statistical one: opacus' secure mode needs a package that
is not to be had. Records therefore name the sampler `statistical`, and nothing trained here is
released by the product; `seed` exists for measurements (R11).
"""

from __future__ import annotations

import secrets
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from opacus import GradSampleModule
from opacus.accountants.analysis.rdp import compute_rdp
from opacus.optimizers import DPOptimizer
from opacus.utils.batch_memory_manager import BatchMemoryManager
from opacus.utils.uniform_sampler import UniformWithReplacementSampler
from torch import nn
from torch.utils.data import DataLoader, Dataset

from recommender.errors import EvaluationError
from recommender.network.train import padded, position_losses, seeded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recommender.network.budget import Plan
    from recommender.network.encoder import NextItem
    from recommender.release.noise import NoiseSource
    from recommender.release.training import Training
    from recommender.statistics.sequences import Sequences

SAMPLER = "statistical"
PHYSICAL_BATCH = 512
_PHYSICAL_UPDATE = 128
"""Learners whose gradients are cut to integers at a time."""
KEEP = 12
"""Latest items of a learner that are trained on: most of the time goes into padding."""
LEARNING_RATE = 0.02
ORDERS: tuple[float, ...] = (
    *(1.25, 1.5, 1.75, 2.5),  # fractional orders are slow, and needed for large epsilons alone
    *(float(x) for x in range(2, 65)),
    *(float(x) for x in (72, 80, 96, 128, 192, 256, 384, 512, 1024)),
)
"""Renyi orders searched; each gives a valid epsilon, the best the smallest."""
_LARGEST_MULTIPLIER = 2.0**12


def epsilon_of(plan: Plan, noise_multiplier: float) -> float:
    """Epsilon of training at a noise multiplier, with what else the plan spends."""
    rdp = compute_rdp(
        q=plan.sample_rate,
        noise_multiplier=noise_multiplier,
        steps=plan.steps,
        orders=ORDERS,
    )
    orders = np.asarray(ORDERS)
    total = np.asarray(rdp) + plan.rho_spent * orders
    # Canonne, Kamath, Steinke 2020, proposition 12; each order proves its epsilon.
    proved = total - (np.log(plan.delta) + np.log(orders)) / (orders - 1) + np.log1p(-1 / orders)
    return max(float(proved.min()), 0.0)


def noise_multiplier_for(plan: Plan) -> float:
    """The smallest noise multiplier, to a thousandth, at which the plan's epsilon is kept.

    Raises:
        EvaluationError: No noise reaches it.
    """
    low, high = 0.0, 0.5
    while epsilon_of(plan, high) > plan.epsilon:
        low, high = high, 2 * high
        if high > _LARGEST_MULTIPLIER:
            raise EvaluationError(
                f"no noise reaches epsilon {plan.epsilon}: what else is spent is too much"
            )
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (low, middle) if epsilon_of(plan, middle) <= plan.epsilon else (middle, high)
    return high


@dataclass(frozen=True, slots=True)
class PrivateRun:
    """What a training run did.

    Attributes:
        noise_multiplier: Noise sd over the clip.
        epsilon: Spent, everything together; at most the plan's.
        learners: In each step, empty steps included; only learners with a next item count.
    """

    noise_multiplier: float
    epsilon: float
    learners: tuple[int, ...]


class _Rows(Dataset[torch.Tensor]):
    """Padded histories, fetched a batch at a time; an empty batch is `(0, length)`."""

    def __init__(self, table: torch.Tensor) -> None:
        self.table = table

    def __len__(self) -> int:
        return self.table.shape[0]

    def __getitems__(self, rows: Sequence[int]) -> torch.Tensor:
        return self.table[torch.tensor(rows, dtype=torch.int64)]


def train_private(
    network: NextItem,
    histories: Sequences,
    plan: Plan,
    seed: int,
    *,
    noise_multiplier: float | None = None,
    learning_rate: float = LEARNING_RATE,
) -> PrivateRun:
    """Train in place.

    Args:
        network: Made of modules that opacus supports.
        histories: One entry a learner.
        plan: What may be spent.
        seed: Draws steps and noise.
        noise_multiplier: None takes the smallest that keeps the plan; a number is for tests.
        learning_rate: Of Adam.

    Raises:
        EvaluationError: Nobody has a next item, or no noise keeps the plan.
    """
    multiplier = noise_multiplier_for(plan) if noise_multiplier is None else noise_multiplier
    table = _trainable(network, histories)
    if table.shape[0] == 0:
        raise EvaluationError("no learner has two items: a network has nothing to learn from")
    network.train()
    module = GradSampleModule(network, batch_first=True, loss_reduction="sum", strict=True)
    try:
        with seeded(seed), warnings.catch_warnings():
            # Opacus' hooks sit on the first layer, too, whose input is a constant: that is meant.
            warnings.filterwarnings("ignore", "Full backward hook is firing")
            sizes = _run(module, network, table, plan, (multiplier, learning_rate, seed))
    finally:
        module.to_standard_module()
    network.eval()
    return PrivateRun(multiplier, epsilon_of(plan, multiplier) if multiplier else np.inf, sizes)


def _trainable(network: NextItem, histories: Sequences) -> torch.Tensor:
    """Padded histories of learners with a next item, shortest first; int64, `(learners, length)`.

    Sampling knows nothing of the order: sorted by length, little is computed on padding. Whoever
    has no next item has a gradient of zero, sampled or not, and is left out at no change.
    """
    table = padded(histories, network.items, KEEP)
    table = torch.nn.functional.pad(table, (0, max(2 - table.shape[1], 0)), value=network.items)
    length = (table < network.items).sum(dim=1)
    order = length.argsort(stable=True)
    return table[order[length[order] >= 2]]


def learner_losses(network: NextItem, rows: torch.Tensor) -> torch.Tensor:
    """Mean loss over each learner's next items, 0 without any; float32, `(batch,)`."""
    losses, known = position_losses(network, rows)
    return losses.sum(dim=1) / known.sum(dim=1).clamp(min=1)


def _run(
    module: GradSampleModule,
    network: NextItem,
    table: torch.Tensor,
    plan: Plan,
    how: tuple[float, float, int],
) -> tuple[int, ...]:
    """All steps; how many learners were in each."""
    multiplier, learning_rate, seed = how
    optimizer = DPOptimizer(
        torch.optim.Adam(module.parameters(), lr=learning_rate),
        noise_multiplier=multiplier,
        max_grad_norm=plan.clip,
        expected_batch_size=None,
        loss_reduction="sum",
        generator=torch.Generator().manual_seed(seed + 1),
    )
    loader = DataLoader(
        _Rows(table),
        batch_sampler=UniformWithReplacementSampler(
            num_samples=table.shape[0],
            sample_rate=plan.sample_rate,
            generator=torch.Generator().manual_seed(seed + 2),
            steps=plan.steps,
        ),
        collate_fn=lambda rows: rows,
    )
    sizes = [0]
    optimizer.attach_step_hook(lambda _: sizes.append(0))  # not called between physical batches
    with BatchMemoryManager(
        data_loader=loader, max_physical_batch_size=PHYSICAL_BATCH, optimizer=optimizer
    ) as physical:
        for rows in physical:
            longest = max(int((rows < network.items).sum(dim=1).max()) if len(rows) else 2, 2)
            torch.autograd.backward(learner_losses(network, rows[:, :longest]).sum())
            sizes[-1] += len(rows)
            optimizer.step()
            optimizer.zero_grad()
    return tuple(sizes[:-1])


class Chance(Protocol):
    """Who is in a step: each learner independently of all others (Poisson sampling)."""

    def pick(self, learners: int, rate: tuple[int, int]) -> NDArray[np.bool_]:
        """Draw a step.

        Args:
            learners: How many there are.
            rate: Chance of each, numerator and denominator.

        Returns:
            bool, `(learners,)`.
        """
        ...


class SecureChance:
    """Chance from the operating system's generator, to 2^-64 exact: for what leaves a platform."""

    def pick(self, learners: int, rate: tuple[int, int]) -> NDArray[np.bool_]:
        """Draw a step; see `Chance.pick`."""
        drawn = np.frombuffer(secrets.token_bytes(8 * learners), dtype="<u8")
        threshold = 2**64 * rate[0] // rate[1]
        return np.ones(learners, bool) if threshold == 2**64 else drawn < np.uint64(threshold)


class SeededChance:
    """Chance from a seed: for measurements, never for a release (R11)."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def pick(self, learners: int, rate: tuple[int, int]) -> NDArray[np.bool_]:
        """Draw a step; see `Chance.pick`."""
        return self._rng.random(learners) < rate[0] / rate[1]


def train_steps(
    network: NextItem,
    histories: Sequences,
    training: Training,
    noise: NoiseSource,
    chance: Chance,
) -> None:
    """Train in place for one round, with integer noise (R7, R11).

    Each learner's gradient is divided by max(its norm, 1), cut toward zero to integers whose
    squares sum to at most scale^2, which is checked for every learner, and added in int64; then
    every entry gets discrete Gaussian noise. Without any learner the steps are noise alone, so
    that an empty platform's update looks like any other (R9).

    Args:
        network: Made of modules that opacus supports.
        histories: One entry a learner; items are rows of the shared catalogue.
        training: The public constants.
        noise: `ExactNoise` for a release.
        chance: `SecureChance` for a release.
    """
    table = _trainable(network, histories)
    momentum = training.momentum[0] / training.momentum[1]
    # Plain steps: whoever has few learners moves little, where Adam would scale its noise up.
    optimizer = torch.optim.SGD(
        network.parameters(), lr=training.rate[0] / training.rate[1], momentum=momentum
    )
    network.train()
    module = GradSampleModule(network, batch_first=True, loss_reduction="sum", strict=True)
    try:
        with warnings.catch_warnings():
            # Opacus' hooks sit on the first layer, too, whose input is a constant: that is meant.
            warnings.filterwarnings("ignore", "Full backward hook is firing")
            for _ in range(training.steps):
                picked = torch.from_numpy(chance.pick(table.shape[0], training.sample_rate))
                total = _summed_gradients(network, table[picked], training.scale)
                total += noise.draw(training.parameters, training.sigma_squared)
                step = torch.from_numpy(total / (training.scale * training.batch)).float()
                at = 0
                for parameter in network.parameters():
                    parameter.grad = step[at : at + parameter.numel()].view_as(parameter)
                    at += parameter.numel()
                optimizer.step()
    finally:
        module.to_standard_module()
    network.eval()


def _summed_gradients(network: NextItem, table: torch.Tensor, scale: int) -> NDArray[np.int64]:
    """Sum of all learners' clipped integer gradients; int64, `(parameters,)`."""
    size = sum(parameter.numel() for parameter in network.parameters())
    total = torch.zeros(size, dtype=torch.int64)
    for at in range(0, table.shape[0], _PHYSICAL_UPDATE):
        rows = table[at : at + _PHYSICAL_UPDATE]
        longest = int((rows < network.items).sum(dim=1).max())
        torch.autograd.backward(learner_losses(network, rows[:, :longest]).sum())
        total += clipped_integers(network, scale).sum(dim=0)
    return total.numpy()


def clipped_integers(network: nn.Module, scale: int) -> torch.Tensor:
    """Each learner's gradient, clipped to norm 1, in grid units cut toward zero (R7, R8).

    Takes the per-sample gradients that opacus left on the parameters. A row whose squares sum to
    more than scale^2, by whatever rounding, or which is no number, counts as nothing.

    Returns:
        int64, `(learners, parameters)`.
    """
    rows: list[torch.Tensor] = []
    for parameter in network.parameters():
        rows.append(parameter.grad_sample.flatten(1))  # type: ignore[attr-defined] # opacus'
        parameter.grad_sample = parameter.grad = None  # type: ignore[attr-defined]
    gradients = torch.cat(rows, dim=1).double().nan_to_num()
    norm = torch.linalg.vector_norm(gradients, dim=1, keepdim=True).clamp(min=1.0)
    integers: torch.Tensor = (gradients * (scale / norm)).trunc().to(torch.int64)
    integers[(integers**2).sum(dim=1) > scale**2] = 0
    return integers

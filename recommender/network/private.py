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

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from opacus import GradSampleModule
from opacus.accountants.analysis.rdp import compute_rdp
from opacus.optimizers import DPOptimizer
from opacus.utils.batch_memory_manager import BatchMemoryManager
from opacus.utils.uniform_sampler import UniformWithReplacementSampler
from torch.utils.data import DataLoader, Dataset

from recommender.errors import EvaluationError
from recommender.network.train import padded, position_losses, seeded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recommender.network.budget import Plan
    from recommender.network.encoder import NextItem
    from recommender.statistics.sequences import Sequences

SAMPLER = "statistical"
PHYSICAL_BATCH = 512
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
    table = padded(histories, network.items, KEEP)
    table = torch.nn.functional.pad(table, (0, max(2 - table.shape[1], 0)), value=network.items)
    length = (table < network.items).sum(dim=1)
    # Sampling knows nothing of the order: sorted by length, little is computed on padding. Whoever
    # has no next item has a gradient of zero, sampled or not, and is left out at no change.
    order = length.argsort(stable=True)
    table = table[order[length[order] >= 2]]
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

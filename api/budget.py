"""One learner's epsilon, explained from the spend log to the model card, with every number (R4).

Each line says one thing, shows its arithmetic, and where two records must agree it says whether
they do. Nothing here is a count of learners (R14): the explanation may be shown to anybody.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from api.founding import read_ledger_files
from api.ledger import read_ledger
from api.reconciling import find_gaps, read_own_commits
from api.spend_log import read_spend
from recommender.network.budget import keeps_contract
from recommender.release.accounting import EXCLUSIONS, INFLUENCE, TRUST, best_alpha, claim, epsilon
from swarm.ledger.genesis import BRACKETS
from swarm.ledger.rounds import compute_training

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from api.home import Home
    from api.store.consent import ReleaseRecord
    from api.store.store import Store
    from recommender.release.accounting import Claim
    from recommender.release.manifest import Manifest
    from recommender.release.training import Training
    from swarm.ledger.genesis import Genesis


@dataclass(frozen=True, slots=True)
class Line:
    """One step of the explanation.

    Attributes:
        name: What it is about.
        text: The sentence, numbers in it.
        agrees: False where a record contradicts another.
    """

    name: str
    text: str
    agrees: bool = True


@dataclass(frozen=True, slots=True)
class _Facts:
    manifest: Manifest
    genesis: Genesis
    promise: Claim
    spent: Sequence[ReleaseRecord]
    trainings: frozenset[int]


def explain(home: Home, store: Store) -> list[Line]:
    """Explain what one learner of this home spends, from spend log to model card.

    Raises:
        FoundingError: The home is in no swarm.
        SpendLogError: The spend log is damaged.
        LedgerError: The ledger does not verify.
    """
    genesis, manifest, _ = read_ledger_files(home)
    facts = _Facts(manifest, genesis, claim(manifest), read_spend(home), find_trainings(home))
    gaps = find_gaps(home, store, [read_own_commits(home)])
    makers: tuple[Callable[[_Facts], Line], ...] = (
        _vector,
        _noise,
        _rho,
        _log,
        _conversion,
        _delta,
        _lifetime,
        _replaced,
        _accounts,
    )
    lines = [maker(facts) for maker in makers]
    agreement = Line(
        "records",
        "Spend log, released marks and ledger name the same releases."
        if not gaps
        else f"{len(gaps.unlogged)} release(s) are not in the spend log and {len(gaps.unmarked)} "
        "have no marks: run `murmuration swarm reconcile`; until then nothing is released (R3).",
        agrees=not gaps,
    )
    trained = [] if manifest.training is None else [_training(facts, manifest.training)]
    return [*lines[:4], agreement, *lines[4:], *trained, _card(home, facts), *_limits(facts)]


def find_trainings(home: Home) -> frozenset[int]:
    """Numbers of rounds that began a training of this home's swarm, by its ledger.

    Raises:
        LedgerError: The ledger does not verify.
    """
    genesis, ledger = read_ledger_files(home)[0], read_ledger(home)
    began = (compute_training(genesis, ledger, entry.opening.round) for entry in ledger.rounds)
    return frozenset(number for number in began if number is not None)


def _exact(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator} (about {float(value):.6f})"


def _vector(facts: _Facts) -> Line:
    blocks, scale = facts.manifest.blocks, facts.manifest.scale
    squares = sum(block.weight**2 for block in blocks)
    terms = " + ".join(f"{block.weight}² ({block.name})" for block in blocks)
    return Line(
        "vector",
        f"One learner adds a vector of whole numbers to the sums: {terms} = {squares:,}, at most "
        f"{scale:,}² = {scale**2:,}. So adding or removing the learner moves the sums by at most "
        f"{scale:,} grid units; production checks it for every learner (R7).",
        agrees=squares <= scale**2,
    )


def _noise(facts: _Facts) -> Line:
    squared = facts.manifest.sigma_squared
    return Line(
        "noise",
        f"Each of {facts.manifest.cells:,} cells gets discrete Gaussian noise of variance "
        f"{squared:,}, a standard deviation of {math.sqrt(squared):,.1f} grid units, drawn by the "
        "exact sampler here before anything leaves (R11).",
    )


def _rho(facts: _Facts) -> Line:
    manifest, agreed = facts.manifest, Fraction(*facts.genesis.rho)
    return Line(
        "rho",
        f"rho = {manifest.scale:,}² / (2 x {manifest.sigma_squared:,}) = {_exact(manifest.rho)} "
        f"zCDP, as whole numbers; the genesis that all founders signed says {_exact(agreed)}.",
        agrees=manifest.rho == agreed,
    )


def _log(facts: _Facts) -> Line:
    if not facts.spent:
        return Line("spend log", "The spend log is empty: no learner has spent anything yet.")
    own = [entry for entry in facts.spent if entry.swarm == facts.genesis.swarm_id.hex()]
    named = "; ".join(
        f"{'a training from ' if entry in own and entry.round in facts.trainings else ''}"
        f"round {entry.round} of swarm {entry.swarm[:8]} on "
        f"{datetime.fromtimestamp(entry.at, UTC):%Y-%m-%d}: rho {_exact(entry.rho)}"
        for entry in facts.spent
    )
    training = facts.manifest.training
    return Line(
        "spend log",
        f"The spend log holds {named}. A learner is in one of these releases at most.",
        agrees=all(
            entry.rho == training.rho_training
            if training is not None and entry.round in facts.trainings
            else entry.rho == facts.manifest.rho
            for entry in own
        ),
    )


def _training(facts: _Facts, training: Training) -> Line:
    chance = Fraction(*training.sample_rate)
    return Line(
        "training",
        f"A learner who is in a training of the network is in no release of statistics (R2). Its "
        f"{training.rounds} rounds of {training.steps} steps are spent as a whole before the first "
        f"update leaves: {training.rounds} x rho {_exact(Fraction(*training.rho))} = "
        f"{_exact(training.rho_training)}, at most the {_exact(facts.manifest.rho)} of statistics, "
        "so the same epsilon. In a step a learner takes part with chance "
        f"{chance}, with a gradient of at most {training.scale:,} grid units; each of "
        f"{training.parameters:,} sums gets "
        f"discrete Gaussian noise of variance {training.sigma_squared:,} by the exact sampler, "
        f"{training.noise_multiplier:.3f} times that. The contract holds at Renyi orders from 2 to "
        f"{training.orders}, computed again here (Mironov, Talwar and Zhang 2019). A person with "
        f"two accounts in one training spends at most twice the epsilon.",
        agrees=training.rho_training <= facts.manifest.rho and keeps_contract(training),
    )


def _conversion(facts: _Facts) -> Line:
    rho, delta = float(facts.manifest.rho), float(facts.promise.delta)
    alpha = best_alpha(rho, delta)
    first, second = alpha * rho, math.log1p(-1 / alpha)
    third = (math.log(delta) + math.log(alpha)) / (alpha - 1)
    sum_of_terms = f"{first:.4f} {second:+.4f} {-third:+.4f}"
    return Line(
        "epsilon",
        f"At Renyi order alpha = {alpha:.4f}: alpha x rho + log(1 - 1/alpha) - (log delta + log "
        f"alpha) / (alpha - 1) = {sum_of_terms} = {facts.promise.epsilon:.4f} "
        "(Canonne, Kamath and Steinke 2020). Any order would be valid; this one gives the least.",
        agrees=math.isclose(first + second - third, facts.promise.epsilon, rel_tol=1e-6),
    )


def _delta(facts: _Facts) -> Line:
    largest = max(BRACKETS[member.bracket] for member in facts.genesis.members)
    return Line(
        "delta",
        f"delta = {float(facts.promise.delta):.0e} for a whole lifetime; the largest bracket that "
        f"a member declared is {largest:,} learners, so at most {1 / (10 * largest):.0e} is "
        "allowed (R15).",
        agrees=facts.manifest.allows_bracket(largest),
    )


def _lifetime(facts: _Facts) -> Line:
    # Releases of swarms left behind may have had another noise; a learner was in one at most.
    rhos = [facts.manifest.rho, *(entry.rho for entry in facts.spent)]
    worst = epsilon(max(rhos), facts.promise.delta)
    return Line(
        "lifetime",
        "A learner enters one release in a lifetime, in whatever swarm (R2, R3), so releases do "
        f"not add up: nobody spends more than epsilon {math.ceil(worst * 100) / 100:.2f}.",
    )


def _replaced(facts: _Facts) -> Line:
    return Line(
        "replace one",
        f"If one learner is replaced by another instead of removed, the sums move twice as far: "
        f"4 x rho, epsilon {facts.promise.epsilon_replace_one:.4f}.",
    )


def _accounts(facts: _Facts) -> Line:
    said = "; ".join(
        f"{count} accounts: {apart:.4f} on separate platforms ({count} x rho), {together:.4f} in "
        f"one release ({count**2} x rho)"
        for count, apart, together in facts.promise.epsilon_accounts
    )
    return Line("accounts", f"A person with several accounts spends more: {said}.")


def _card(home: Home, facts: _Facts) -> Line:
    try:
        digest = json.loads(home.head_path.read_bytes())["digest"]
        card: dict[str, Any] = json.loads((home.model_dir(digest) / "card.json").read_bytes())
        said = Fraction(*card["rho_per_contribution"])
        parts = sum(len(entry["blobs"]) for entry in card["contributions"])
    except FileNotFoundError:
        return Line("model card", "There is no merged model yet, so there is no model card.")
    except (ValueError, KeyError, TypeError) as error:
        return Line("model card", f"The model card is damaged ({error}).", agrees=False)
    return Line(
        "model card",
        f"The card of model {digest[:16]} says rho {_exact(said)} for each of the {parts} "
        "contributions in it; platforms hold different pseudonyms, so one learner is in one of "
        "them, and merging costs nothing more.",
        agrees=said == facts.manifest.rho,
    )


def _limits(facts: _Facts) -> list[Line]:
    return [
        Line("trust", f"Trust: {TRUST[facts.promise.mode]}."),
        Line("not covered", f"Not covered: {EXCLUSIONS}. {INFLUENCE}"),
        Line("claim", facts.promise.sentence),
    ]

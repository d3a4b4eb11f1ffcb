"""`murmuration audit-privacy`: attack a release, and print what the attack proves."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from api.cli.options import home_option, json_option
from api.cli.output import progress, show_table, write_json
from api.founding import read_ledger_files
from api.home import find_home
from recommender.audit.run import FULL, QUICK, AuditReport, audit
from recommender.release.accounting import sigma_squared_for
from recommender.release.manifest import default_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from recommender.release.manifest import Manifest

_SCALE = 4_096
_ITEMS = 238
"""Any head will do: the audit chooses the heads that its attacks need."""


@click.command("audit-privacy")
@home_option
@click.option(
    "--epsilon",
    default=4.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True, max=100),
    help="Claim to audit where no home is given.",
)
@click.option(
    "--releases",
    type=click.IntRange(100, 10_000_000),
    help="White-box releases of each side; default 100,000. A claim of 1 needs 700,000 for 3 %.",
)
@click.option("--quick", is_flag=True, help="A smoke run: a few seconds, wide intervals.")
@json_option
def audit_privacy(
    home: Path | None,
    epsilon: float,
    releases: int | None,
    json_path: Path | None,
    *,
    quick: bool,
) -> None:
    """Attack a release with everything that an attacker could know, and see if the claim holds.

    Takes the manifest of the home's swarm, invented learners and fresh noise; it reads no
    learner of the home, and nothing that it draws is ever released (R16). Exits 1 if an attack
    proves more than the claim allows. A whole run takes a few minutes.

    Example: murmuration audit-privacy --home alder --json audit.json
    """
    manifest = _manifest(home, epsilon)
    effort = QUICK if quick else FULL
    effort = effort if releases is None else replace(effort, releases=releases)
    started = time.monotonic()
    with progress(2 * effort.releases, "Releases") as ticker:
        report = audit(manifest, effort=effort, tick=ticker.advance)
    _show(report, time.monotonic() - started)
    if json_path is not None:
        args = {
            "home": None if home is None else str(home),
            "epsilon": epsilon,
            "quick": quick,
            "releases": effort.releases,
        }
        write_json(json_path, "audit-privacy", args, report.to_records())
    if report.faults:
        raise click.ClickException(
            f"the claim is not kept: {'; '.join(report.faults)}. Make no release with this version"
        )
    click.echo("No attack proved more than the claim.")


def _manifest(home: Path | None, epsilon: float) -> Manifest:
    if home is not None:
        return read_ledger_files(find_home(home))[1]
    manifest = default_manifest(_ITEMS, bytes(32), enrolled_counts=True)
    sigma_squared = sigma_squared_for(epsilon, manifest.delta_fraction, _SCALE)
    return default_manifest(_ITEMS, bytes(32), enrolled_counts=True, sigma_squared=sigma_squared)


def _show(report: AuditReport, seconds: float) -> None:
    box, canaries = report.white_box, report.canaries
    show_table(
        f"Epsilon at delta {float(report.claim.delta):.0e}: claimed, and proved by attack",
        ("attack", "lower bound", "claim"),
        [
            ("white box, Gaussian", f"{box.epsilon_low:.2f}", f"{box.epsilon_claimed:.2f}"),
            ("white box, counted", f"{box.epsilon_counted:.2f}", f"{box.epsilon_claimed:.2f}"),
            ("canaries, one run", f"{canaries.epsilon_low:.2f}", f"{canaries.epsilon_claimed:.2f}"),
        ],
        caption=(
            "A bound below the claim does not prove the claim; a bound above it refutes it. The "
            "claim is by zCDP, which gives a little away: the best bound possible is below it."
        ),
    )
    gap = "resolved to 3 %" if box.resolved else "too few releases to tell 3 %"
    click.echo(
        f"mu {box.mu:.4f} of {box.mu_claimed:.4f} claimed, 99.99 % interval {box.mu_low:.4f} to "
        f"{box.mu_high:.4f}, {box.releases:,} releases of each side, {box.items} items, sampler "
        f"{box.sampler} ({gap})."
    )
    click.echo(
        f"Canaries: {canaries.correct} of {canaries.guesses} guesses right, {canaries.canaries:,} "
        f"coins, {canaries.items} items."
    )
    for sampler in report.samplers:
        click.echo(
            f"Sampler at sigma {math.floor(sampler.sigma):,}: mean {sampler.mean:+.4f} sigma, "
            f"variance {sampler.variance:.4f}, chi-square {sampler.chi_square:.0f} in "
            f"{sampler.bins} bins, smallest p {sampler.p_value:.2g}, {sampler.draws:,} draws."
        )
    click.echo(f"{seconds:.0f} seconds.")

"""`murmuration swarm export|verify|budget|reconcile`: what an auditor asks for."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from api.budget import explain as explain_budget
from api.budget import find_trainings
from api.cli.options import home_option, json_option
from api.cli.output import show_table, write_json
from api.founding import read_ledger_files
from api.home import find_home
from api.ledger import export as export_home
from api.reconciling import reconcile as bring_together
from api.settings import load_settings
from api.spend_log import read_spend, spend_entry
from api.store.opening import open_store
from recommender.release.accounting import claim, epsilon
from swarm.errors import LedgerError
from swarm.ledger.export import MAX_EXPORT_BYTES, verify_export
from swarm.storage.files import atomic_write

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@home_option
@click.option("--out", type=_FILE, required=True, help="Where to write the ledger.")
def export(home: Path | None, out: Path) -> None:
    """Write the whole ledger as one file that anybody verifies offline.

    Example: murmuration swarm export --out ledger.cbor
    """
    place = find_home(home)
    data = export_home(place)
    report = verify_export(data)
    atomic_write(out, data)
    click.echo(f"{out}: {len(data):,} bytes, {report.sentence}")


@click.command()
@click.argument("file", type=_FILE)
@click.option("--genesis", help="Genesis hash, in hex, that you know from elsewhere.")
@json_option
def verify(file: Path, genesis: str | None, json_path: Path | None) -> None:
    """Verify an exported ledger; any flipped byte fails.

    Without --genesis it can only say that the file is internally consistent (R30).

    Example: murmuration swarm verify ledger.cbor --genesis 3f6a…
    """
    try:
        expected = None if genesis is None else bytes.fromhex(genesis)
    except ValueError as error:
        raise click.UsageError("--genesis takes a hash in hex, 64 letters and digits") from error
    data = _read_export(file)
    try:
        report = verify_export(data, expected)
    except LedgerError as error:
        raise LedgerError(f"{file}: {error}") from error
    click.echo(f"{file}: {report.sentence}")
    if json_path:
        record = {
            "swarm": report.genesis.swarm_id.hex(),
            "authentic": report.authentic,
            "height": report.ledger.height,
            "rounds": len(report.ledger.rounds),
            "head": report.ledger.head.digest.hex() if report.ledger.head else None,
        }
        write_json(json_path, "swarm-verify", {"file": str(file)}, [record])


@click.command()
@home_option
@click.option("--explain", is_flag=True, help="Derive one learner's epsilon, line by line (R4).")
@json_option
def budget(home: Path | None, json_path: Path | None, *, explain: bool) -> None:
    """Show what this platform's learners have spent, release by release.

    With --explain it derives one learner's epsilon line by line, from the spend log to the model
    card. Exits 1 where two records do not agree.

    Example: murmuration swarm budget --explain
    """
    place = find_home(home)
    entries = read_spend(place)
    _, manifest, _ = read_ledger_files(place)
    promise = claim(manifest)
    trainings = find_trainings(place)
    rows = [
        (
            str(entry.round),
            "training" if entry.round in trainings else "statistics",
            datetime.fromtimestamp(entry.at, UTC).isoformat(),
            f"{float(entry.rho):.4f}",
            f"{epsilon(entry.rho, manifest.delta_fraction):.2f}",
        )
        for entry in entries
    ]
    show_table(
        f"Spend log of {load_settings(place).platform}",
        ("round", "spent on", "at", "rho per learner", "epsilon per learner"),
        rows,
        caption=(
            "Each learner is in one release in a lifetime (R2), so rounds do not add up: "
            f"nobody has spent more than epsilon {promise.epsilon:.2f} at delta "
            f"{float(promise.delta):.0e}."
        ),
    )
    with open_store(place, load_settings(place)) as store:
        lines = explain_budget(place, store)
    if explain:
        for number, line in enumerate(lines, start=1):
            click.echo(f"{number:2}. {line.name}: {line.text}")
    if json_path:
        spend = [spend_entry(entry) for entry in entries]
        explanation = [asdict(line) for line in lines]
        record = {**promise.to_dict(), "spend": spend, "explanation": explanation}
        write_json(json_path, "swarm-budget", {}, [record])
    wrong = [line.text for line in lines if not line.agrees]
    if wrong:
        raise LedgerError(f"{place.path}: what records say does not agree. {' '.join(wrong)}")


@click.command()
@home_option
@click.option(
    "--ledger",
    "ledgers",
    multiple=True,
    type=_FILE,
    help="A ledger that another member exported today, or of a swarm left behind; repeat it.",
)
@json_option
def reconcile(home: Path | None, ledgers: tuple[Path, ...], json_path: Path | None) -> None:
    """Bring spend log, released marks and ledgers together; the larger spending wins (R3).

    Needed after a restore, and whenever a release is refused because they differ. Where the marks
    of a release are lost, everybody known here until now counts as released.

    Example: murmuration swarm reconcile --ledger ledger.cbor
    """
    place = find_home(home)
    exports = [_read_export(file) for file in ledgers]
    with open_store(place, load_settings(place)) as store:
        done = bring_together(place, store, exports)
    click.echo(
        f"Added to the spend log: {done.logged}. Releases whose marks were lost: {done.lost}."
    )
    if done.lost:
        click.echo("Everybody known here until now counts as released, for good.")
    if json_path:
        record = {"logged": done.logged, "lost": done.lost}
        write_json(json_path, "swarm-reconcile", {"ledgers": len(exports)}, [record])


def _read_export(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(MAX_EXPORT_BYTES + 1)

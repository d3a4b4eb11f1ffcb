"""The founding file: genesis, manifest and shared catalogue in one file that founders pass round.

`swarm create` makes it, each founder's `swarm sign` adds a signature, `swarm join` takes it apart
into the home's ledger once everybody has signed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from api.errors import ApiError
from api.shared_catalogue import MAX_CATALOGUE_BYTES, read_keys
from recommender.errors import ManifestError
from recommender.network.budget import require_contract
from recommender.release.manifest import Manifest
from swarm import codec
from swarm.errors import RemoteProtocolError
from swarm.ledger.genesis import BRACKETS, Genesis, read_genesis, sign_genesis, verify_genesis
from swarm.ledger.kinds import Terms, Updates
from swarm.storage.files import atomic_write

if TYPE_CHECKING:
    from pathlib import Path

    from api.home import Home

MAX_FOUNDING_BYTES = MAX_CATALOGUE_BYTES + 1024 * 1024


class FoundingError(ApiError):
    """A founding file, or a home's ledger folder, that does not hold together."""


@dataclass(frozen=True, slots=True)
class Founding:
    """What founders agree on.

    Attributes:
        genesis_file: Body and signatures so far.
        manifest: Canonical bytes of the release manifest.
        catalogue: The shared catalogue file.
    """

    genesis_file: bytes
    manifest: bytes
    catalogue: bytes

    @property
    def genesis(self) -> Genesis:
        """The genesis, signed by all, some or none."""
        return read_genesis(self.genesis_file)[0]

    def to_bytes(self) -> bytes:
        """The file's bytes."""
        return codec.encode([self.genesis_file, self.manifest, self.catalogue])

    def sign(self, seed: bytes) -> Founding:
        """Add the signature of a founder's key."""
        return replace(self, genesis_file=sign_genesis(self.genesis_file, seed))

    def unsigned(self) -> list[str]:
        """Names of founders whose signature is missing."""
        genesis, signatures = read_genesis(self.genesis_file)
        signed = {member for member, _ in signatures}
        return [member.name for member in genesis.members if member.id not in signed]

    def check(self, name: str) -> tuple[Genesis, Manifest, tuple[str, ...]]:
        """Check that the three parts are about the same swarm, and keep R12, R14 and R15.

        Raises:
            FoundingError: They are not.
        """
        genesis, manifest = self.genesis, read_manifest(self.manifest, name)
        keys = read_keys(self.catalogue, name)
        for what, bad in (
            ("manifest", genesis.manifest_digest != codec.digest(self.manifest)),
            ("shared catalogue", genesis.catalogue_digest != codec.digest(self.catalogue)),
            ("manifest's catalogue", manifest.catalogue_digest != genesis.catalogue_digest),
            ("manifest's head size", manifest.items != len(keys)),
            ("rho", genesis.rho != (manifest.rho.numerator, manifest.rho.denominator)),
            ("contribution size", genesis.contribution_bytes != 4 * manifest.cells),
            ("mode", genesis.mode != manifest.mode),
            ("training", genesis.updates != updates_of(manifest)),
        ):
            if bad:
                raise FoundingError(
                    f"{name}: the {what} is not the one that the genesis names; "
                    "ask whoever made the file for the original"
                )
        _prove_training(manifest, name)
        largest = max(BRACKETS[member.bracket] for member in genesis.members)
        if not manifest.allows_bracket(largest):
            raise FoundingError(
                f"{name}: delta {manifest.delta[0]}/{manifest.delta[1]} is above one in ten times "
                f"the largest declared bracket, {largest} learners (R15)"
            )
        return genesis, manifest, keys


def updates_of(manifest: Manifest) -> Updates | None:
    """What the genesis says about rounds of the kind `parameters`; None without a training."""
    training = manifest.training
    if training is None:
        return None
    terms = Terms(training.rho, training.update_bytes)
    return Updates(terms, training.rounds, training.entry, training.norm)


def _prove_training(manifest: Manifest, name: str) -> None:
    """Prove for ourselves that a training costs what it says (R15)."""
    if manifest.training is None:
        return
    try:
        require_contract(manifest.training, manifest.delta_fraction)
    except ManifestError as error:
        raise FoundingError(f"{name}: {error}") from error


def read_manifest(data: bytes, name: str) -> Manifest:
    """Read a manifest's canonical bytes.

    Raises:
        FoundingError: They are no manifest, or one that breaks a privacy rule.
    """
    try:
        return Manifest.from_dict(codec.decode(data, 64 * 1024))
    except (RemoteProtocolError, ManifestError, TypeError, KeyError) as error:
        raise FoundingError(f"{name}: not a valid manifest: {error}") from error


def read_founding(path: Path) -> Founding:
    """Read a founding file.

    Raises:
        FoundingError: It cannot be read, or its bytes are no founding file.
    """
    return parse_founding(read_start(path, MAX_FOUNDING_BYTES + 1, FoundingError), str(path))


def read_start(path: Path, most: int, refusal: type[ApiError]) -> bytes:
    """The first bytes of a file that somebody sent.

    Raises:
        ApiError: It cannot be read; of the type `refusal`.
    """
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise refusal(f"{path}: cannot be read: {error.strerror or error}") from error


def parse_founding(data: bytes, name: str) -> Founding:
    """Read a founding file's bytes.

    Raises:
        FoundingError: They are no founding file.
        SharedCatalogueError: Its catalogue is none.
    """
    try:
        value = codec.decode(data, MAX_FOUNDING_BYTES)
    except RemoteProtocolError as error:
        raise FoundingError(f"{name}: not a founding file: {error}") from error
    if not isinstance(value, list) or [type(part) for part in value] != [bytes] * 3:
        raise FoundingError(f"{name}: not a founding file; `murmuration swarm create` makes one")
    founding = Founding(*value)
    try:
        founding.check(name)
    except RemoteProtocolError as error:
        raise FoundingError(f"{name}: {error}") from error
    return founding


def join(founding: Founding, home: Home) -> Genesis:
    """Take a founding file apart into a home's ledger; doing it twice changes nothing.

    Raises:
        FoundingError: The home is in another swarm already.
        LedgerError: A signature is missing.
    """
    genesis = verify_genesis(founding.genesis_file)
    refuse_another_swarm(home, genesis.swarm_id)
    home.ledger_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    atomic_write(home.manifest_path, founding.manifest)
    atomic_write(home.shared_catalogue_path, founding.catalogue)
    atomic_write(home.genesis_path, founding.genesis_file)  # last: it says that we joined
    return genesis


def refuse_another_swarm(home: Home, swarm_id: bytes) -> None:
    """One home is in one swarm.

    Raises:
        FoundingError: The home is in another one already.
    """
    if not home.genesis_path.exists():
        return
    present = read_genesis(home.genesis_path.read_bytes())[0]
    if present.swarm_id != swarm_id:
        raise FoundingError(
            f"{home.path} is already a member of the swarm {present.name!r}; "
            "one home is in one swarm: make another home to join another"
        )


def read_ledger_files(home: Home) -> tuple[Genesis, Manifest, tuple[str, ...]]:
    """Genesis, manifest and shared content keys of a home that joined a swarm.

    Raises:
        FoundingError: It has not joined one, or a file is damaged.
    """
    try:
        founding = Founding(
            home.genesis_path.read_bytes(),
            home.manifest_path.read_bytes(),
            home.shared_catalogue_path.read_bytes(),
        )
    except FileNotFoundError as error:
        raise FoundingError(
            f"{home.path} is not in a swarm; `murmuration swarm join FILE --home {home.path}` "
            "joins one"
        ) from error
    return founding.check(str(home.ledger_dir))

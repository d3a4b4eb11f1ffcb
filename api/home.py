"""A home: the one folder that holds everything a platform owns.

- One home is one platform; `MURMURATION_HOME` or `--home` names it.
- Keys are readable by their owner alone, otherwise nothing starts.
- Files that another process reads are replaced whole: written beside, fsynced, renamed.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.errors import ApiError
from swarm.storage.files import atomic_write

HOME_VARIABLE = "MURMURATION_HOME"
KEY_BYTES = 32
IDENTITY_KEY = "identity.key"
PSEUDONYM_KEY = "pseudonym.key"
SESSION_KEY = "session.key"
TOMBSTONE_KEY = "tombstone.key"
NEXT_IDENTITY_KEY = "next.key"
"""There from `swarm rotate-key` until the ledger knows it: the next identity."""
KEY_NAMES = (IDENTITY_KEY, PSEUDONYM_KEY, SESSION_KEY, TOMBSTONE_KEY)
NEXT_PSEUDONYM_KEY = "pseudonym.key.next"
"""There while pseudonyms are being changed; nothing else may use either key then (R3)."""
_FOLDERS = ("keys", "models", "serving", "ledger", "wal", "blobs", "rounds", "inbox")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class HomeError(ApiError):
    """A home that is missing, already there, or damaged."""


class KeyFileError(HomeError):
    """A key file that is missing, readable by others, or of another length."""


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of one platform's folder and the few rules about them.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def settings_path(self) -> Path:
        """Settings, edited by the operator."""
        return self.path / "settings.toml"

    @property
    def keys_dir(self) -> Path:
        """Secret keys, 0700."""
        return self.path / "keys"

    @property
    def store_path(self) -> Path:
        """The embedded store, unless the settings name a URL."""
        return self.path / "store.sqlite"

    @property
    def models_dir(self) -> Path:
        """Merged models by digest: functions of ledger data, same bytes everywhere."""
        return self.path / "models"

    @property
    def serving_dir(self) -> Path:
        """Fitted serving models by digest: they never leave the institution (R5)."""
        return self.path / "serving"

    @property
    def head_path(self) -> Path:
        """Pointer to the merged model, written by the peer only."""
        return self.path / "HEAD"

    @property
    def network_path(self) -> Path:
        """Pointer to the merged network parameters, written by the peer only."""
        return self.path / "NETWORK"

    @property
    def serving_path(self) -> Path:
        """Pointer to the serving model, written by `fit` and `train` only."""
        return self.path / "SERVING"

    @property
    def local_path(self) -> Path:
        """The platform's own figures; they never leave (R5)."""
        return self.path / "local.json"

    @property
    def promotion_path(self) -> Path:
        """What rose with the last merged model (R35); it never leaves (R5)."""
        return self.path / "promotion.json"

    @property
    def ledger_dir(self) -> Path:
        """Genesis, manifest, shared catalogue and blocks."""
        return self.path / "ledger"

    @property
    def genesis_path(self) -> Path:
        """The first entry of the ledger."""
        return self.ledger_dir / "genesis.cbor"

    @property
    def manifest_path(self) -> Path:
        """The release manifest."""
        return self.ledger_dir / "manifest.cbor"

    @property
    def shared_catalogue_path(self) -> Path:
        """The catalogue that members share."""
        return self.ledger_dir / "catalogue.csv"

    @property
    def invitation_path(self) -> Path:
        """The invitation by which this platform came into a swarm that it did not found."""
        return self.ledger_dir / "invitation.cbor"

    @property
    def wal_dir(self) -> Path:
        """The peer's write-ahead log of votes."""
        return self.path / "wal"

    @property
    def blobs_dir(self) -> Path:
        """Contributions of all members by digest."""
        return self.path / "blobs"

    @property
    def former_dir(self) -> Path:
        """Ledgers, vote logs and contributions of swarms left behind."""
        return self.path / "former"

    @property
    def rounds_dir(self) -> Path:
        """Own contributions by round."""
        return self.path / "rounds"

    @property
    def inbox_dir(self) -> Path:
        """Request files from operator commands to the peer."""
        return self.path / "inbox"

    @property
    def spend_path(self) -> Path:
        """Append-only log of privacy budget spent."""
        return self.path / "spend.jsonl"

    @property
    def restored_path(self) -> Path:
        """There from a restore until the spend log has been reconciled: no release (R3)."""
        return self.path / "RESTORED"

    @property
    def votes_lost_path(self) -> Path:
        """There since a restore: whatever vote log there is began after it."""
        return self.wal_dir / "RESTORED"

    @property
    def status_path(self) -> Path:
        """What the peer says about itself, replaced whole."""
        return self.path / "status.json"

    def read_status(self) -> dict[str, Any] | None:
        """What the peer last said about itself; None if it never ran, or its file is damaged."""
        try:
            found = json.loads(self.status_path.read_bytes())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def model_dir(self, digest: str) -> Path:
        """Folder of one merged model."""
        return self.models_dir / digest

    def serving_model_dir(self, digest: str) -> Path:
        """Folder of one serving model."""
        return self.serving_dir / digest

    def round_dir(self, number: int) -> Path:
        """Folder of one round."""
        return self.rounds_dir / str(number)

    def update_path(self, swarm: str, base: str) -> Path:
        """The one update of a swarm's network that starts from the parameters `base` (R13)."""
        return self.rounds_dir / "updates" / swarm / f"{base or 'initial'}.bin"

    def contribution_path(self, number: int) -> Path:
        """The noised contribution to one round."""
        return self.round_dir(number) / "contribution.bin"

    def key_path(self, name: str) -> Path:
        """Path of a key file, such as `identity.key`."""
        return self.keys_dir / name

    @property
    def exists(self) -> bool:
        """Whether a home has been made here."""
        return self.settings_path.is_file()

    def require(self, *, check_keys: bool = True) -> Home:
        """Return self if this is a home whose keys nobody else can read.

        Args:
            check_keys: False only for looking at what is wrong.

        Raises:
            HomeError: There is no home here.
            KeyFileError: A key file is missing, of another length, or open to others.
        """
        if not self.exists:
            raise HomeError(
                f"{self.path} is not a home: it has no settings.toml; make one with "
                f"`murmuration init --home {self.path} --platform NAME`"
            )
        for name in self.key_names if check_keys else ():
            self.read_key(name)
        return self

    @property
    def key_names(self) -> tuple[str, ...]:
        """Keys that must be here: a home of before tombstones draws theirs at the first erasure."""
        is_old = not self.key_path(TOMBSTONE_KEY).exists()
        return tuple(name for name in KEY_NAMES if name != TOMBSTONE_KEY or not is_old)

    def create(self, settings_toml: str) -> None:
        """Make the folder, its keys (0600) and its settings; the settings come last.

        A run that dies half-way leaves no settings, so the next `create` goes on from there and
        keeps the keys already drawn.

        Args:
            settings_toml: Content of `settings.toml`.

        Raises:
            HomeError: There is a home here already, or the folder cannot be written.
        """
        if self.exists:
            raise HomeError(
                f"{self.path} is already a home; nothing was changed. "
                "Choose another folder, or edit its settings.toml"
            )
        try:
            self.make_folders()
            for name in KEY_NAMES:
                if not self.key_path(name).exists():
                    atomic_write(self.key_path(name), secrets.token_bytes(KEY_BYTES), mode=0o600)
            atomic_write(self.settings_path, settings_toml.encode(), mode=0o600)
        except OSError as error:
            raise HomeError(
                f"cannot make a home in {self.path}: {error.strerror or error}; "
                "choose a folder that you can write to"
            ) from error

    def make_folders(self) -> None:
        """Make the folder and those inside it, for their owner alone."""
        for folder in (self.path, *(self.path / name for name in _FOLDERS)):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.keys_dir.chmod(0o700)

    def read_key(self, name: str) -> bytes:
        """Read a key file.

        Args:
            name: File name in `keys/`, such as `pseudonym.key`.

        Returns:
            The key, 32 bytes; of pseudonyms that have changed, all keys, oldest first.

        Raises:
            KeyFileError: It is missing, of another length, or others may read it.
        """
        if name == PSEUDONYM_KEY and self.key_path(NEXT_PSEUDONYM_KEY).exists():
            raise KeyFileError(
                f"{self.key_path(NEXT_PSEUDONYM_KEY)}: a change of pseudonyms is under way or was "
                "interrupted; run `murmuration keys rotate-pseudonym` to finish it"
            )
        return self._read_key_file(self.key_path(name), many=name == PSEUDONYM_KEY)

    def read_changing_keys(self) -> tuple[bytes, bytes | None]:
        """The pseudonym key, and the next one if a change is under way.

        Raises:
            KeyFileError: As `read_key`.
        """
        following = self.key_path(NEXT_PSEUDONYM_KEY)
        return (
            self._read_key_file(self.key_path(PSEUDONYM_KEY), many=True),
            self._read_key_file(following, many=True) if following.exists() else None,
        )

    @staticmethod
    def _read_key_file(path: Path, *, many: bool) -> bytes:
        try:
            mode = path.stat().st_mode
            key = path.read_bytes()
        except OSError as error:
            raise KeyFileError(
                f"{path}: the key cannot be read ({error.strerror or error}); "
                "restore it from a backup: a new key would be a new identity"
            ) from error
        if mode & _OTHERS:
            raise KeyFileError(
                f"{path}: others may read this key (mode {stat.S_IMODE(mode):04o}, expected 0600); "
                f"run `chmod 600 {path}` and consider the key known if others use this machine"
            )
        if len(key) != KEY_BYTES and not (many and key and len(key) % KEY_BYTES == 0):
            raise KeyFileError(
                f"{path}: expected a key of {KEY_BYTES} bytes, found {len(key)}; "
                "restore it from a backup"
            )
        return key


def find_home(given: Path | str | None, *, check_keys: bool = True) -> Home:
    """The home named by the argument or by `MURMURATION_HOME`, checked.

    Args:
        given: The argument, if there was one.
        check_keys: False only for looking at what is wrong.

    Raises:
        HomeError: None is named, or the one named is not a home.
        KeyFileError: A key of it is open to others or damaged.
    """
    named = given or os.environ.get(HOME_VARIABLE)
    if not named:
        raise HomeError(f"no home given: use --home DIR or set {HOME_VARIABLE}")
    return Home(Path(named)).require(check_keys=check_keys)

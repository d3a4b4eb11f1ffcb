"""Changes of the members as files that people pass round, read, and sign (R27).

A *change file* holds one change, the approvals so far, and whom to ask; an invitation holds the
founding file, too, so that a newcomer needs nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from api.errors import ApiError
from api.founding import (
    MAX_FOUNDING_BYTES,
    Founding,
    parse_founding,
    read_ledger_files,
    read_start,
    refuse_another_swarm,
)
from api.home import IDENTITY_KEY
from api.ledger import read_ledger
from swarm import codec
from swarm.errors import RemoteProtocolError
from swarm.ledger.genesis import BRACKETS, Member, read_member
from swarm.ledger.membership import (
    ADD,
    APPROVAL,
    ROTATE,
    Change,
    is_approved,
    preview,
    read_change,
    write_change,
)
from swarm.protocol import MAX_MEMBERS, read_signatures, write_signatures
from swarm.signing import Ed25519Signer
from swarm.storage.files import atomic_write

if TYPE_CHECKING:
    from pathlib import Path

    from api.home import Home
    from swarm.ledger.roster import Roster
    from swarm.ledger.rounds import Ledger
    from swarm.protocol import Signatures

FORMAT: Final = "murmuration change 1"
MAX_BYTES: Final = MAX_FOUNDING_BYTES + 1024 * 1024
NEW_KEY: Final = (ADD, ROTATE)
"""Changes by which somebody comes in with a key that the ledger does not know yet."""
VALID_FOR_BLOCKS: Final = 200
"""A round takes four or five blocks."""


class ChangeError(ApiError):
    """A change of the members that cannot be, or a file that is none."""


@dataclass(frozen=True, slots=True)
class ChangeFile:
    """One change on its way to enough signatures.

    Attributes:
        swarm: Id of the swarm.
        change: What is signed.
        approvals: Signatures so far; whether they are true, the ledger finds.
        contacts: Members when it was made.
        founding: The founding file, for a newcomer or a member that has lost its home; else empty.
    """

    swarm: bytes
    change: bytes
    approvals: Signatures
    contacts: tuple[Member, ...]
    founding: bytes = b""

    @property
    def content(self) -> Change:
        """What the change says."""
        return read_change(self.change)

    def to_bytes(self) -> bytes:
        """The file's bytes."""
        return codec.encode(
            [
                FORMAT,
                self.swarm,
                self.change,
                write_signatures(dict(self.approvals)),
                [member.to_value() for member in self.contacts],
                self.founding,
            ]
        )


def read_change_file(data: bytes, name: str) -> ChangeFile | None:
    """Read a change file; None if it is something else.

    Raises:
        ChangeError: It is a damaged one.
    """
    try:
        value = codec.decode(data, MAX_BYTES)
    except RemoteProtocolError:
        return None
    if not isinstance(value, list) or value[:1] != [FORMAT]:
        return None
    try:
        if [type(part) for part in value[1:]] != [bytes, bytes, list, list, bytes]:
            raise ChangeError(f"{name}: a damaged change file; ask for it again")
        _, swarm, change, approvals, contacts, founding = value
        read_change(change)
        members = tuple(read_member(member) for member in contacts)
        return ChangeFile(swarm, change, read_signatures(approvals, MAX_MEMBERS), members, founding)
    except RemoteProtocolError as error:
        raise ChangeError(f"{name}: a damaged change file ({error}); ask for it again") from error


def draft(home: Home, change: Change) -> ChangeFile:
    """Put a change into the form that members sign; number, block and expiry are filled in.

    Raises:
        ChangeError: It cannot be.
    """
    ledger = read_ledger(home)
    made = replace(
        change,
        number=ledger.roster.changes + 1,
        seen=(ledger.height, ledger.tip),
        until=ledger.height + VALID_FOR_BLOCKS,
    )
    _require_possible(home, ledger, made)
    founding = b""
    if made.kind in NEW_KEY:
        files = (home.genesis_path, home.manifest_path, home.shared_catalogue_path)
        founding = Founding(*(path.read_bytes() for path in files)).to_bytes()
    roster = ledger.roster
    return ChangeFile(roster.swarm_id, write_change(made), (), roster.members, founding)


def new_change(kind: str, member: str, **fields: object) -> Change:
    """A change whose number, block and expiry `draft` fills in."""
    return Change(kind, 1, member, (0, b""), 1, **fields)  # type: ignore[arg-type]


def _require_possible(home: Home, ledger: Ledger, change: Change) -> None:
    try:
        preview(ledger, change)
        newcomer = change.newcomer if change.kind in NEW_KEY else None
    except RemoteProtocolError as error:
        raise ChangeError(f"this cannot be: {error}") from error
    if newcomer is not None:
        _, manifest, _ = read_ledger_files(home)
        largest = BRACKETS[newcomer.bracket]
        if not manifest.allows_bracket(largest):
            raise ChangeError(
                f"{newcomer.name} declares up to {largest} learners: delta "
                f"{manifest.delta[0]}/{manifest.delta[1]} is above one in ten times that (R15)"
            )


def approve(file: ChangeFile, home: Home) -> ChangeFile:
    """Add this home's signature, if it is a present member's and the change may still come.

    Raises:
        ChangeError: It may not, or this home is no member.
    """
    ledger = read_ledger(home)
    roster = ledger.roster
    signer = Ed25519Signer(home.read_key(IDENTITY_KEY), roster.swarm_id)
    if file.swarm != roster.swarm_id:
        raise ChangeError("this change is of another swarm")
    if signer.member not in roster.by_id:
        raise ChangeError("this home is no member at present, so its signature counts for nothing")
    change = file.content
    if change.number != roster.changes + 1 or ledger.height >= change.until:
        raise ChangeError(
            f"this change ({change.number}) is out of date at height {ledger.height}, after "
            f"{roster.changes} changes; ask for it again"
        )
    _require_possible(home, ledger, change)
    known = {who: said for who, said in file.approvals if who in roster.by_id}
    known[signer.member] = signer.sign(APPROVAL, file.change)
    return replace(file, approvals=tuple(sorted(known.items())))


def is_complete(file: ChangeFile, roster: Roster) -> bool:
    """Whether enough members have signed."""
    return is_approved(roster, file.content, file.approvals)


def accept_invitation(file: ChangeFile, home: Home) -> Founding:
    """Check that an invitation is for this home's key, and keep it beside the ledger.

    Returns:
        The founding file in it.

    Raises:
        ChangeError: It invites somebody else, or has no founding file.
    """
    me = Ed25519Signer(home.read_key(IDENTITY_KEY), file.swarm).member
    change = file.content
    if not file.founding or change.kind not in NEW_KEY or change.newcomer.id != me:
        raise ChangeError(
            f"this does not invite this home's key ({me}); make a request with `murmuration swarm "
            "request` and ask a member for an invitation"
        )
    founding = parse_founding(file.founding, "the invitation")
    if founding.genesis.swarm_id != file.swarm:
        raise ChangeError("this invitation holds another swarm's founding file; do not use it")
    refuse_another_swarm(home, file.swarm)
    home.ledger_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    atomic_write(home.invitation_path, file.to_bytes())
    return founding


def read_invitation(home: Home) -> ChangeFile | None:
    """The invitation by which this home came in; None if it founded its swarm."""
    if not home.invitation_path.exists():
        return None
    return read_change_file(home.invitation_path.read_bytes(), str(home.invitation_path))


def read_any(path: Path) -> ChangeFile | None:
    """Read a change file; None if the file is something else, such as a founding file.

    Raises:
        ChangeError: It cannot be read, or is a damaged change file.
    """
    return read_change_file(read_start(path, MAX_BYTES + 1, ChangeError), str(path))

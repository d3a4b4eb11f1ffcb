"""Which versions of the protocol are spoken, how two members find one, and who must upgrade.

- A version is major and minor. Each has a stream protocol of its own, `/murmuration/messages/1.1`
  (a minor of 0 is left out); whoever opens a stream offers all that it speaks, newest first, and
  the other side takes the first that it speaks, too (P20).
- A minor version may add stream protocols and types of messages, which older members drop. Blocks,
  transactions, votes and merges never change within a major version: all members must judge them
  alike (R23).
- `/murmuration/version` never changes. It is asked only when no version is shared, so that the
  sentence can say who must upgrade.
"""

from __future__ import annotations

from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING, Final

from swarm import codec
from swarm.protocol import Fields, refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

Version = tuple[int, int]
SPOKEN: Final[tuple[Version, ...]] = ((1, 2), (1, 1), (1, 0))
"""Newest first. 1.1 added the name of the software to the greeting, 1.2 the message `have`."""
_HAVE: Final = b"\x64have"
"""Behind the first byte of a message of that type."""
VERSION_PROTOCOL: Final = "/murmuration/version"
MAX_ANSWER_BYTES: Final = 256
MAX_SOFTWARE: Final = 32


def stream_protocol(name: str, version: Version) -> str:
    """The stream protocol of a version."""
    major, minor = version
    return f"/murmuration/{name}/{major}" + (f".{minor}" if minor else "")


def is_understood(message: bytes, version: Version) -> bool:
    """Whether a version of the protocol knows a message's type."""
    return version >= (1, 2) or message[1 : 1 + len(_HAVE)] != _HAVE


def software() -> str:
    """The version of this program."""
    return installed_version("murmuration")[:MAX_SOFTWARE]


def write_software() -> bytes:
    """What a greeting of 1.1 carries behind the swarm id."""
    return codec.encode({"software": software()})


def read_software(data: bytes) -> str:
    """The other side's software, from a greeting of 1.1.

    Raises:
        RemoteProtocolError: Damaged.
    """
    value = codec.decode(data, MAX_ANSWER_BYTES)
    return Fields(value, "greeting", ("software",)).text("software", MAX_SOFTWARE)


def write_versions(spoken: Sequence[Version]) -> bytes:
    """The answer to `/murmuration/version`."""
    return codec.encode({"software": software(), "spoken": [list(pair) for pair in spoken]})


def read_versions(data: bytes) -> tuple[str, tuple[Version, ...]]:
    """The other side's software, and the versions that it speaks, newest first.

    Raises:
        RemoteProtocolError: Damaged.
    """
    fields = Fields(codec.decode(data, MAX_ANSWER_BYTES), "version", ("software", "spoken"))
    spoken = []
    for pair in fields.items("spoken", 16):
        if type(pair) is not list or [type(part) for part in pair] != [int, int]:
            raise refuse("a version that is not major and minor")
        if not all(0 <= part < 1_000 for part in pair):
            raise refuse("a version that is out of bounds")
        spoken.append((pair[0], pair[1]))
    if not spoken:
        raise refuse("an answer without any version")
    return fields.text("software", MAX_SOFTWARE), tuple(sorted(spoken, reverse=True))


def who_must_upgrade(ours: Sequence[Version], theirs: Sequence[Version], program: str) -> str:
    """A sentence for two members that share no version.

    Args:
        ours: Versions that we speak.
        theirs: Versions that they speak.
        program: The version of their software.
    """
    known = " and ".join(f"{major}.{minor}" for major, minor in sorted(ours))
    other = " and ".join(f"{major}.{minor}" for major, minor in sorted(theirs))
    if max(theirs) > max(ours):
        who = f"this peer must be upgraded: it runs murmuration {software()}, they {program}"
    else:
        who = f"they must upgrade: they run murmuration {program}, this peer {software()}"
    return f"speaks protocol {other}, this peer {known}; {who}"

"""Ports and addresses, looked at from outside the networking library."""

from __future__ import annotations

import http.client
import ipaddress
import socket
from dataclasses import dataclass
from typing import Final

GREETING: Final = b"\x13/multistream/1.0.0\n"
"""What every libp2p peer says first."""
_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class Address:
    """A host, by name or IP address, and a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        """As people write it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether only this machine can dial it."""
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return self.host == "localhost"
        return address.is_loopback or address.is_unspecified


def read_address(text: str) -> Address | None:
    """Read `/ip4/…/tcp/…`, `/ip6/…` or `/dns…/…`; None if it is none."""
    parts = text.split("/")
    if len(parts) < 5 or parts[0] or parts[1] not in {"ip4", "ip6", "dns", "dns4", "dns6"}:
        return None
    if parts[3] != "tcp" or not parts[4].isdecimal() or not int(parts[4]) < 2**16:
        return None
    return Address(parts[2], int(parts[4]))


def is_free(address: Address) -> bool:
    """Whether we could listen there now."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError:
            return False
    return True


def greets(address: Address, seconds: float = _SECONDS) -> bool:
    """Whether a libp2p peer answers there: a proxy or another service does not greet like one."""
    try:
        with socket.create_connection((address.host, address.port), timeout=seconds) as stream:
            stream.sendall(GREETING)
            said = b""
            while len(said) < len(GREETING) and (more := stream.recv(len(GREETING) - len(said))):
                said += more
    except OSError:
        return False
    return said == GREETING


def serves_us(address: Address, seconds: float = _SECONDS) -> bool:
    """Whether `murmuration serve` answers there."""
    host = "127.0.0.1" if address.host == "0.0.0.0" else address.host  # noqa: S104 - to dial
    connection = http.client.HTTPConnection(host, address.port, timeout=seconds)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return answer.status == http.client.OK and b'"status":"ok"' in answer.read(100)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()

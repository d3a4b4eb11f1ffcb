"""`doctor` against a real home, real ports and what answers there."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from api.cli.doctor import DoctorError
from api.doctor import examine
from api.reachability import GREETING, Address, greets, is_free, read_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from api.home import Home


@contextlib.contextmanager
def listener(answer: bytes) -> Iterator[int]:
    """Something that listens, and says `answer` to whoever comes; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    stream, _ = server.accept()
                    with stream:
                        stream.recv(100)
                        stream.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def verdicts(home: Home) -> dict[str, tuple[str, str]]:
    return {check.name: (check.verdict, check.text) for check in examine(home)}


@pytest.fixture
def in_swarm(home: Home, tmp_path: Path, run: Callable[..., str]) -> Callable[[str], Home]:
    """A home in a swarm of its own, whose other member is at an address."""

    def make(address: str) -> Home:
        other = tmp_path / "other"
        run("init", "--home", other, "--platform", "birch")
        shared, founding = tmp_path / "shared.csv", tmp_path / "founding"
        shared.write_text("content_key,title\nurn:a,A\nurn:b,B\n")
        for place, where in ((home.path, "/ip4/127.0.0.1/tcp/4001"), (other, address)):
            out = tmp_path / f"{place.name}.request"
            run("swarm", "request", "--home", place, "--address", where, "--out", out)
        requests = [tmp_path / "home.request", tmp_path / "other.request"]
        run("swarm", "create", *requests, "--catalogue", shared, "--out", founding)
        for place in (home.path, other):
            run("swarm", "sign", founding, "--home", place)
        run("swarm", "join", founding, "--home", home.path)
        return home

    return make


def test_a_sound_home_has_no_failure(
    home: Home, run: Callable[..., str], result: Any, tmp_path: Path
) -> None:
    settings = home.settings_path.read_text().replace("port = 8420", "port = 0")
    home.settings_path.write_text(settings)
    said = run("doctor", "--home", home.path, "--json", tmp_path / "result.json")
    assert "FAIL" not in said
    names = [record["name"] for record in result()]
    assert {"version", "keys", "settings", "disk", "clock", "store", "swarm"} <= set(names)


def test_a_key_that_others_may_read_fails_and_says_what_to_do(
    home: Home, run: Callable[..., str]
) -> None:
    home.key_path("identity.key").chmod(0o644)
    assert "chmod 600" in verdicts(home)["keys"][1]
    with pytest.raises(DoctorError, match="keys"):
        run("doctor", "--home", home.path)


def test_a_port_of_another_program_fails(home: Home) -> None:
    with listener(b"HTTP/1.1 404 Not Found\r\n\r\n") as port:
        settings = home.settings_path.read_text().replace("port = 8420", f"port = {port}")
        home.settings_path.write_text(settings)
        assert verdicts(home)["port of serve"][0] == "failure"


def test_a_clock_that_was_set_back_fails(home: Home) -> None:
    line = {"swarm": "aa", "round": 1, "attempt": 1, "rho": [1, 2], "at": int(time.time()) + 9999}
    home.spend_path.write_text(json.dumps(line) + "\n")
    assert verdicts(home)["clock"][0] == "failure"


def test_a_member_that_answers_like_a_peer_is_reachable(in_swarm: Callable[[str], Home]) -> None:
    with listener(GREETING) as port:
        found = verdicts(in_swarm(f"/ip4/127.0.0.1/tcp/{port}"))
    assert found["member birch"] == ("ok", f"answers at 127.0.0.1:{port}")
    assert found["member alder"][0] == "warning"  # announced at loopback: nobody can dial that


def test_a_member_that_does_not_answer_is_named_with_its_address(
    in_swarm: Callable[[str], Home],
) -> None:
    with listener(b"220 mail.example ESMTP\r\n") as port:
        found = verdicts(in_swarm(f"/ip4/127.0.0.1/tcp/{port}"))
    verdict, text = found["member birch"]
    assert (verdict, f"127.0.0.1:{port}" in text) == ("warning", True)


def test_where_the_settings_say_a_member_is_counts(in_swarm: Callable[[str], Home]) -> None:
    home = in_swarm("/ip4/127.0.0.1/tcp/9")
    with listener(GREETING) as port, home.settings_path.open("a") as settings:
        settings.write(f'[swarm.addresses]\nbirch = ["/ip4/127.0.0.1/tcp/{port}"]\n')
        settings.flush()
        assert verdicts(home)["member birch"][0] == "ok"


def test_addresses_are_read_strictly() -> None:
    assert read_address("/ip4/10.0.0.1/tcp/4001") == Address("10.0.0.1", 4001)
    assert str(read_address("/ip6/::1/tcp/80")) == "[::1]:80"
    assert read_address("/dns4/a.example/tcp/1/p2p/x") == Address("a.example", 1)
    for wrong in ("", "10.0.0.1:4001", "/ip4/10.0.0.1/udp/4001", "/ip4/1.2.3.4/tcp/99999"):
        assert read_address(wrong) is None
    with listener(b"") as port:
        assert not is_free(Address("127.0.0.1", port))
        assert not greets(Address("127.0.0.1", port), seconds=1)

"""Which model answers: `SERVING` is followed, and a damaged one changes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from api.serving import Serving
from recommender.statistics.serving_model import ServingModel
from swarm.storage.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI
    from starlette.testclient import TestClient

    from api.home import Home

    Keys = Callable[..., dict[str, str]]


def point(home: Home, digest: str, number: int = 2, **changes: object) -> None:
    pointer = {
        "digest": digest,
        "round": number,
        "height": 5,
        "moved_at": datetime(2026, 11, 24, tzinfo=UTC).isoformat(),
    }
    atomic_write(home.serving_path, json.dumps(pointer | changes).encode())


def other_model(home: Home) -> str:
    """A second model: the first with another decay."""
    digest = json.loads(home.serving_path.read_bytes())["digest"]
    model = replace(ServingModel.load(home.serving_model_dir(digest)), decay=0.25)
    return model.save(home.serving_model_dir(model.digest()))


def test_a_new_model_is_taken_up_at_the_next_request(home: Home) -> None:
    serving = Serving(home)
    first = serving.current()
    assert first.model is not None
    assert first.round is None
    assert serving.current() is first
    digest = other_model(home)
    point(home, digest)
    second = serving.current()
    assert second.digest == digest
    assert second.round == 2
    assert second.model is not None
    assert second.model.decay == 0.25
    assert second.problem == ""


def test_what_is_shared_leaves_own_statistics_out(home: Home) -> None:
    served = Serving(home).current()
    assert served.model is not None
    assert served.shared is not None
    assert served.model.local.items.size
    assert not served.shared.local.items.size


def test_a_pointer_moved_to_the_same_model_loads_nothing(home: Home) -> None:
    serving = Serving(home)
    first = serving.current()
    assert first.digest is not None
    point(home, first.digest, 7)
    second = serving.current()
    assert second.model is first.model
    assert second.round == 7


def test_a_damaged_model_leaves_the_old_one_in_use(home: Home) -> None:
    serving = Serving(home)
    old = serving.current()
    digest = other_model(home)
    path = home.serving_model_dir(digest) / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    point(home, digest)
    kept = serving.current()
    assert kept.model is old.model
    assert kept.digest == old.digest
    assert "damaged" in kept.problem
    assert "stays in use" in kept.problem


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"digest": "x"}', b'{"digest": "../x", "round": 1}']
)
def test_a_damaged_pointer_leaves_the_old_model_in_use(home: Home, content: bytes) -> None:
    serving = Serving(home)
    old = serving.current()
    atomic_write(home.serving_path, content)
    assert serving.current().model is old.model
    assert serving.current().problem


def test_a_mended_model_is_taken_up(home: Home) -> None:
    serving = Serving(home)
    serving.current()
    digest = other_model(home)
    atomic_write(home.serving_path, b"{")
    assert serving.current().problem
    point(home, digest)
    assert serving.current().problem == ""


def test_without_a_model_paths_follow_the_catalogue_and_say_so(
    client: TestClient, key: Keys, home: Home, app: FastAPI
) -> None:
    home.serving_path.unlink()
    body = {"learner": "nobody", "course": "biology"}
    answer = client.post("/v1/paths", json=body, headers=key("paths:read")).json()
    assert answer["fallback"]
    assert answer["model"] == {"digest": None, "round": None, "trained_at": None}
    assert [step["item"] for step in answer["steps"]] == [f"biology-{place}" for place in range(5)]
    assert any("no model" in warning for warning in answer["warnings"])
    assert "murmuration train" in app.state.services.serving.current().problem

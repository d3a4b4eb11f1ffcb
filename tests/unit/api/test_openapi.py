"""The published document: golden, complete, with examples that the routes would accept.

After a wanted change: `python -m tests.unit.api.test_openapi` writes the golden file again.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from api.app import create_app
from api.home import Home
from api.routes.confirmations import ANSWER_EXAMPLE as CONFIRMATIONS
from api.routes.confirmations import ConfirmationsAnswer
from api.routes.paths import ANSWER_EXAMPLE as PATH
from api.routes.paths import REQUEST_EXAMPLES
from api.routes.platform import ANSWER_EXAMPLE as PLATFORM
from api.routes.schemas import PathAnswer, PathRequestBody, PlatformAnswer, ProblemInfo

if TYPE_CHECKING:
    from fastapi import FastAPI
    from pydantic import BaseModel

GOLDEN = Path(__file__).parents[2] / "golden" / "openapi" / "openapi.json"


def document(app: FastAPI) -> dict[str, Any]:
    return json.loads(json.dumps(app.openapi(), sort_keys=True))


def operations(app: FastAPI) -> list[tuple[str, str, dict[str, Any]]]:
    paths = document(app)["paths"]
    return [(path, name, op) for path, each in paths.items() for name, op in each.items()]


def test_the_document_is_the_golden_one(app: FastAPI) -> None:
    assert document(app) == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_every_operation_is_described_and_every_refusal_is_a_problem(app: FastAPI) -> None:
    for path, name, operation in operations(app):
        where = f"{name} {path}"
        assert operation["summary"], where
        assert operation["description"], where
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                (media,) = answer["content"]
                assert media == "application/problem+json", where
                ProblemInfo.model_validate(answer["content"][media]["example"])


def test_every_keyed_operation_says_so_and_lists_its_refusals(app: FastAPI) -> None:
    for path, name, operation in operations(app):
        if path.startswith("/v1/") or path == "/metrics":
            assert operation["security"] == [{"key": []}], f"{name} {path}"
            assert {"401", "429", "503"} <= set(operation["responses"]), f"{name} {path}"
        else:
            assert "security" not in operation
    assert {"400", "403", "404", "413", "422"} <= set(
        document(app)["paths"]["/v1/paths"]["post"]["responses"]
    )


@pytest.mark.parametrize("name", list(REQUEST_EXAMPLES))
def test_examples_of_requests_are_accepted(app: FastAPI, name: str) -> None:
    example = REQUEST_EXAMPLES[name]["value"]
    PathRequestBody.model_validate(example)
    published = document(app)
    schema = {
        "$ref": "#/components/schemas/PathRequestBody",
        "components": published["components"],
    }
    jsonschema.validate(example, schema)


@pytest.mark.parametrize(
    ("model", "example"),
    [(PathAnswer, PATH), (PlatformAnswer, PLATFORM), (ConfirmationsAnswer, CONFIRMATIONS)],
    ids=["path", "platform", "confirmations"],
)
def test_examples_of_answers_are_answers(
    app: FastAPI, model: type[BaseModel], example: dict[str, Any]
) -> None:
    model.model_validate(example)
    published = document(app)
    schema = {
        "$ref": f"#/components/schemas/{model.__name__}",
        "components": published["components"],
    }
    jsonschema.validate(example, schema)


def test_the_document_is_served(app: FastAPI) -> None:
    from starlette.testclient import TestClient  # noqa: PLC0415

    with TestClient(app) as client:
        assert client.get("/openapi.json").json() == document(app)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        place = Home(Path(folder) / "home")
        place.create('platform = "Golden"\n')
        text = json.dumps(document(create_app(place)), indent=1, sort_keys=True)
        GOLDEN.write_text(text + "\n", encoding="utf-8")

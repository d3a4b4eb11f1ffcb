"""The store's own tests once more, on PostgreSQL."""

# ruff: noqa: F403  every test of these modules, each with the fixtures below

from __future__ import annotations

import pytest

from api.store.store import Store
from tests.unit.api.store.conftest import row, store
from tests.unit.api.store.test_interactions import *
from tests.unit.api.store.test_records import *
from tests.unit.api.store.test_sequences import *
from tests.unit.api.store.test_training import *

del test_the_store_file_is_readable_by_its_owner_alone  # noqa: F821  there is no such file here

pytestmark = pytest.mark.server

__all__ = ["row", "store", "url"]


@pytest.fixture(scope="module")
def migrated(postgresql):
    """A database with our tables, to copy: quicker than a migration for every test."""
    with postgresql.database("migrated") as made:
        Store.open(made.render_as_string(hide_password=False)).close()
        yield made


@pytest.fixture
def url(postgresql, migrated):
    postgresql.execute(f"CREATE DATABASE copy TEMPLATE {migrated.database}")
    yield migrated.set(database="copy").render_as_string(hide_password=False)
    postgresql.execute("DROP DATABASE copy WITH (FORCE)")

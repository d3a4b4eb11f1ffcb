"""Alembic's entry: runs the migrations on the connection that `api.store.migrate` hands over."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    # Inside our own transaction, so that a migration is whole or not at all, on SQLite too.
    transactional_ddl=True,
)
context.run_migrations()

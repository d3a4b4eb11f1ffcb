"""The web application of one home: routes, pages, errors, and nothing that trains.

`create_app(home)` opens the home's store and keys; `murmuration serve` runs what it returns.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from api import problems
from api.errors import Problem, register
from api.gate import MAX_BODY_BYTES, Gate
from api.pages import confirm, views
from api.pages.render import STATIC
from api.routes import (
    caliper,
    confirmations,
    documents,
    events,
    health,
    metrics,
    paths,
    platform,
    xapi,
    xapi_reading,
)
from api.services import open_services
from api.store.errors import CatalogueRefusedError, RowRefusedError, StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from api.home import Home
    from api.services import Services

logger = logging.getLogger(__name__)
DAY_SECONDS = 86_400

REFUSED = Problem(422, "refused", "The store cannot hold this")
register(
    {
        StoreError: Problem(503, "store", "The store cannot answer", private=True),
        RowRefusedError: REFUSED,
        CatalogueRefusedError: REFUSED,
    }
)


def create_app(home: Home, *, max_body_bytes: int = MAX_BODY_BYTES) -> FastAPI:
    """Build the application of a home.

    Args:
        home: The home to serve.
        max_body_bytes: Longest request body accepted.

    Raises:
        ApiError: The home, its settings, keys or store cannot be used.
    """
    return build_app(open_services(home), max_body_bytes=max_body_bytes)


def build_app(services: Services, *, max_body_bytes: int = MAX_BODY_BYTES) -> FastAPI:
    """Build the application around services that are open; it closes their store at its end."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        del app
        ended = asyncio.Event()
        forgetting = asyncio.create_task(_forget_daily(services, ended))
        yield
        ended.set()
        await forgetting
        services.store.close()

    app = FastAPI(
        title="Murmuration",
        version=version("murmuration"),
        lifespan=lifespan,
        docs_url=None,  # both pages would load scripts from elsewhere
        redoc_url=None,
    )
    app.state.services = services
    app.add_middleware(Gate, max_body_bytes=max_body_bytes)
    problems.install(app)
    documents.install(app)
    for router in (
        paths,
        confirmations,
        events,
        caliper,
        xapi_reading,
        xapi,
        platform,
        health,
        metrics,
        views,
        confirm,
    ):
        app.include_router(router.router)
    app.mount("/ui/static", StaticFiles(directory=STATIC), name="static")
    return app


async def _forget_daily(services: Services, ended: asyncio.Event) -> None:
    """Delete recommendation logs that are older than the settings keep them (R20)."""
    days = services.settings.serve.keep_recommendations_days
    while not ended.is_set():
        try:
            await asyncio.to_thread(services.store.forget_recommendations, keep_days=days)
        except StoreError as error:
            logger.warning("old recommendation logs are still there: %s", error)
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), DAY_SECONDS)

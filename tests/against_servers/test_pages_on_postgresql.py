"""A page in Chromium, of a server whose store is in PostgreSQL."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from api.store.opening import open_store
from tests.browser.conftest import browser, serving, sign_in_link
from tests.unit.api.homes import make_home, pseudonymiser_of

__all__ = ["browser"]
pytestmark = pytest.mark.server


@pytest.fixture
def home(tmp_path, postgresql):
    with postgresql.database("pages") as url:
        address = url.render_as_string(hide_password=False)
        yield make_home(tmp_path / "home", more=f'database_url = "{address}"\n')


def test_a_designer_sees_a_learners_path_out_of_postgresql(browser, home):
    assert not home.store_path.exists()
    learner = pseudonymiser_of(home).pseudonym("learner-1")
    with serving(home) as address:
        context = browser.new_context()
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.goto(sign_in_link(home, address))
        page.goto(f"{address}/ui/path?learner={learner}")
        assert page.locator(".done li").count() == 3
        assert page.locator(".step").count() >= 1
        page.goto(f"{address}/ui/path?persona=newcomer&course=music")
        expect(page.locator(".step").first).to_contain_text("Music")
        context.close()
    with open_store(home) as store:
        assert store.counts()["learners"] > 0

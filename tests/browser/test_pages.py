"""The pages in Chromium: by keyboard, at desktop and phone width, readable in light and dark."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.unit.api.homes import pseudonymiser_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from api.home import Home

pytestmark = pytest.mark.browser

WIDTHS = (1280, 390, 360)
PAGES = (
    "/ui/path",
    "/ui/path?persona=newcomer",
    "/ui/path?persona=newcomer&course=music",
    "/ui/swarm",
)
FAINT_TEXT = """
() => {
  const channel = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest('svg')) continue;
    if (!element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(parse(style.color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (ratio < (large ? 3 : 4.5)) faint.push([walker.currentNode.data.trim(), ratio]);
  }
  return faint;
}
"""


@pytest.fixture(params=WIDTHS, ids=lambda width: f"{width} px")
def page(browser: Browser, link: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A signed-in page of a desktop's or a phone's width."""
    yield from signed_in(browser, link, request.param, "light")


@pytest.fixture
def desktop(browser: Browser, link: str) -> Iterator[Page]:
    """A signed-in page, wide."""
    yield from signed_in(browser, link, 1280, "light")


def signed_in(browser: Browser, link: str, width: int, scheme: str) -> Iterator[Page]:
    """A page that fails if anything is loaded from elsewhere or goes wrong."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    opened = context.new_page()
    trouble: list[str] = []
    origin = link.partition("/ui/")[0]
    opened.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
    opened.on("request", lambda r: None if r.url.startswith(origin) else trouble.append(r.url))
    opened.goto(link)
    yield opened
    context.close()
    assert trouble == []


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def tab_to(page: Page, selector: str, most: int = 60) -> None:
    """Press Tab until an element that matches has the focus, as a person without a mouse does."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    pytest.fail(f"{selector} cannot be reached by Tab")


def test_a_learners_path_is_reached_by_keyboard_and_says_why(page: Page, home: Home) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    tab_to(page, "#find")
    page.keyboard.type("learner-1")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"\?learner=lp1_"))
    assert pseudonymiser_of(home).pseudonym("learner-1") in page.url
    expect(page.get_by_role("heading", level=1)).to_contain_text("Learner ")
    assert page.locator(".done li").count() == 3
    steps = page.locator(".step")
    assert steps.count() == 3
    for number in range(3):
        assert steps.nth(number).locator(".why li").count() >= 1
    assert overflow(page) <= 0
    tab_to(page, "select[name=limit]")
    page.keyboard.type("3")
    tab_to(page, "form.stack button")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("limit=3"))


def test_an_example_is_chosen_by_keyboard(page: Page) -> None:
    entry = page.get_by_role("link", name=re.compile("Beginning: History")).get_attribute("href")
    tab_to(page, f'a[href="{entry}"]')
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("persona="))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Beginning: ")
    bar = page.get_by_role("img", name=re.compile("What moved this step")).first
    expect(bar).to_be_visible()
    assert overflow(page) <= 0


def test_focus_is_seen(desktop: Page) -> None:
    tab_to(desktop, ".brand")
    width = desktop.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert width == "3px"


def test_no_page_is_wider_than_its_window(page: Page, address: str) -> None:
    for where in PAGES:
        page.goto(address + where)
        for summary in page.locator("summary").all():
            summary.click()
        assert overflow(page) <= 0, where


def test_the_swarm_is_told_in_words_and_in_a_picture(desktop: Page, address: str) -> None:
    page = desktop
    page.goto(f"{address}/ui/swarm")
    expect(page.get_by_role("heading", level=1)).to_have_text("Four platforms, one model")
    expect(page.get_by_role("img", name="Four members, Cedar away")).to_be_visible()
    expect(page.get_by_text("was left out: no contribution before the deadline")).to_be_visible()
    assert page.get_by_role("table").locator("tbody tr").count() == 4


def test_signing_in_with_a_wrong_key_says_so(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 800})
    opened = context.new_page()
    opened.goto(f"{address}/ui/path")
    assert "/ui/sign-in?next=" in opened.url
    opened.get_by_label("Key").fill("mk1_wrong_key")
    opened.keyboard.press("Enter")
    expect(opened.get_by_role("alert")).to_contain_text("not known here")
    assert overflow(opened) <= 0
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable(browser: Browser, link: str, address: str, scheme: str) -> None:
    for page in signed_in(browser, link, 1280, scheme):
        for where in (*PAGES, "/ui/sign-in"):
            page.goto(address + where)
            for summary in page.locator("summary").all():
                summary.click()
            assert page.evaluate(FAINT_TEXT) == [], where

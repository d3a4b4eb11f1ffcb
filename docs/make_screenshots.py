# ruff: noqa: INP001  # a script, not a package
"""Take the README's pictures from a running platform, such as one of `make demo`.

    murmuration keys link --home demo/birch
    python docs/make_screenshots.py 'http://127.0.0.1:PORT/ui/sign-in?token=ml1_…'

Writes `docs/images/path.png`, an example's path, and `docs/images/swarm.png`. The link works once.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from playwright.sync_api import Page

IMAGES = Path(__file__).resolve().parent / "images"
WIDTH = 1200
HEIGHTS = {"path": 1000, "swarm": 1020}
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def take(page: Page, name: str) -> None:
    """Save the top of a page."""
    page.set_viewport_size({"width": WIDTH, "height": HEIGHTS[name]})
    page.screenshot(path=IMAGES / f"{name}.png")
    print(f"wrote {IMAGES / name}.png")  # noqa: T201  # a script


def main(link: str) -> None:
    """Sign in, open an example's path and the swarm, and save both."""
    origin = link.partition("/ui/")[0]
    program = os.environ.get("MURMURATION_CHROMIUM") or shutil.which("chromium")
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        page = browser.new_page(device_scale_factor=2, reduced_motion="reduce")
        page.goto(link)
        if "/ui/path" not in page.url:
            sys.exit("the link did not sign in: it works once; make another one")
        page.locator("a[href*='persona=']:not([href*=newcomer])").nth(1).click()
        take(page, "path")
        page.goto(f"{origin}/ui/swarm")
        take(page, "swarm")
        browser.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])

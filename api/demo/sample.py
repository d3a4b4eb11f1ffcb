"""The sample's four platforms: where their logs are and what they declare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from api.demo.children import DemoError

FOLDER = Path(__file__).parents[2] / "data_samples" / "canvas_network_four_platforms"


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform of the sample.

    Attributes:
        name: As pages show it.
        adapter: Its log's format.
        logs: Its log files.
        catalogue: Its catalogue in its own form.
        bracket: Its declared number of learners (R14).
        learners: How many there are; the demo's own knowledge, never published by a platform.
    """

    name: str
    adapter: str
    logs: tuple[Path, ...]
    catalogue: Path
    bracket: str
    learners: int

    @property
    def key(self) -> str:
        """Name of its folder."""
        return self.name.lower()


def platforms() -> tuple[Platform, ...]:
    """The four, small to large.

    Raises:
        DemoError: The sample is not there.
    """
    if not FOLDER.is_dir():
        raise DemoError(f"{FOLDER} is not there: the demo runs from a clone of the repository")
    birch, dogwood = FOLDER / "birch", FOLDER / "dogwood"
    return (
        Platform(
            "Alder",
            "xapi",
            (FOLDER / "alder" / "events.jsonl.gz",),
            FOLDER / "alder" / "catalogue.json",
            "< 100",
            60,
        ),
        Platform(
            "Birch",
            "canvas",
            (birch / "events.jsonl.gz",),
            birch / "catalogue.json",
            "< 1,000",
            240,
        ),
        Platform(
            "Cedar",
            "openedx",
            (FOLDER / "cedar" / "events.log.gz",),
            FOLDER / "cedar" / "catalogue.json",
            "< 10,000",
            1_200,
        ),
        Platform(
            "Dogwood",
            "moodle",
            (dogwood / "events.csv.gz", dogwood / "grade_items.csv"),
            dogwood / "catalogue.csv",
            "< 100,000",
            39_729,
        ),
    )


def shared_catalogue() -> Path:
    """The catalogue that the four share."""
    return FOLDER / "shared_catalogue.csv"

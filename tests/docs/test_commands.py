"""Every command explains itself, and the documents name only what exists."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from api.cli.main import COMMANDS, cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
CALL = re.compile(r"murmuration ((?:[a-z]+(?:-[a-z]+)*)(?: [a-z]+)?)(?=[ `\n])")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            found += _commands(command, (*path, name))
        else:
            found.append((*path, name))
    return found


ALL = _commands(cli)


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_a_command_has_help_with_an_example(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, [*path, "--help"])
    assert result.exit_code == 0
    assert f"Example: murmuration {' '.join(path)}" in " ".join(result.output.split())


def test_the_overview_lists_every_command() -> None:
    text = CliRunner().invoke(cli, ["--help"]).output
    assert all(name in text for name in COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_names_commands_and_files_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    known = {name for path in ALL for name in (path[0], " ".join(path[:2]))}
    for call in CALL.findall(text):
        assert call in known or call.split()[0] in known, f"{page.name} names {call!r}"
    for target in LINK.findall(text):
        assert (page.parent / target).exists(), f"{page.name} links {target}"

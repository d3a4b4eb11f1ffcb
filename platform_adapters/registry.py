"""The adapters there are, by the name used on the command line and in settings.

To add one: a file in `formats/`, a golden folder in `tests/golden/`, and a line here.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from platform_adapters.detect import detect
from platform_adapters.errors import OptionsError, ReadError
from platform_adapters.formats import (
    cartridge,
    case,
    table,
)
from platform_adapters.formats.blackboard import platform as blackboard
from platform_adapters.formats.caliper import platform as caliper
from platform_adapters.formats.canvas_api import platform as canvas_api
from platform_adapters.formats.canvas_data import platform as canvas_data
from platform_adapters.formats.canvas_live import platform as canvas
from platform_adapters.formats.ilias import platform as ilias
from platform_adapters.formats.kolibri import platform as kolibri
from platform_adapters.formats.moodle import platform as moodle
from platform_adapters.formats.openedx import platform as openedx
from platform_adapters.formats.sakai import platform as sakai
from platform_adapters.formats.scorm import platform as scorm
from platform_adapters.formats.xapi import platform as xapi

if TYPE_CHECKING:
    from collections.abc import Mapping

    from platform_adapters.format import Format

_ALL = (
    xapi.FORMAT,
    canvas.FORMAT,
    canvas_api.FORMAT,
    canvas_data.FORMAT,
    openedx.FORMAT,
    moodle.FORMAT,
    caliper.FORMAT,
    kolibri.FORMAT,
    blackboard.FORMAT,
    sakai.FORMAT,
    ilias.FORMAT,
    scorm.FORMAT,
    cartridge.FORMAT,
    case.FORMAT,
    table.FORMAT,
)

ADAPTERS: Mapping[str, Format] = MappingProxyType({a.name: a for a in _ALL})
"""All adapters by name."""


def adapter_named(name: str) -> Format:
    """The adapter of this name.

    Raises:
        OptionsError: There is none.
    """
    adapter = ADAPTERS.get(name)
    if adapter is None:
        raise OptionsError(
            f"there is no adapter {name!r}; choose one of {', '.join(ADAPTERS)}{_hint(Path(name))}"
        )
    return adapter


def _hint(path: Path) -> str:
    """If a file stands where the adapter's name should: what it is."""
    if not path.is_file():
        return ""
    with suppress(ReadError):
        for guess in detect(path, ADAPTERS.values())[:1]:
            return f". It is a file, and {guess.why}: say {guess.format.name} before it"
    return ". It is a file of no format that is known here"

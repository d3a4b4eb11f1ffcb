"""Course backups: the golden one, packed otherwise, damaged, or not one at all."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from pathlib import Path

import pytest

from platform_adapters.contract import AdaptOptions, Interaction
from platform_adapters.convert import convert
from platform_adapters.errors import ReadError
from platform_adapters.registry import ADAPTERS
from platform_adapters.report import ImportReport

GOLDEN = Path(__file__).resolve().parents[2] / "golden/moodle/backup/input/course.mbz"
MOODLE = ADAPTERS["moodle"]


def members() -> dict[str, bytes]:
    with zipfile.ZipFile(GOLDEN) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path: Path, files: dict[str, bytes], kind: str = "zip") -> Path:
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return path
    with tarfile.open(path, "w:gz", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in {".ARCHIVE_INDEX": b"Moodle archive file index\n", **files}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def rows(path: Path, pseudonymiser) -> list[Interaction]:
    report = ImportReport()
    return list(convert(MOODLE, [path], AdaptOptions("test"), pseudonymiser, report))


def test_both_ways_to_pack_a_backup_give_the_same(tmp_path, pseudonymiser) -> None:
    tar = packed(tmp_path / "course.mbz", members(), "tar")
    assert rows(tar, pseudonymiser) == rows(GOLDEN, pseudonymiser)
    assert list(MOODLE.read_catalogue(tar)) == list(MOODLE.read_catalogue(GOLDEN))


def test_a_backup_without_learners_or_log_is_a_catalogue(tmp_path, pseudonymiser) -> None:
    kinds = ("completion.xml", "grades.xml", "logstores.xml", "enrolments.xml", "roles.xml")
    files = {n: d for n, d in members().items() if not n.endswith((*kinds, "gradebook.xml"))}
    quiz = files["activities/quiz_342/quiz.xml"].decode()
    head, _, tail = quiz.partition("<attempts>")
    files["activities/quiz_342/quiz.xml"] = (head + tail.partition("</attempts>")[2]).encode()
    del files["activities/scorm_346/scorm.xml"]
    path = packed(tmp_path / "course.mbz", files)
    assert rows(path, pseudonymiser) == []
    assert len(list(MOODLE.read_catalogue(path))) == 4


def test_attempts_of_moodle_before_it_knew_their_state_are_known_by_their_end(
    tmp_path, pseudonymiser
) -> None:
    files = members()
    quiz = files["activities/quiz_342/quiz.xml"]
    files["activities/quiz_342/quiz.xml"] = re.sub(
        rb"<state>(finished|inprogress)</state>", b"", quiz
    )
    assert files["activities/quiz_342/quiz.xml"] != quiz
    assert rows(packed(tmp_path / "course.mbz", files), pseudonymiser) == rows(
        GOLDEN, pseudonymiser
    )


def test_two_courses_are_one_site(tmp_path, pseudonymiser) -> None:
    """A teacher of the one is a learner of the other."""
    files = members()
    other = {n: d.replace(b'id="7"', b'id="8"') for n, d in files.items()}
    manifest = other["moodle_backup.xml"]
    other["moodle_backup.xml"] = manifest.replace(b"course_id>7<", b"course_id>8<")
    swapped = other["course/roles.xml"].replace(b"<userid>3<", b"<userid>4<")
    other["course/roles.xml"] = swapped
    for name in [name for name in other if not name.endswith("logstores.xml")]:
        if name.startswith("activities/"):
            del other[name]
    second = packed(tmp_path / "b.mbz", other)
    report = ImportReport()
    given = [GOLDEN, second]
    found = list(convert(MOODLE, given, AdaptOptions("test"), pseudonymiser, report))
    teacher = pseudonymiser.pseudonym("3")
    assert {row.course for row in found if row.learner == teacher} == {"8"}
    assert report.duplicates > 0, "the rows of the log have the ids of the first course"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"moodle_backup.xml": None}, "has no moodle_backup.xml"),
        ({"course/course.xml": b"<course><fullname>x</course>"}, "course.xml is not well-formed"),
        (
            {"course/course.xml": b'<!DOCTYPE x [<!ENTITY a "b">]><course id="7">&a;</course>'},
            "document type",
        ),
        ({"../../evil.xml": b"<x/>"}, "leads out"),
    ],
)
def test_what_is_no_whole_backup_is_refused_by_name(tmp_path, change, words) -> None:
    files = {**members(), **change}
    path = packed(tmp_path / "c.mbz", {n: d for n, d in files.items() if d is not None})
    with pytest.raises(ReadError, match=r"c\.mbz") as found:
        list(MOODLE.read_catalogue(path))
    assert words in str(found.value)


def test_other_that_is_no_base64_is_rejected_not_guessed(tmp_path, pseudonymiser) -> None:
    files = members()
    name = "activities/page_340/logstores.xml"
    files[name] = files[name].replace(b"<other>eyJyZ", b"<other>!!!yZ")
    path = packed(tmp_path / "c.mbz", files)
    report = ImportReport()
    list(convert(MOODLE, [path], AdaptOptions("test"), pseudonymiser, report))
    assert report.rejected_rows == 0, "the completion is told by its own table"
    del files["activities/page_340/completion.xml"]
    path = packed(tmp_path / "d.mbz", files)
    options = AdaptOptions("test")
    list(convert(MOODLE, [path], options, pseudonymiser, report, max_reject_share=1))
    assert set(report.rejected) == {"other is neither JSON nor PHP-serialised"}

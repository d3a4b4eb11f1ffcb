from __future__ import annotations

import json
from pathlib import Path

import pytest

from platform_adapters.catalogues.table import COLUMNS, row_of
from platform_adapters.errors import CatalogueError
from platform_adapters.registry import ADAPTERS

MODULES = Path(__file__).resolve().parents[2] / "golden/moodle/logstore/input/course_modules.csv"


def read(tmp_path, name: str, content: object) -> list:
    path = tmp_path / "catalogue"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return list(ADAPTERS[name].read_catalogue(path))


def test_moodle_modules_have_their_prerequisites_and_hidden_ones_are_marked() -> None:
    path = MODULES
    page, quiz, forum = ADAPTERS["moodle"].read_catalogue(path)
    assert (page.item, page.title, page.course, page.position) == (
        "module:340",
        "Photosynthesis",
        "7",
        0,
    )
    assert quiz.prerequisites == ("module:340",)
    assert quiz.content_key == "https://example.org/quiz/osmosis"
    assert forum.hidden
    assert not page.hidden


def test_moodle_courses_stand_in_sort_order_and_the_front_page_is_none(tmp_path) -> None:
    text = (
        "id,fullname,shortname,sortorder,idnumber,visible,summary\n"
        "1,Site,site,1,,1,\n"
        "5,Zoology,ZOO,20,ZOO-2024,0,<p>All  <b>animals</b></p>\n"
        "6,Botany,BOT,10,urn:isbn:9780306406157,1,\n"
    )
    zoology, botany = read(tmp_path, "moodle", text)
    assert (zoology.position, botany.position) == (1, 0)
    assert (zoology.content_key, botany.content_key) == ("", "urn:isbn:9780306406157")
    assert (zoology.hidden, botany.hidden) == (True, False)
    assert zoology.description == "All animals"
    assert zoology.item == zoology.course
    assert zoology.type == "course"


def test_openedx_blocks_are_leaves_in_the_trees_order(tmp_path) -> None:
    def block(kind: str, name: str, *children: str, **values: object) -> dict:
        return {"type": kind, "display_name": name, "children": list(children), **values}

    root = "block-v1:U+B+1+type@course+block@course"
    blocks = {
        "v": block("video", "Film", visible_to_staff_only=True),
        "p": block("problem", "Osmosis"),
        "s": block("sequential", "Week 1", "u"),
        "u": block("vertical", "Unit", "p", "v", "p"),
        root: block("course", "Biology", "c"),
        "c": block("chapter", "Cells", "s"),
    }
    found = read(tmp_path, "openedx", {"root": root, "blocks": blocks})
    assert [(i.item, i.section, i.position) for i in found] == [
        ("course-v1:U+B+1", "", 0),
        ("p", "Week 1", 1),
        ("v", "Week 1", 2),
    ]
    assert {i.course for i in found} == {"course-v1:U+B+1"}
    assert found[2].hidden


def test_canvas_module_items_are_named_as_the_logs_name_them(tmp_path) -> None:
    entry = {
        "id": 1,
        "module_id": 2,
        "content_id": 39,
        "course_id": 565,
        "root_account_id": "21070000000000001",
        "title": "Essay 2",
    }
    found = read(
        tmp_path,
        "canvas",
        [{**entry, "type": "Assignment"}, {**entry, "type": "SubHeader", "content_id": None}],
    )
    assert [(i.item, i.course) for i in found] == [
        ("assignment:21070000000000039", "21070000000000565")
    ]


def test_canvas_ids_that_are_local_are_refused_with_what_to_add(tmp_path) -> None:
    with pytest.raises(CatalogueError, match=r"entry 1: id 565 is local .* global root_account_id"):
        read(tmp_path, "canvas", [{"id": 565, "name": "Biology"}])


def test_xapi_activities_carry_their_key_in_an_extension(tmp_path) -> None:
    found = read(
        tmp_path,
        "xapi",
        [
            {
                "id": "https://lms.example/page/1",
                "definition": {
                    "name": {"de": "Zelle", "en-GB": "Cell"},
                    "extensions": {
                        "urn:murmuration:content-key": "doi:10.1000/1",
                        "urn:murmuration:duration-minutes": 15,
                        "urn:murmuration:prerequisites": ["https://lms.example/page/0"],
                    },
                },
            }
        ],
    )
    assert found[0].title == "Cell"
    assert found[0].content_key == "doi:10.1000/1"
    assert found[0].duration_minutes == 15
    assert found[0].prerequisites == ("https://lms.example/page/0",)


def test_a_catalogue_written_as_a_table_is_read_back_the_same(tmp_path) -> None:
    items = list(ADAPTERS["moodle"].read_catalogue(MODULES))
    lines = "".join(json.dumps(row_of(item)) + "\n" for item in items)
    assert read(tmp_path, "table", lines) == items
    assert set(row_of(items[0])) == set(COLUMNS)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("table", "title,url\nOsmosis,x\n", "line 1: the column 'item' is missing"),
        ("table", "item,title\n,Osmosis\n", "entry 2: item is empty; every item needs an id"),
        ("table", "item,title\na,A\na,B\n", "'a'; ids must be unique"),
        ("table", "item,title\n", "holds no item"),
        ("table", "item,duration_minutes\na,-5\n", "duration_minutes is negative"),
        ("table", "item,position\na,first\n", "line 2: position is not a number"),
        ("moodle", "fullname,shortname\nA,B\n", "line 1: the column 'id' is missing"),
        ("moodle", "id,grade\n1,2\n", "neither Moodle's table course nor course_modules"),
        ("xapi", [{"definition": {}}], "entry 1: id is missing; every item needs an id"),
        ("xapi", ["a"], "entry 1: not a JSON object"),
        ("canvas", [{"name": "A"}], "entry 1: id is missing"),
        ("canvas", {"a": 1}, "expected a JSON list or an object with 'courses'"),
        ("openedx", {"results": [{"name": "A"}]}, "entry 1: course_id is missing"),
        ("openedx", {"root": "x", "blocks": {}}, "'root' does not name one of the blocks"),
        ("openedx", "{", "line 1: not JSON"),
    ],
)
def test_a_catalogue_without_ids_or_form_is_refused_by_file_and_place(
    tmp_path, name, content, message
) -> None:
    with pytest.raises(CatalogueError) as caught:
        read(tmp_path, name, content)
    assert message in str(caught.value)
    assert "catalogue" in str(caught.value)


def test_statements_of_a_framework_stand_by_their_numbers_below_what_they_are_a_part_of(
    tmp_path,
) -> None:
    def child(own: str, parent: str, **number: object) -> dict:
        ends = {"originNodeURI": {"identifier": own}, "destinationNodeURI": {"identifier": parent}}
        return {"associationType": "isChildOf", **ends, **number}

    statements = [{"identifier": name, "fullStatement": name.upper()} for name in "abcde"]
    links = [
        child("a", "framework", sequenceNumber=2),
        child("b", "framework", sequenceNumber=1),
        child("c", "b"),
        child("d", "b", sequenceNumber=7),
        child("e", "e", sequenceNumber=1),
    ]
    package = {"CFDocument": {}, "CFItems": statements, "CFAssociations": links}
    found = read(tmp_path, "case", package)
    assert [(one.item, one.section) for one in found] == [
        ("b", ""),
        ("d", "B"),
        ("c", "B"),
        ("e", "E"),
        ("a", ""),
    ]

"""What naive readers of each format get wrong, beyond the golden files."""

from __future__ import annotations

import json

import pytest

from platform_adapters.errors import ReadError, RecordError
from platform_adapters.formats.canvas_ids import global_id
from platform_adapters.readers.php_values import parse_other

LOG = (
    "id,eventname,userid,courseid,relateduserid,contextlevel,contextinstanceid,other,timecreated\n"
)
VIEW = "\\mod_page\\event\\course_module_viewed"
DONE = "\\core\\event\\course_module_completion_updated"


def statement(**values: object) -> dict:
    return {
        "id": "6690e6c9-3ef0-4ed3-8b37-7f3964730bee",
        "actor": {"account": {"homePage": "https://lms.example", "name": "ana"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/scored"},
        "object": {"id": "https://lms.example/quiz/1"},
        "timestamp": "2024-03-01T09:00:00Z",
        **values,
    }


# Moodle --------------------------------------------------------------------------------------


def test_moodle_the_teacher_who_overrides_a_completion_is_not_the_learner(
    adapt, pseudonymiser
) -> None:
    done = adapt("moodle", LOG + f'1,{DONE},3,7,12,70,340,"{{""completionstate"":1}}",1709283600\n')
    assert [row.learner for row in done.rows] == [pseudonymiser.pseudonym("12")]


def test_moodle_rows_of_one_second_user_and_event_are_different_events(adapt) -> None:
    same = f"{VIEW},12,7,,70,340,,1709283600\n"
    assert adapt("moodle", LOG + f"1,{same}2,{same}").report.events == 2


def test_moodle_an_export_without_relateduserid_gives_no_completions_and_says_so(adapt) -> None:
    header = "id,eventname,userid,courseid,other,timecreated\n"
    done = adapt("moodle", header + f'1,{DONE},3,7,"{{""completionstate"":1}}",1709283600\n')
    assert done.rows == []
    assert any("relateduserid" in reason for reason in done.reasons)


def test_moodle_an_export_without_module_ids_gives_only_course_level_facts(adapt) -> None:
    header = "id,eventname,userid,courseid,timecreated\n"
    view = f"1,{VIEW},12,7,1709283600\n2,\\core\\event\\course_viewed,12,7,1709283600\n"
    done = adapt("moodle", header + view)
    assert [row.item for row in done.rows] == ["7"]
    assert done.rows[0].is_course_level


def test_moodle_a_translated_report_page_is_refused_with_what_to_export_instead(adapt) -> None:
    page = "Zeit,Vollständiger Name,Betroffen,Kontext,Komponente,Ereignis\n11 Mai,A,-,-,-,-\n"
    with pytest.raises(ReadError, match="mdl_logstore_standard_log"):
        adapt("moodle", LOG, sides=[page])


def test_moodle_a_grade_without_a_pass_mark_is_no_success(adapt) -> None:
    items = "id,courseid,itemtype,gradetype,grademin,grademax,gradepass\n20,7,course,1,0,10,0\n"
    grade = "\\core\\event\\user_graded"
    other = '"{""itemid"":20,""finalgrade"":0}"'
    done = adapt("moodle", LOG + f"1,{grade},3,7,12,50,7,{other},1709283600\n", sides=[items])
    assert [(row.score, row.success) for row in done.rows] == [(0.0, None)]


def test_moodle_a_scale_grade_has_no_score(adapt) -> None:
    items = "id,courseid,itemtype,gradetype,grademin,grademax,gradepass\n20,7,course,2,1,4,0\n"
    other = '"{""itemid"":20,""finalgrade"":3}"'
    line = f"1,\\core\\event\\user_graded,3,7,12,50,7,{other},1709283600\n"
    done = adapt("moodle", LOG + line, sides=[items])
    assert [(row.score, row.raw) for row in done.rows] == [(None, 3.0)]


def test_moodle_an_event_name_that_is_not_moodles_is_not_repeated_in_the_report(adapt) -> None:
    done = adapt("moodle", LOG + "1,ana@example.org logged in,12,7,,70,340,,1709283600\n")
    assert done.reasons == {"no learning event"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("N;", {}),
        ("", {}),
        ('{"a":1}', {"a": 1}),
        ("[]", {}),
        ('a:2:{s:1:"a";i:1;s:2:"é";b:0;}', {"a": 1, "é": False}),
        ('a:1:{i:0;a:1:{s:1:"d";d:0.5;}}', {"0": {"d": 0.5}}),
    ],
)
def test_moodle_other_is_json_or_phps_format(text: str, expected: dict) -> None:
    assert parse_other(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        'O:8:"stdClass":0:{}',
        'C:1:"x":0:{}',
        'a:1:{s:9:"a";i:1;}',
        "a:99999999:{",
        "a:1:{i:0;" * 50,
        "{",
        "x",
        "a:0:{}a:0:{}",
        's:-5:"a";',
    ],
)
def test_moodle_other_that_could_do_something_or_is_damaged_is_refused(text: str) -> None:
    with pytest.raises(RecordError):
        parse_other(text)


# Open edX ------------------------------------------------------------------------------------


def edx(**values: object) -> dict:
    return {
        "name": "edx.course.enrollment.activated",
        "timestamp": "2024-03-01T09:00:00+00:00",
        "context": {"course_id": "course-v1:U+B+1", "user_id": 3},
        "data": {},
        **values,
    }


@pytest.mark.parametrize(
    ("event", "learner"),
    [
        (edx(data={"user_id": 4}), "4"),
        (edx(), "3"),
        (edx(context={"course_id": "c", "user_id": None}, username="ana"), "ana"),
        (edx(context={"course_id": "c", "user_id": "", "username": "ben"}), "ben"),
    ],
)
def test_openedx_the_learner_is_the_one_the_data_name(adapt, pseudonymiser, event, learner) -> None:
    done = adapt("openedx", [event])
    assert [row.learner for row in done.rows] == [pseudonymiser.pseudonym(learner)]


def test_openedx_somebody_not_signed_in_is_nobody(adapt) -> None:
    anonymous = edx(context={"course_id": "c", "user_id": None}, username="")
    assert adapt("openedx", [anonymous]).reasons == {"nobody signed in"}


def test_openedx_a_form_where_data_should_be_does_not_stop_the_import(adapt) -> None:
    done = adapt("openedx", [edx(name="showanswer", data="input_1=a&b=c", event_source="server")])
    assert done.rows == []
    assert done.report.rejected_rows == 0


def test_openedx_a_page_that_names_a_learner_is_not_repeated_in_the_report(adapt) -> None:
    done = adapt("openedx", [{"event_type": "/u/ana", "time": "2024-03-01T09:00:00Z"}])
    assert done.reasons == {"request of a page that is not a course's"}


def test_openedx_a_ccx_course_is_a_course(adapt) -> None:
    done = adapt("openedx", [edx(context={"course_id": "ccx-v1:U+B+1+ccx@2", "user_id": 3})])
    assert [row.item for row in done.rows] == ["ccx-v1:U+B+1+ccx@2"]


@pytest.mark.parametrize(
    ("event", "item", "verb"),
    [
        (
            {"name": "play_video", "data": {"id": "i4x-U-B1-video-v1", "user_id": 3}},
            "i4x://U/B1/video/v1",
            "started",
        ),
        (
            {"name": "book", "data": {"chapter": "/x/asset-v1:U%2BB+1+type@asset+block/a.pdf"}},
            "asset-v1:U+B+1+type@asset+block/a.pdf",
            "viewed",
        ),
    ],
)
def test_openedx_old_videos_and_textbooks_are_named_as_their_course_does(
    adapt, event, item, verb
) -> None:
    done = adapt("openedx", [edx(context={"course_id": "U/B1/2016", "user_id": 3}, **event)])
    assert [(row.item, row.verb) for row in done.rows] == [(item, verb)]


def test_openedx_words_that_a_logger_writes_in_front_are_no_part_of_an_event(adapt) -> None:
    words = "2023-05-23 13:53:13,461 INFO 20 [tracking] [user None] [ip None] logger.py:41 - "
    log = f"{words}{json.dumps(edx())}\n2023-05-23 13:53:14,000 INFO 20 [celery] done\n{words}{{\n"
    done = adapt("openedx", log)
    assert [row.verb for row in done.rows] == ["enrolled"]
    assert set(done.reasons) == {"a line of another log", "the line is not JSON"}


def test_openedx_a_single_event_may_be_written_over_several_lines(adapt) -> None:
    assert [row.verb for row in adapt("openedx", json.dumps(edx(), indent=2)).rows] == ["enrolled"]


def test_openedx_a_click_that_the_browser_logs_beside_the_server_is_one_event(adapt) -> None:
    about = {"problem_id": "p1", "user_id": 3}
    clicks = [
        edx(name="showanswer", data=about, event_source="server"),
        edx(name="problem_show", data={"problem": "p1", "user_id": 3}, event_source="browser"),
    ]
    assert [row.verb for row in adapt("openedx", clicks).rows] == ["hinted"]


# Canvas --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("123", "21070000000000123"),
        (123, "21070000000000123"),
        ("21070000000000123", "21070000000000123"),
        ("2107~123", "21070000000000123"),
        ("9~5", "90000000000005"),
        (None, ""),
        ("uuid-like", "uuid-like"),
    ],
)
def test_canvas_one_thing_has_one_id(value: object, expected: str) -> None:
    assert global_id(value, 2107, "id") == expected


def test_canvas_things_of_different_kinds_with_one_number_are_different_items(adapt) -> None:
    events = [
        {
            "metadata": {
                "event_name": "asset_accessed",
                "event_time": "2024-03-01T09:00:00Z",
                "root_account_id": "21070000000000001",
                "user_id": "21070000000000123",
                "context_role": "StudentEnrollment",
            },
            "body": {"asset_id": "21070000000000005", "asset_type": kind},
        }
        for kind in ("assignment", "wiki_page", "quizzes:quiz")
    ]
    items = [row.item for row in adapt("canvas", events).rows]
    assert items == [f"{kind}:21070000000000005" for kind in ("assignment", "wiki_page", "quiz")]


def test_canvas_a_submissions_points_without_a_known_maximum_are_raw_only(adapt) -> None:
    event = {
        "metadata": {"event_name": "submission_updated", "event_time": "2024-03-01T09:00:00Z"},
        "body": {"user_id": "5", "assignment_id": "7", "workflow_state": "graded", "score": 5},
    }
    assert [(row.raw, row.score) for row in adapt("canvas", [event]).rows] == [(5.0, None)]


# xAPI ----------------------------------------------------------------------------------------


def test_xapi_accounts_of_two_sites_with_one_name_are_two_learners(adapt) -> None:
    other = {"account": {"homePage": "https://other.example", "name": "ana"}}
    done = adapt("xapi", [statement(), statement(id="b" * 36, actor=other)])
    assert len({row.learner for row in done.rows}) == 2


def test_xapi_accounts_of_the_named_site_are_known_by_name_alone(adapt, pseudonymiser) -> None:
    done = adapt("xapi", [statement()], home_page="https://lms.example")
    assert [row.learner for row in done.rows] == [pseudonymiser.pseudonym("ana")]


@pytest.mark.parametrize("first", [True, False])
def test_xapi_a_voided_statement_is_no_event_wherever_the_voiding_stands(adapt, first) -> None:
    void = statement(
        id="a" * 36,
        verb={"id": "http://adlnet.gov/expapi/verbs/voided"},
        object={"objectType": "StatementRef", "id": statement()["id"].upper()},
    )
    done = adapt("xapi", [void, statement()] if first else [statement(), void])
    assert done.rows == []
    alone = adapt("xapi", [statement()])
    assert done.report.withdrawn == {alone.rows[0].event_id}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"score": {"raw": 50, "min": 0, "max": 100, "scaled": 0.0}}, 0.5),
        ({"score": {"scaled": 0.6}}, 0.6),
        ({"score": {"scaled": -0.5}}, 0.0),
        ({"score": {"raw": 7}}, None),
        ({"score": {"raw": 7, "scaled": 0.7}}, 0.7),
        ({"score": {"raw": 1, "min": 1, "max": 1, "scaled": 1}}, None),
        ({}, None),
    ],
)
def test_xapi_raw_min_and_max_decide_and_scaled_only_stands_in(adapt, result, expected) -> None:
    assert [row.score for row in adapt("xapi", [statement(result=result)]).rows] == [expected]


def test_xapi_context_activities_may_be_one_object_or_an_array(adapt) -> None:
    course = {
        "id": "https://lms.example/course/7",
        "definition": {"type": "http://adlnet.gov/expapi/activities/course"},
    }
    for grouping in (course, [course]):
        context = {"contextActivities": {"grouping": grouping}}
        done = adapt("xapi", [statement(context=context)])
        assert [row.course for row in done.rows] == [course["id"]]


def test_xapi_an_unknown_verb_is_counted_by_its_name(adapt) -> None:
    done = adapt("xapi", [statement(verb={"id": "https://example.org/verbs/pondered"})])
    assert [row.verb for row in done.rows] == ["other"]
    assert done.report.to_dict()["unknown_events"] == {"xapi:https://example.org/verbs/pondered": 1}


@pytest.mark.parametrize(
    "broken",
    [
        {"result": 5},
        {"result": {"score": "5"}},
        {"result": {"completion": "yes"}},
        {"verb": {}},
        {"object": {"objectType": "Activity"}},
        {"actor": None},
        {"timestamp": "01/03/2024"},
    ],
)
def test_xapi_a_statement_that_is_none_is_rejected(adapt, broken) -> None:
    assert adapt("xapi", [statement(**broken)]).report.rejected_rows == 1


# Table ---------------------------------------------------------------------------------------


def test_table_what_an_adapter_wrote_comes_back_unchanged(adapt) -> None:
    first = adapt("xapi", [statement(context={"registration": "r-1"})])
    written = [{name: getattr(row, name) for name in row.__slots__} for row in first.rows]
    assert adapt("table", written).rows == first.rows


def test_table_event_ids_that_differ_only_in_their_end_are_different_events(adapt) -> None:
    rows = [
        {"learner": "a", "item": "i", "order": n, "event_id": f"00000000-0000-4000-8000-{n:012d}"}
        for n in range(50)
    ]
    assert adapt("table", rows).report.events == 50


def test_table_order_alone_is_enough(adapt) -> None:
    done = adapt("table", "learner,item,order\nana,i,3\n")
    assert [(row.timestamp, row.order) for row in done.rows] == [(None, 3)]


@pytest.mark.parametrize(
    ("header", "missing"),
    [("item,timestamp", "learner"), ("learner,timestamp", "item"), ("learner,item", "timestamp")],
)
def test_table_a_column_that_every_row_needs_is_named(adapt, header, missing) -> None:
    with pytest.raises(ReadError, match=f"'{missing}'"):
        adapt("table", header + "\n1,2\n")


@pytest.mark.parametrize(
    "values",
    [
        {"verb": "danced"},
        {"score": 2},
        {"score": "high"},
        {"success": "maybe"},
        {"evidence": "rumour"},
        {"attempt": 1.5},
        {"item": "x" * 2048},
        {"timestamp": None},
    ],
)
def test_table_a_value_outside_the_contract_is_rejected(adapt, values) -> None:
    row = {"learner": "a", "item": "i", "timestamp": 1709283600, **values}
    assert adapt("table", [row]).report.rejected_rows == 1


def test_deeply_nested_json_is_rejected_and_not_a_crash(adapt) -> None:
    deep = "[" * 5_000 + "]" * 5_000
    record = json.dumps({"learner": "a"})[:-1] + f', "x": {deep}}}\n'
    assert adapt("table", record).report.rejected_rows == 1


def test_xapi_the_course_of_todays_moodle_is_a_course_of_cmi5s_vocabulary(adapt) -> None:
    kind = {"definition": {"type": "https://w3id.org/xapi/cmi5/activitytype/course"}}
    course = {"id": "https://lms.example/course/view.php?id=2", **kind}
    section = {"id": "https://lms.example/course/section.php?id=1"}
    within = {"contextActivities": {"parent": [section, course]}}
    (row,) = adapt("xapi", json.dumps(statement(context=within))).rows
    assert (row.parent_item, row.course) == (section["id"], course["id"])


def test_xapi_a_moodle_that_takes_a_completion_back_is_understood(adapt) -> None:
    verb = {"id": "https://xapi.edlm/profiles/edlm-lms/concepts/verbs/uncompleted"}
    assert [row.verb for row in adapt("xapi", json.dumps(statement(verb=verb))).rows] == [
        "uncompleted"
    ]


def test_xapi_blackboards_marks_are_not_moodles_and_its_scores_are_not_rescaled(adapt) -> None:
    info = {"https://bb.example/webapps/bbc-xAPI-BBLEARN/": "1.0.0"}
    context = {"extensions": {"http://lrs.learninglocker.net/define/extensions/info": info}}
    told = statement(context=context, result={"score": {"scaled": 0.5}, "success": True})
    (row,) = adapt("xapi", json.dumps(told)).rows
    assert (row.score, row.success) == (0.5, True)


def test_canvas_a_course_grade_that_a_teacher_overrides_is_told_as_such(adapt) -> None:
    metadata = {"event_name": "grade_override", "event_time": "2024-03-01T09:00:00Z"}
    body = {"user_id": "45", "course_id": "46", "override_score": 90}
    (row,) = adapt("canvas", [{"metadata": metadata, "body": body}]).rows
    assert (row.item, row.verb, row.score, row.evidence) == ("46", "scored", 0.9, "override")


def test_caliper_an_event_without_a_type_is_known_by_what_it_is_about(adapt) -> None:
    event = {
        "type": "Event",
        "action": "Completed",
        "actor": {"id": "https://lms.example/u/1", "type": "Person"},
        "object": {"id": "https://lms.example/quiz/1", "type": "Assessment"},
        "eventTime": "2024-03-01T09:00:00Z",
    }
    assert [row.verb for row in adapt("caliper", [event]).rows] == ["submitted"]


@pytest.mark.parametrize(
    "event", ["\\mod_scorm\\event\\sco_launched", "\\mod_lesson\\event\\lesson_started"]
)
def test_moodle_what_the_logs_page_calls_a_start_is_one_in_the_log(adapt, event) -> None:
    done = adapt("moodle", LOG + f"1,{event},12,7,,70,340,,1709283600\n")
    assert [(row.item, row.verb) for row in done.rows] == [("module:340", "started")]

from __future__ import annotations

import gzip
import json
import random

import pytest

from platform_adapters.contract import Failure
from platform_adapters.errors import ReadError
from platform_adapters.readers import files, json_records
from platform_adapters.readers.csv_rows import read_csv, read_header
from platform_adapters.readers.json_records import read_json
from platform_adapters.readers.parquet_rows import read_parquet


def write(path, data: bytes):
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_lines_come_with_their_numbers_and_bad_ones_with_a_reason(tmp_path, packed) -> None:
    lines = [b'{"a":1}', b"", b"{", b'{"a":"\xff"}', b'{"a":\0}', b'{"a":2}']
    data = b"\xef\xbb\xbf" + b"\n".join(lines)
    path = write(tmp_path / "log", gzip.compress(data) if packed else data)
    assert list(read_json(path)) == [
        (1, {"a": 1}),
        (3, Failure(json_records.NOT_JSON)),
        (4, Failure(json_records.NOT_UTF8)),
        (5, Failure(json_records.NUL)),
        (6, {"a": 2}),
    ]


def test_a_line_beyond_the_limit_is_one_failure_and_reading_goes_on(tmp_path) -> None:
    long = b'"' + b"x" * (3 * files.MAX_LINE_BYTES) + b'"'
    path = write(tmp_path / "log", b"1\n" + long + b"\n2\n")
    assert list(read_json(path)) == [(1, 1), (2, Failure(json_records.TOO_LONG)), (3, 2)]


def test_a_gzip_file_that_ends_early_is_an_error_with_file_and_line(tmp_path) -> None:
    noise = random.Random(1)  # noqa: S311 - noise, not a secret
    body = b"".join(b'{"n":%d}\n' % noise.getrandbits(60) for _ in range(20_000))
    path = write(tmp_path / "cut.gz", gzip.compress(body)[:-2000])
    with pytest.raises(ReadError, match=r"cut\.gz is a truncated gzip file: .* after line \d+"):
        list(read_json(path))


def test_a_damaged_gzip_file_is_an_error_with_the_file(tmp_path) -> None:
    noise = random.Random(1)  # noqa: S311 - noise, not a secret
    data = bytearray(gzip.compress(b"".join(b"%d\n" % noise.getrandbits(60) for _ in range(9999))))
    data[len(data) // 2 : len(data) // 2 + 20] = bytes(20)
    with pytest.raises(ReadError, match=r"bad\.gz is a (damaged|truncated) gzip file"):
        list(read_json(write(tmp_path / "bad.gz", bytes(data))))


def test_utf_16_is_read_as_what_it_says(tmp_path) -> None:
    path = write(tmp_path / "log.csv", "id,name\n1,é\n".encode("utf-16"))
    assert list(read_csv(path)) == [(2, {"id": "1", "name": "é"})]


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_a_file_that_is_not_there_is_named(tmp_path, name) -> None:
    with pytest.raises(ReadError, match=r"does not exist|is a folder"):
        list(read_json(tmp_path / name))


@pytest.mark.parametrize("indent", [None, 2])
def test_arrays_and_store_answers_give_their_elements(tmp_path, indent) -> None:
    values = [{"text": "é]" * n, "n": n} for n in range(500)] + [7, "x", None]
    array = json.dumps(values, indent=indent, ensure_ascii=False).encode()
    answer = json.dumps({"statements": values, "more": "/x"}, indent=indent).encode()
    expected = list(enumerate(values, 1))
    assert list(read_json(write(tmp_path / "a", array))) == expected
    assert list(read_json(write(tmp_path / "b", gzip.compress(answer)))) == expected


def test_arrays_one_a_line_are_all_read(tmp_path) -> None:
    path = write(tmp_path / "a", b'[1, 2]\n[]\n[{"a": [3]}]\n\n')
    assert list(read_json(path)) == [(1, 1), (2, 2), (3, {"a": [3]})]


def test_what_follows_an_array_and_is_none_is_an_error(tmp_path) -> None:
    with pytest.raises(ReadError, match="after element 1: something follows the array"):
        list(read_json(write(tmp_path / "a", b"[1]\n{}\n")))


def test_an_empty_array_and_an_empty_file_have_no_records(tmp_path) -> None:
    assert list(read_json(write(tmp_path / "a", b"[]"))) == []
    assert list(read_json(write(tmp_path / "b", b""))) == []


@pytest.mark.parametrize("tail", [b"", b", {", b", nonsense]"])
def test_an_array_that_is_not_closed_is_an_error_with_the_element(tmp_path, tail) -> None:
    path = write(tmp_path / "cut.json", b'[{"a":1}, {"a":2}' + tail)
    with pytest.raises(ReadError, match=r"cut\.json, element 3 of the array"):
        list(read_json(path))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("delimiter", [b",", b";", b"\t"])
def test_csv_of_any_line_end_and_delimiter(tmp_path, end, delimiter) -> None:
    rows = [
        [b"id", b"name"],
        [b"1", b"Ana"],
        [b"2", b'"x ""y"" z"'],
        [b"3", b"NULL"],
        [b"4", b"\\N"],
    ]
    path = write(tmp_path / "t.csv", b"\xef\xbb\xbf" + end.join(delimiter.join(r) for r in rows))
    assert read_header(path) == ("id", "name")
    assert [row for _, row in read_csv(path)] == [
        {"id": "1", "name": "Ana"},
        {"id": "2", "name": 'x "y" z'},
        {"id": "3", "name": ""},
        {"id": "4", "name": ""},
    ]


def test_a_quoted_field_may_hold_line_ends(tmp_path) -> None:
    path = write(tmp_path / "t.csv", b'id,name\n1,"a\nb"\n2,c\n')
    assert list(read_csv(path)) == [(3, {"id": "1", "name": "a\nb"}), (4, {"id": "2", "name": "c"})]


def test_csv_rows_that_are_wrong_are_failures_with_their_line(tmp_path) -> None:
    path = write(tmp_path / "t.csv", b'id,name\n1,a,b\n2,\xff\n3,\0\n4,"x"y\n5,ok\n')
    found = list(read_csv(path))
    assert [line for line, _ in found] == [2, 3, 4, 5, 6]
    assert [isinstance(row, Failure) for _, row in found] == [True, True, True, True, False]
    assert found[-1][1] == {"id": "5", "name": "ok"}


def test_csv_that_ends_inside_a_quote_is_an_error_with_the_line_where_it_starts(tmp_path) -> None:
    path = write(tmp_path / "t.csv", b'id,name\n1,a\n2,"never closed\n3,b\n')
    with pytest.raises(ReadError, match=r"t\.csv, line 3: a quoted field that starts here"):
        list(read_csv(path))


def test_csv_that_ends_inside_a_long_quote_does_not_swallow_the_rest(tmp_path) -> None:
    path = write(tmp_path / "t.csv", b'id,name\n2,"never closed\n' + b"3,bbbbbbb\n" * 200_000)
    with pytest.raises(ReadError, match=r"t\.csv, line 2"):
        list(read_csv(path))


def test_a_missing_column_is_named_with_what_was_found(tmp_path) -> None:
    path = write(tmp_path / "t.csv", b"Time,Event name\n1,2\n")
    with pytest.raises(ReadError, match=r"'eventname' is missing.*Found: Time, Event name"):
        list(read_csv(path, ("eventname",)))


def test_a_column_that_stands_twice_is_refused(tmp_path) -> None:
    with pytest.raises(ReadError, match="two columns have one name"):
        list(read_csv(write(tmp_path / "t.csv", b"id,id\n1,2\n")))


def test_a_file_that_is_no_parquet_is_named(tmp_path) -> None:
    with pytest.raises(ReadError, match=r"t\.parquet is not a whole Parquet file"):
        list(read_parquet(write(tmp_path / "t.parquet", b"PAR1 and then nothing")))

from __future__ import annotations

import io
import tarfile
import zipfile

import pytest

from platform_adapters.errors import ReadError
from platform_adapters.readers import archives
from platform_adapters.readers.archives import open_archive
from platform_adapters.readers.xml_elements import MAX_DEPTH, read_elements


def make_zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return path


def make_tar(path, members):
    with tarfile.open(path, "w:gz") as made:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            made.addfile(entry, io.BytesIO(data))
    return path


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_members_are_read_by_name_from_either_kind(tmp_path, make) -> None:
    path = make(tmp_path / "x.mbz", {"./a/b.xml": b"<b/>", "c.xml": b"<c/>"})
    with open_archive(path) as archive:
        assert set(archive.names) == {"a/b.xml", "c.xml"}
        with archive.open("a/b.xml") as stream:
            assert stream.read() == b"<b/>"
        with pytest.raises(ReadError, match=r"x\.mbz has no d\.xml"), archive.open("d.xml"):
            pass


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../b", "..\\b"])
def test_a_name_that_leads_out_is_refused(tmp_path, make, name) -> None:
    path = make(tmp_path / "x.mbz", {"a.xml": b"", name: b"gotcha"})
    with pytest.raises(ReadError, match="leads out"), open_archive(path):
        pass


def test_links_are_no_members(tmp_path) -> None:
    with tarfile.open(tmp_path / "x.mbz", "w:gz") as made:
        link = tarfile.TarInfo("users.xml")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(link)
    with open_archive(tmp_path / "x.mbz") as archive:
        assert not archive.has("users.xml")


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_bomb_is_refused(tmp_path, make, monkeypatch) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 1 << 20)
    path = make(tmp_path / "x.mbz", {"a.xml": bytes(8 << 20)})
    with pytest.raises(ReadError, match="times its size"), open_archive(path):
        pass


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize("cut", [0.5, 0.9])
def test_a_truncated_archive_is_named(tmp_path, make, cut) -> None:
    path = make(tmp_path / "x.mbz", {"a.xml": bytes(range(256)) * 400})
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * cut)])
    with pytest.raises(ReadError, match=r"x\.mbz is not a whole archive"), open_archive(path):
        pass


def elements(text, *wanted):
    return list(read_elements(io.BytesIO(text.encode()), frozenset(wanted), "some.xml"))


def test_elements_come_one_by_one_with_what_is_in_them() -> None:
    text = (
        '<a xmlns:m="urn:m" id="0"><m:b id="1"><c> x &amp; y </c></m:b><b id="2"><c>z</c></b></a>'
    )
    first, second = elements(text, "b")
    assert (first.attributes["id"], first.get("c")) == ("1", "x & y")
    assert [(name, its["id"]) for name, its in first.around] == [("a", "0")]
    assert (second.get("c"), second.get("d")) == ("z", "")


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        '<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;">]><a>&z;</a>',
        '<!DOCTYPE a SYSTEM "http://example.org/a.dtd"><a/>',
    ],
)
def test_document_types_and_their_entities_are_refused(text) -> None:
    with pytest.raises(ReadError, match="document type"):
        elements(text, "a")


@pytest.mark.parametrize("text", ["<a><b></a>", "<a>&x;</a>", "", "<a/><b/>", "\0"])
def test_what_is_not_xml_is_named(text) -> None:
    with pytest.raises(ReadError, match=r"some\.xml is not well-formed XML"):
        elements(text, "a")


def test_too_deep_a_document_is_refused() -> None:
    with pytest.raises(ReadError, match="nested"):
        elements("<a>" * (MAX_DEPTH + 1), "b")

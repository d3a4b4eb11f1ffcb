"""The write-ahead log and the ledger file survive crashes and notice damage."""

from __future__ import annotations

import errno
import os

import pytest

from swarm.errors import StorageError
from swarm.storage.records import RecordLog, pack_kind, pack_record, read_records

RECORDS = [b"first", b"", b"third " * 100, bytes(40)]


def _write(path, records=RECORDS):
    with RecordLog(path, "wal") as log:
        for record in records:
            log.append(record)
        log.sync()


def test_records_come_back_in_order(tmp_path):
    _write(tmp_path / "log")
    with RecordLog(tmp_path / "log", "wal") as log:
        assert list(log) == RECORDS
        assert log.note == ""
        log.append(b"fifth")
    assert read_records(tmp_path / "log", "wal").payloads[-1] == b"fifth"


def test_records_are_read_by_place_also_those_just_appended_and_not_beyond(tmp_path):
    with RecordLog(tmp_path / "log", "wal") as log:
        for record in RECORDS:
            log.append(record)
        assert [log[at] for at in range(-4, 4)] == RECORDS * 2
        assert log[1:3] == tuple(RECORDS[1:3])
        with pytest.raises(IndexError):
            log[4]
    with pytest.raises(StorageError, match="cannot read"):
        log[0]


def test_a_tail_cut_at_any_byte_is_removed_with_a_note_and_nothing_else_is_lost(tmp_path):
    whole = tmp_path / "whole"
    _write(whole)
    data = whole.read_bytes()
    ends = [len(data)]
    for count in range(len(RECORDS)):
        _write(tmp_path / f"{count}", RECORDS[:count])
        ends.append((tmp_path / f"{count}").stat().st_size)
    for cut in range(len(data)):
        path = tmp_path / "cut"
        path.write_bytes(data[:cut])
        with RecordLog(path, "wal") as log:
            kept = len(log)
            assert list(log) == RECORDS[:kept]
            assert ("removed" in log.note) == (cut not in ends and cut > 0)
            log.append(b"after")
        assert read_records(path, "wal").payloads == (*RECORDS[:kept], b"after")


def test_zeros_behind_the_last_record_are_a_torn_tail(tmp_path):
    _write(tmp_path / "log")
    with (tmp_path / "log").open("ab") as file:
        file.write(bytes(500))
    with RecordLog(tmp_path / "log", "wal") as log:
        assert list(log) == RECORDS
        assert "500 bytes" in log.note


def test_any_flipped_byte_is_an_error_that_names_file_and_offset(tmp_path):
    path = tmp_path / "log"
    _write(path)
    data = path.read_bytes()
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0x10
        path.write_bytes(bytes(damaged))
        with pytest.raises(StorageError, match=r"log is damaged at byte \d+.*backup"):
            RecordLog(path, "wal")
        assert path.read_bytes() == bytes(damaged)


def test_a_file_of_another_kind_is_refused(tmp_path):
    _write(tmp_path / "log")
    with pytest.raises(StorageError, match="does not begin with 'murmuration-blocks/1'"):
        read_records(tmp_path / "log", "blocks")


def test_a_full_disk_leaves_the_log_as_it_was_and_says_what_to_do(tmp_path, monkeypatch):
    path = tmp_path / "log"
    with RecordLog(path, "wal") as log:
        log.append(b"kept")
        log.sync()
        before = path.read_bytes()
        real = os.pwrite

        def nearly_full(file, data, at):
            if len(data) > 5:
                return real(file, data[:5], at)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "pwrite", nearly_full)
        with pytest.raises(StorageError, match=r"log.*disk is full.*nothing stored was lost"):
            log.append(b"one too many")
        monkeypatch.undo()
        assert path.read_bytes() == before
        log.append(b"later")
    assert read_records(path, "wal").payloads == (b"kept", b"later")


def test_an_unwritable_folder_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="a file is where a folder"):
        RecordLog(tmp_path / "file" / "log", "wal")


def test_a_record_that_a_power_cut_ended_in_zeros_is_a_torn_one(tmp_path):
    path = tmp_path / "log"
    before = pack_kind("wal") + pack_record(b"first")
    record = pack_record(bytes(range(1, 201)))
    for cut in (3, 5, 11, 12, 40, 140):  # within each number of the header, and in the payload
        path.write_bytes(before + record[:cut] + bytes(len(record) - cut))
        log = RecordLog(path, "wal")
        assert tuple(log) == (b"first",), cut
        log.close()
        assert "unfinished" in log.note
        assert path.read_bytes() == before


def test_a_damaged_last_record_that_does_not_end_in_zeros_is_not_taken_for_a_torn_one(tmp_path):
    path = tmp_path / "log"
    damaged = bytearray(pack_record(bytes(100) + b"signature"))
    damaged[40] ^= 1
    path.write_bytes(pack_kind("wal") + bytes(damaged))
    with pytest.raises(StorageError, match="does not match its checksum"):
        RecordLog(path, "wal")

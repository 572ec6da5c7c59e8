"""Lines, bookmarks and records: the smallest parts of a watch."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrixinfer_client import codec
from matrixinfer_client.api.registry_v1alpha1 import Model
from matrixinfer_client.stream import Bookmark, Lines, fresh, noted, number

LINE_ENDS = ["\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"]


@given(st.lists(st.binary(min_size=1).filter(lambda b: b"\n" not in b and b.strip())), st.data())
def test_lines_are_the_same_wherever_chunks_end(wanted: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in wanted)
    lines, found = Lines(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += lines.feed(stream[:size])
        stream = stream[size:]
    assert found == wanted


@pytest.mark.parametrize("end", LINE_ENDS)
def test_only_a_newline_ends_a_line(end: str) -> None:
    text = json.dumps({"a": f"x{end}y"}, ensure_ascii=False).encode()
    assert Lines().feed(text + b"\n") == [text]


def test_blank_lines_are_left_out() -> None:
    assert Lines().feed(b"\n\r\n a\n \n\nb\n") == [b" a", b"b"]


def test_what_has_no_end_is_not_a_line() -> None:
    lines = Lines()
    assert lines.feed(b'{"a":1}') == []
    assert lines.feed(b"") == []
    assert lines.feed(b"\n") == [b'{"a":1}']


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"metadata":{"resourceVersion":"7"}}', Bookmark("7", ends_initial_events=False)),
        (
            b'{"metadata":{"resourceVersion":"7","annotations":{"k8s.io/initial-events-end":"true"}}}',
            Bookmark("7", ends_initial_events=True),
        ),
        (b'{"metadata":{"annotations":null}}', Bookmark(None, ends_initial_events=False)),
        (b'{"metadata":null}', Bookmark(None, ends_initial_events=False)),
        (b"[]", Bookmark(None, ends_initial_events=False)),
    ],
)
def test_a_bookmark_is_read_whatever_is_missing(body: bytes, expected: Bookmark) -> None:
    assert Bookmark.of(body) == expected


def test_versions_are_compared_as_numbers_where_they_are() -> None:
    assert [number(text) for text in ("9", "10", "x1", "", None)] == [9, 10, None, None, None]


def test_a_copy_of_a_record_can_be_changed_without_changing_the_record() -> None:
    text = (
        b'{"apiVersion":"registry.matrixinfer.ai/v1alpha1","kind":"Model","extra":{"deep":[1]},'
        b'"metadata":{"name":"a","uid":"u","resourceVersion":"1","labels":{"a":"b"}},'
        b'"spec":{"backends":[]}}'
    )
    key, record = noted(codec.decode(Model, text))
    assert key == (None, "a")
    copies = [fresh(record), fresh(record)]
    copies[0].metadata.labels = {"changed": "yes"}
    copies[0].spec.backends = []
    assert copies[0].unknown_fields is not None
    copies[0].unknown_fields["extra"]["deep"].append(2)
    assert copies[1].to_dict() == json.loads(text) == fresh(record).to_dict()
    assert (record.uid, record.version) == ("u", "1")

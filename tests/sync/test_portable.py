from __future__ import annotations

import pytest

from sync import portable
from sync.portable import Piece
from tests.fakes.parcels import SentCase

CASE = SentCase()
HEADER = CASE.original().header
PIECE = Piece(HEADER, f"{CASE.id}/photo-1.jpg")
FIRST = portable.first_line("gate")


def test_what_is_written_is_read() -> None:
    found = portable.read([FIRST, portable.line(PIECE)])

    assert (found.device, found.pieces) == ("gate", (PIECE,))


def test_a_line_that_was_not_finished_is_as_if_it_were_not_there() -> None:
    lines = [FIRST, portable.line(PIECE), portable.line(PIECE)[:-1]]

    assert len(portable.read(lines).pieces) == 1


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["{}\n"],
        ['{"edgecase_archive": 2, "device": "gate"}\n'],
        ['{"edgecase_archive": 1, "device": "../x"}\n'],
        [FIRST, "nonsense\n"],
        [FIRST, "[" * 1500 + "\n"],
        [FIRST, "{}\n"],
        [FIRST, portable.line(PIECE).replace('"image"', '"nothing"')],
        [FIRST, " " * 3000 + portable.line(PIECE)],
    ],
    ids=range(9),
)
def test_what_is_no_manifest_is_refused(lines: list[str]) -> None:
    with pytest.raises(ValueError, match=r"manifest\.jsonl"):
        portable.read(lines)


@pytest.mark.parametrize(
    "name",
    [
        "photo-1.jpg",
        "../photo-1.jpg",
        "/etc/passwd",
        f"{CASE.id}/../../photo-1.jpg",
        f"{CASE.id}/a/photo-1.jpg",
        f"{CASE.id}/.hidden",
        f"{CASE.id}/photo-1.jpg\n",
        f"{SentCase().id}/photo-1.jpg",
    ],
    ids=range(8),
)
def test_a_file_outside_the_cases_own_folder_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no file of the case"):
        Piece(HEADER, name)

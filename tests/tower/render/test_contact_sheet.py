"""Contact sheets show each look, and each kind of damage in all its severities."""

from pathlib import Path

import cv2
import numpy as np
from typer.testing import CliRunner

from tower_sync_server.render import contact_sheet
from tower_sync_server.render.contact_sheet import contact_sheet as lay_out
from tower_sync_server.render.contact_sheet import sheets
from tower_sync_server.render.damages.kinds import LABELS
from tower_sync_server.render.scene import Wish, render_photo

WISH = Wish(damaged=True, something_else=False)


def test_photos_lie_in_rows_and_what_is_left_stays_white() -> None:
    photos = [render_photo(one, split="plain", width=64, height=48, wish=WISH) for one in range(3)]
    sheet = lay_out(photos, 2, boxes=False)
    assert sheet.shape == (96, 128, 3)
    assert (sheet[:48, 64:] == photos[1].image).all()
    assert (sheet[48:, 64:] == 255).all()


def test_boxes_are_drawn_on_a_copy() -> None:
    photo = render_photo(1, split="plain", width=160, height=120, wish=WISH)
    before = photo.image.copy()
    assert (lay_out([photo], 1) != before).any()
    assert (photo.image == before).all()


def test_the_command_writes_a_sheet_for_each_look_and_each_kind(tmp_path: Path) -> None:
    app = contact_sheet.typer.Typer()
    app.command()(contact_sheet.main)
    said = CliRunner().invoke(app, [str(tmp_path / "sheets"), "--columns", "2"])
    assert said.exit_code == 0
    written = {path.stem for path in (tmp_path / "sheets").glob("*.jpg")}
    assert written == {"train", "plain", "shift", *LABELS}
    sheet = np.asarray(cv2.imread(str(tmp_path / "sheets" / "rust.jpg")))
    assert sheet.shape == (3 * 240, 2 * 320, 3)


def test_the_same_number_gives_the_same_sheets() -> None:
    (_, one), (_, other) = next(sheets(5, 2)), next(sheets(5, 2))
    assert (one == other).all()

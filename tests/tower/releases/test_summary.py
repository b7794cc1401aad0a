"""What people read before they sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.offer import Ring
from tests.tower.releases.shop import Shop, make_model
from tower_sync_server.releases import edits
from tower_sync_server.releases.keys import name_of
from tower_sync_server.releases.summary import lines_of
from tower_sync_server.releases.work import Wish

if TYPE_CHECKING:
    from pathlib import Path

    from tower_sync_server.releases.tuf_words import Root, Targets


def waiting(shop: Shop) -> str:
    return "\n".join(
        line for change, before in shop.repository().waiting() for line in lines_of(change, before)
    )


def begun(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path).begin_with_people()
    shop.repository("ann-root", "ben-root", "ann-targets", "ben-targets").sign()
    return shop


def test_the_first_change_says_everything(tmp_path: Path) -> None:
    said = waiting(Shop(tmp_path).begin_with_people())
    assert "root is signed by 2 of ann-root" in said
    assert "timestamp is signed by 1 of tower timestamp" in said
    assert "rollout.json is signed by 1 of tower rollout" in said


def test_a_change_says_what_is_new_changed_and_gone_and_nothing_else(tmp_path: Path) -> None:
    shop = begun(tmp_path)
    both = ("ann-targets", "ben-targets")
    for id in ("one", "two", "three"):
        shop.releases(*both).add(make_model(tmp_path / id, id=id), Wish())
    shop.releases().remove("one", "1.0.0")
    shop.releases().promote("two", None, Ring.ALL, step=False)
    shop.releases().add(make_model(tmp_path / "four", id="four"), Wish(notes="Knows rust."))
    said = waiting(shop)
    assert "offers one@1.0.0 no more" in said
    assert "changes two@1.0.0 up to ring canary" in said
    assert "to two@1.0.0 up to ring all" in said
    assert "offers four@1.0.0 up to ring canary" in said
    assert "'Knows rust.'" in said
    assert "three" not in said
    assert "rollout.json" not in said


def test_a_key_that_is_slipped_in_is_seen(tmp_path: Path) -> None:
    shop = begun(tmp_path)
    mallory = shop.person("mallory")

    def slip(root: Root, targets: Targets) -> None:
        there = list(edits.keys_of(root, targets, "targets").values())
        edits.set_keys(root, targets, "targets", [*there, mallory])
        edits.set_threshold(root, "targets", 1)

    shop.repository("ann-root").change_keys(slip)
    said = waiting(shop)
    assert "targets is signed by 1 of" in said
    assert "mallory" in said
    assert "(before: 2 of" in said


def test_a_renewal_says_that_nothing_else_changes(tmp_path: Path) -> None:
    shop = begun(tmp_path)
    shop.repository().change_offers(lambda _: None)
    assert "nothing else changes" in waiting(shop)


def test_a_name_can_not_rewrite_what_is_on_the_screen(tmp_path: Path) -> None:
    key = Shop(tmp_path).person("ann")
    key.unrecognized_fields["x-edgecase-name"] = "Ann\x1b[1A\x1b[2K\nnothing else changes"
    assert name_of(key).isprintable()

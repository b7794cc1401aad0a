from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiohttp import FormData

from edge.api import views
from edge.api.language import COOKIE, Languages, wishes
from edge.api.phrases import PHRASES, TEXTS
from edge.steps.decide import decide
from edge.steps.later_photos import with_later_photos
from edge.steps.primary import pick_primary
from edge.steps.shots import with_missing_shots
from edge.updates.status import UpdateStatus, in_words
from models.case import Decision, Outcome
from models.detection import Doubt, Prediction, Source
from models.image import read_header
from models.image_words import ImageFileError
from models.profile import load_all, shipped
from models.quality import Measures, Quality
from scripts.translating import catalogues, problems

if TYPE_CHECKING:
    from collections.abc import Iterator

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5", "Accept": "text/html"}


@pytest.fixture(scope="module")
def german():
    return Languages().of({}, "de")


def test_every_text_is_translated_and_compiled():
    assert catalogues()
    for path in catalogues():
        assert problems(path) == []


def test_a_missing_translation_is_found(tmp_path):
    (source,) = catalogues()
    copy = tmp_path / "de" / "LC_MESSAGES" / source.name
    copy.parent.mkdir(parents=True)
    copy.write_text(source.read_text().replace('msgstr "Brauchbar"', 'msgstr ""'))
    copy.with_suffix(".mo").write_bytes(source.with_suffix(".mo").read_bytes())
    assert "not translated: 'Usable'" in problems(copy)[0]
    assert "compiled from something else" in problems(copy)[-1]


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("de", ("de",)),
        ("en;q=0.4, de-CH ; q=0.8,*;q=0.1", ("de", "en")),
        ("de;q=0, fr", ("fr",)),
        ("", ()),
        (";;;,q=1,de;q=9,\x00", ()),
    ],
)
def test_the_browsers_wishes_are_read(accept, wanted):
    assert wishes(accept) == wanted


def test_a_persons_choice_goes_before_the_browsers():
    languages = Languages()
    assert languages.of({COOKIE: "en"}, "de").code == "en"
    assert languages.of({COOKIE: "xx"}, "de").code == "de"
    assert languages.of({}, "fr,ja").code == "en"


def _reasons():
    """Everything that `decide` can say, from inputs that make it say so."""
    shipped_profiles = load_all(shipped())
    car, skin = shipped_profiles["vehicle-damage"], shipped_profiles["skin"]
    good = Quality(Measures(300.0, 0.5, 0.2, 0.0, 0.0, 640, 480))
    seen = Prediction("paint_chip", 0.43, (0.0, 0.0, 9.0, 9.0), Source.DETECTOR)
    unshown = Prediction("dent", 0.2, (0.0, 0.0, 9.0, 9.0), Source.DETECTOR, shown=False)
    priceless = Prediction("hail", 0.9, (0.0, 0.0, 9.0, 9.0), Source.DETECTOR)
    watched = Prediction("melanoma", 0.95, (0.0, 0.0, 9.0, 9.0), Source.CLASSIFIER)
    doubts = [Doubt(0, ("minor", "severe")), Doubt(0), Doubt(None, ("minor", "severe")), Doubt()]
    yield from decide(good, [], True, [], car).reasons
    yield from decide(good, [], False, ["skin-lesion-classifier"], skin).reasons
    yield from decide(good, [unshown], False, [], car).reasons
    yield from decide(good, [seen, seen, priceless], False, [], car, [*doubts, *doubts[:2]]).reasons
    yield from decide(good, [seen], False, [], car).reasons
    yield from decide(good, [watched], False, [], skin).reasons
    accepted = Decision(Outcome.ACCEPTED)
    yield from with_missing_shots(accepted, [], skin).reasons
    yield from with_later_photos(accepted, [seen], [[priceless]]).reasons
    shop = shipped_profiles["product-catalog"]
    picked = pick_primary([seen], (640, 480), shop, {"title": "paint chip"})
    assert picked is not None
    yield picked.reason


def test_every_reason_is_said_in_german(german):
    reasons = list(_reasons())
    assert len(reasons) > 10
    for reason in reasons:
        said = german.say(reason)
        assert said != reason, reason
        assert not re.search(r"\b(the|is|not|with)\b", said), said


def test_a_label_is_quoted_as_the_language_does(german):
    said = views.readable(german.say, "photo 2 shows 'broken_lamp', which photo 1 does not")
    assert said == "Foto 2 zeigt „defekte Leuchte“, Foto 1 nicht"
    english = "the severity of 'rust' can't be told, it isn't 'paint_chip'"
    assert views.unquoted(english) == "the severity of “rust” can't be told, it isn't “paint chip”"


ROOT = Path(__file__).parents[3]
PART = re.compile(r"\{\w+\}|(?= \()")
NOT_OURS = {"Not Found."}
"""Said by aiohttp."""


def literals(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_phrase_is_one_that_the_device_says():
    files = [path for root in ("edge", "models", "sync") for path in (ROOT / root).rglob("*.py")]
    said = [
        text for path in files if path.name != "phrases.py" for text in literals(path.read_text())
    ]
    said += [path.read_text() for path in (ROOT / "models").rglob("*.toml")]
    everything = "\n".join(said)
    for text in {*PHRASES, *TEXTS} - NOT_OURS:
        for part in PART.split(text):
            assert part.strip("' ") in everything, text


@pytest.mark.parametrize(
    ("english", "said"),
    [
        ("The camera is down: /dev/video0 gave no frame.",
         "Die Kamera ist ausgefallen: /dev/video0 gab kein Bild."),
        ("The camera is down: it is being opened.",
         "Die Kamera ist ausgefallen: sie wird gerade geöffnet."),
        ("the PNG is damaged: a checksum is wrong",
         "das PNG ist beschädigt: eine Prüfsumme stimmt nicht"),
        ("The folder /srv/my_photos can't be read: No such file.",
         "Der Ordner /srv/my_photos lässt sich nicht lesen: No such file."),
        ("No tower is set (sync.host).", "Es ist kein Turm eingestellt (sync.host)."),
        ("The tower refused something: lost: the photo can't be read",
         "Der Turm hat etwas abgelehnt: verloren: das Foto lässt sich nicht lesen"),
        ("{label} is no phrase", "{label} is no phrase"),
    ],
)  # fmt: skip
def test_a_phrase_in_a_phrase_is_said_in_german_too(german, english, said):
    assert german.say(english) == said


def test_what_the_updater_does_is_said_in_german(german):
    for phase in ("fetching", "shadow", "probation"):
        words = in_words(UpdateStatus(phase, "m@1.0.0", 1, 2))
        assert german.say(words) != words


def test_a_file_that_is_no_picture_is_refused_in_german(german):
    for file in (b"", b"hello", b"\xff\xd8\xff\xe0\x00\x10JFIF"):
        with pytest.raises(ImageFileError) as refused:
            read_header(file)
        assert german.say(refused.value.message) != refused.value.message
        assert german.say(refused.value.hint) != refused.value.hint


def test_a_label_in_a_reason_is_translated_too(german):
    reason = "the confidence of 'paint_chip', 0.43, is below the threshold 0.50"
    assert (
        views.readable(german.say, reason)
        == "Die Sicherheit von „Lackabplatzer“, 0.43, liegt unter der Schwelle 0.50"
    )


def test_of_two_phrases_that_fit_the_one_that_says_more_is_taken(german):
    reason = "the confidence of 'crack', 0.44, is below the threshold 0.50 (2 of 4 are below it)"
    assert "(2 von 4 liegen darunter)" in german.say(reason)


def test_what_nobody_translated_stays_as_it_is(german):
    assert german.say("Ulm {plate} %(x)s") == "Ulm {plate} %(x)s"
    assert german.say("") == ""


async def test_a_page_speaks_the_browsers_language(client):
    answer = await client.get("/", headers=GERMAN)
    page = await answer.text()
    assert '<html lang="de">' in page
    assert "Foto aufnehmen" in page
    assert "Fahrzeugschaden" in page
    assert "Take a photo" not in page
    assert answer.headers["Content-Language"] == "de"
    assert "Accept-Language" in answer.headers["Vary"]


async def test_a_verdict_is_given_in_german(client, upload):
    answer = await client.post(
        "/page/check", data=upload(), headers={**GERMAN, "HX-Request": "true"}
    )
    page = await answer.text()
    for part in ("Brauchbar", "Delle, Kratzer", "Kostenschätzung", "Kennzeichen", "Als Fall"):
        assert part in page, part


async def test_an_error_is_said_in_german_on_a_page_and_in_english_to_programs(client):
    page = await (await client.get("/history/nothing", headers=GERMAN)).text()
    assert "Diesen Fall gibt es nicht." in page
    answer = await client.get("/cases/nothing", headers={"Accept-Language": "de"})
    assert (await answer.json())["error"]["message"] == "There is no such case."


async def test_a_person_chooses_and_comes_back_to_the_page(client):
    data = FormData({"language": "de", "back": "/history?q=x"}, default_to_multipart=True)
    answer = await client.post("/language", data=data, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/history?q=x")
    assert "Verlauf" in await (await client.get("/history", headers={"Accept": "text/html"})).text()


async def test_the_way_back_is_to_the_very_page_with_what_it_was_asked_for(client):
    page = await (await client.get("/history?q=T%C3%BCr&status=", headers=GERMAN)).text()
    assert 'name="back" value="/history?q=T%C3%BCr&amp;status="' in page


@pytest.mark.parametrize("back", ["//evil.example", "/\\evil.example", "https://evil.example", "x"])
async def test_a_choice_never_leads_away_from_the_device(client, back):
    data = FormData({"language": "de", "back": back}, default_to_multipart=True)
    answer = await client.post("/language", data=data, allow_redirects=False)
    assert answer.status == 422


async def test_a_language_that_nobody_speaks_is_refused_with_those_that_are(client):
    data = FormData({"language": "tlh"}, default_to_multipart=True)
    answer = await client.post("/language", data=data, allow_redirects=False)
    assert answer.status == 404
    assert (await answer.json())["error"]["hint"] == "Known are: en, de."

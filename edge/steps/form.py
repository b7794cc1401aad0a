"""What a person typed → the case's form: checked against the profile's fields, cleaned, bounded.

Form values are data. Nothing downstream reads a label, a grade, a price or a route out of them.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from typing import TYPE_CHECKING, Any

from edge.errors import BadFormError
from models.profile import FieldKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from models.case import FormValue
    from models.profile import FormField, Profile

MAX_FIELDS = 32
MAX_BYTES = 10_000
"""Of all keys and values together, as UTF-8."""
MAX_INTEGER = 2**53
"""Beyond it JSON's readers disagree."""
JOINERS = "\u200c\u200d"
"""Invisible and yet letters of a word in Persian, Hindi and others."""
TRUE = ("true", "1", "yes", "on")
FALSE = ("false", "0", "no", "off", "")


def validate_form(
    given: Mapping[str, Any], profile: Profile, complete: bool = True
) -> dict[str, FormValue]:
    """Check a form and clean its values.

    Args:
        given: as JSON or as the text of a multipart body: numbers and flags may come as text.
        profile: whose `form` says what is asked.
        complete: False where nobody can fill in what is required: a camera's own photo, or a photo
            that is only checked.

    Returns:
        Field → value, in the profile's order, without the empty ones.

    Raises:
        BadFormError: an unknown key (the hint names the nearest), a value of the wrong kind or
            out of its range, a required one that is missing, or more than the limits allow.
    """
    _limit(given)
    fields = {field.name: field for field in profile.form}
    for key in given:
        if key not in fields:
            raise _unknown(key, fields)
    values = {name: _value(field, given.get(name)) for name, field in fields.items()}
    absent = [f.label for f in profile.form if f.required and values[f.name] is None]
    if complete and absent:
        raise BadFormError(f"missing: {', '.join(absent)}", "Fill it in and send it again.")
    return {name: value for name, value in values.items() if value is not None}


def clean(text: str) -> str:
    """Remove control, direction and other invisible characters; keep line breaks and joiners."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    kept = (c for c in lines if c in f"\n{JOINERS}" or not _invisible(c))
    return unicodedata.normalize("NFC", "".join(kept)).strip()


def _invisible(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _limit(given: Mapping[str, Any]) -> None:
    if len(given) > MAX_FIELDS:
        raise BadFormError(f"{len(given)} fields", f"A form has at most {MAX_FIELDS}.")
    texts = [text for pair in given.items() for text in pair if isinstance(text, str)]
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    if size > MAX_BYTES:
        raise BadFormError(f"{size} bytes of text", f"A form holds at most {MAX_BYTES}.")


def _unknown(key: str, fields: Mapping[str, FormField]) -> BadFormError:
    nearest = difflib.get_close_matches(key[:80], fields, n=1, cutoff=0.5)
    known = f"Did you mean '{nearest[0]}'?" if nearest else f"Known fields: {', '.join(fields)}."
    return BadFormError(f"the form has no field {_quote(key)}", known if fields else "It has none.")


def _quote(value: object) -> str:
    """A value for a message: printable ASCII, at most 40 characters."""
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        return "a very large number"
    text = ascii(value)
    return text if len(text) <= 40 else text[:37] + "…"


def _value(field: FormField, given: Any) -> FormValue:
    if given is None:
        return None
    readers: dict[FieldKind, Callable[[FormField, Any], FormValue]] = {
        FieldKind.TEXT: _text,
        FieldKind.INTEGER: _integer,
        FieldKind.NUMBER: _number,
        FieldKind.CHOICE: _choice,
        FieldKind.FLAG: _flag,
    }
    if isinstance(given, str):
        given = clean(given)
        if not given:
            return None
    return readers[field.kind](field, given)


def _wrong(field: FormField, given: object, expected: str) -> BadFormError:
    return BadFormError(f"{field.name}: {_quote(given)}", f"'{field.label}' takes {expected}.")


def _text(field: FormField, given: Any) -> str:
    if isinstance(given, bool) or not isinstance(given, (str, int, float)):
        raise _wrong(field, given, "text")
    text = given if isinstance(given, str) else str(_in_range(field, given))
    if len(text) > field.max_length:
        raise BadFormError(
            f"{field.name}: {len(text)} characters",
            f"'{field.label}' takes at most {field.max_length}.",
        )
    return text


def _integer(field: FormField, given: Any) -> int:
    if isinstance(given, str) and re.fullmatch(r"[+-]?[0-9]{1,16}", given):
        given = int(given)
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int):
        raise _wrong(field, given, "a whole number")
    return int(_in_range(field, given))


def _number(field: FormField, given: Any) -> float:
    if isinstance(given, str) and re.fullmatch(r"[+-]?[0-9]{1,16}([.,][0-9]{1,9})?", given):
        given = float(given.replace(",", "."))
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise _wrong(field, given, "a number")
    return float(_in_range(field, given))


def _in_range(field: FormField, given: float) -> float:
    low = -MAX_INTEGER if field.minimum is None else field.minimum
    high = MAX_INTEGER if field.maximum is None else field.maximum
    if not low <= given <= high:  # false for NaN and the infinities too
        raise _wrong(field, given, f"a number from {low:.16g} to {high:.16g}")
    return given


def _choice(field: FormField, given: Any) -> str:
    if given not in field.choices:
        raise _wrong(field, given, f"one of: {', '.join(field.choices)}")
    return str(given)


def _flag(field: FormField, given: Any) -> bool:
    if isinstance(given, bool):
        return given
    if isinstance(given, str) and given.casefold() in (*TRUE, *FALSE):
        return given.casefold() in TRUE
    raise _wrong(field, given, "yes or no")

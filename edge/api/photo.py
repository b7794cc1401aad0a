"""How requests carry photos: the part that /check-image, /cases and /yolo share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from edge.api.operation import JSON, MULTIPART
from edge.api.validate import checked, form_values, json_object, parse_object
from edge.errors import BadFieldError
from edge.pipeline import Submission
from models.case import FormValue

if TYPE_CHECKING:
    from aiohttp import web

    from edge.api.upload import Upload

RAW_TYPES = (
    *("image/jpeg", "image/png", "image/webp", "image/heic", "image/heif"),
    *("image/jpg", "application/octet-stream"),  # as many programs send any photo
)
"""Of a body that is the photo itself; which format it really has is read from the bytes."""
BINARY = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
PROFILE = {"type": "string", "description": "Which profile judges it; the device's own by default."}
FORM_TEXT = {
    "type": "string",
    "contentMediaType": "application/json",
    "description": "The profile's form as a JSON object.",
}

Name = Annotated[str, Field(min_length=1, max_length=128)]


def photo_body(properties: Mapping[str, Any], *, image_required: bool = True) -> dict[str, Any]:
    """The bodies of an operation that takes a photo: multipart, or the photo itself."""
    multipart = {
        "type": "object",
        "properties": {"image": {**BINARY, "description": "The photo."}, **properties},
        "required": ["image"] if image_required else [],
    }
    raw = {**BINARY, "description": "The photo itself; the other fields go into the query."}
    bodies: dict[str, Any] = {MULTIPART: multipart}
    bodies.update(dict.fromkeys(RAW_TYPES, raw))
    return bodies


def form_of(upload: Upload) -> dict[str, FormValue]:
    """The form of an upload.

    Raises:
        BadRequestError, BadFieldError: it is no JSON object of plain values.
    """
    text = upload.one("form")
    return form_values(parse_object(text, "form")) if text else {}


def refuse_others(upload: Upload, known: tuple[str, ...]) -> None:
    """Refuse fields that nobody reads: a misspelt one would be lost silently.

    Raises:
        BadFieldError: naming it.
    """
    for name in upload.fields:
        if name not in known:
            raise BadFieldError(f"{name[:64]}: no such field", f"Known: image, {', '.join(known)}.")


class Staged(BaseModel):
    """A photo that was checked before."""

    model_config = ConfigDict(extra="forbid", strict=True)

    image_id: Name = Field(description="What /check-image gave for it.")
    shot: str = Field("", max_length=64, description="Which shot of the profile's checklist.")


class KeepBody(BaseModel):
    """A case from photos that were checked before."""

    model_config = ConfigDict(extra="forbid", strict=True)

    image_id: Name | None = Field(None, description="What /check-image gave for the photo.")
    images: Annotated[list[Staged], Field(max_length=8)] = Field(
        default=[], description="Instead of `image_id`, where the case has several photos."
    )
    profile: Name | None = Field(None, description="By default the one it was checked with.")
    form: dict[str, Any] = Field(
        default={},
        description="The profile's form.",
        json_schema_extra={
            "additionalProperties": {
                "anyOf": [{"type": kind} for kind in ("string", "number", "boolean", "null")]
            }
        },
    )
    device: str = Field("", max_length=64, description="Who took it, where not this device.")


@dataclass(frozen=True, slots=True)
class KeepRequest:
    """What is to become a case."""

    submissions: tuple[Submission, ...]
    """The photos; the first is the one it is judged by."""
    profile: str | None = None
    """Whose rules."""
    form: Mapping[str, FormValue] = field(default_factory=dict)
    """What a person typed."""
    device: str = ""
    """Who took it; "" for this device."""


async def keep_from_json(request: web.Request) -> KeepRequest:
    """Read a case that is made of checked photos.

    Raises:
        BadRequestError, BadFieldError: something is missing or wrong.
    """
    body = checked(KeepBody, await json_object(request))
    if (body.image_id is None) == (not body.images):
        raise BadFieldError("image_id: exactly one of image_id and images is needed")
    staged = body.images or [Staged(image_id=body.image_id or "")]
    submissions = tuple(Submission(image_id=each.image_id, shot=each.shot) for each in staged)
    return KeepRequest(submissions, body.profile, form_values(body.form), body.device)


def keep_from_upload(upload: Upload) -> KeepRequest:
    """Read a case from an upload: `image` or `image_id`, each as often as there are photos.

    Raises:
        BadRequestError, BadFieldError: something is missing or wrong.
    """
    refuse_others(upload, ("image_id", "shot", "profile", "form", "device"))
    ids = tuple(text for text in upload.fields.get("image_id", ()) if text)
    if bool(ids) == bool(upload.images):
        raise BadFieldError("image: exactly one of image and image_id is needed")
    shots = (*upload.fields.get("shot", ()), *[""] * (len(ids) + len(upload.images)))
    submissions = (
        tuple(Submission(image_id=text, shot=shot) for text, shot in zip(ids, shots, strict=False))
        if ids
        else tuple(
            Submission(photo=data, shot=shot)
            for data, shot in zip(upload.images, shots, strict=False)
        )
    )
    device = upload.one("device") or ""
    if len(device) > 64 or any(len(shot) > 64 for shot in shots):
        raise BadFieldError("device, shot: longer than 64 characters")
    return KeepRequest(submissions, upload.one("profile"), form_of(upload), device)


KEEP_BODY = {
    **photo_body(
        {
            "image_id": {"type": "string", "description": "Instead of `image`: a checked photo."},
            "shot": {"type": "string", "maxLength": 64},
            "profile": PROFILE,
            "form": FORM_TEXT,
            "device": {"type": "string", "maxLength": 64},
        },
        image_required=False,
    ),
    JSON: KeepBody,
}

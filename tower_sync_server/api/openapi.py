"""The OpenAPI document: the table of routes, with what each takes and gives."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter

from tower_sync_server.api.cases import DeviceQuery, ImageQuery, ListQuery
from tower_sync_server.api.health import Health
from tower_sync_server.api.routes import RULES
from tower_sync_server.api.sign_in import NewPassword, SignIn
from tower_sync_server.api.users import AuditQuery, GivenPassword, NewRole, NewUser
from tower_sync_server.archive.history import History
from tower_sync_server.archive.listing import DeviceRow, Receipt
from tower_sync_server.people.words import Entry, User

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tower_sync_server.api.routes import Rule

REF = "#/components/schemas/{model}"
Key = tuple[str, str]

TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "integer"}
CURSOR: dict[str, Any] = {"type": ["string", "null"]}
CASE = {"$ref": REF.format(model="Case")}
ERROR = {"$ref": REF.format(model="Error")}
SESSION = {"$ref": REF.format(model="Session")}
DEFINED: Mapping[str, dict[str, Any]] = {
    "Case": {
        "type": "object",
        "description": "As its device sent it; `archive` is what the tower says about it.",
        "properties": {"archive": {"$ref": REF.format(model="Receipt")}},
        "required": ["archive"],
    },
    "Error": {
        "type": "object",
        "properties": {
            "error": {
                "type": "object",
                "properties": {"code": TEXT, "message": TEXT, "hint": TEXT},
                "required": ["code", "message", "hint"],
            }
        },
        "required": ["error"],
    },
    "Session": {
        "type": "object",
        "properties": {"user": TEXT, "role": TEXT, "kind": TEXT},
        "required": ["user", "role", "kind"],
    },
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a route takes and gives."""

    status: int = 200
    """Of the answer, where all is well."""
    reply: Any = None
    """A dataclass, a schema as a mapping, or None: no body."""
    media_type: str = "application/json"
    """Of that body."""
    query: type[BaseModel] | None = None
    """The query's parameters."""
    body: type[BaseModel] | None = None
    """The body, as JSON. Pages send forms."""
    others: tuple[int, ...] = field(default=())
    """Errors that are its own."""


def several(name: str, item: Any, end: Any = CURSOR) -> dict[str, Any]:
    """The schema of a page of a list."""
    listed = {"type": "array", "items": item}
    return {"type": "object", "properties": {name: listed, "next": end}, "required": [name]}


def named(word: type[Any]) -> dict[str, Any]:
    """A reference to the schema of a word."""
    return {"$ref": REF.format(model=word.__name__)}


UPLOADED = {
    "type": "object",
    "description": "What became of each case of a tar of an archive, or of one sent as a form with"
    " the parts device, case, image, thumb.",
    "properties": {"device": TEXT, "stored": NUMBER, "already": NUMBER, "rejected": NUMBER},
}
FILE = {"type": "string", "contentMediaType": "application/octet-stream"}
PICTURE = {"type": "string", "contentMediaType": "image/jpeg"}
SHAPES: Mapping[Key, Shape] = {
    ("GET", "/ping"): Shape(reply={"type": "object"}),
    ("GET", "/health"): Shape(reply=named(Health), others=(503,)),
    ("GET", "/metrics"): Shape(reply=TEXT, media_type="text/plain"),
    ("GET", "/docs"): Shape(reply=TEXT, media_type="text/html"),
    ("GET", "/openapi.json"): Shape(reply={"type": "object"}),
    ("GET", "/releases/metadata/{name}"): Shape(reply={"type": "object"}),
    ("GET", "/releases/targets/{path}"): Shape(reply=FILE, media_type="application/octet-stream"),
    ("GET", "/sign-in"): Shape(reply=TEXT, media_type="text/html"),
    ("POST", "/sign-in"): Shape(reply=SESSION, body=SignIn, others=(401, 429, 503)),
    ("POST", "/sign-out"): Shape(204),
    ("GET", "/session"): Shape(reply=SESSION),
    ("POST", "/session/password"): Shape(204, body=NewPassword, others=(429,)),
    ("GET", "/cases"): Shape(reply=several("cases", CASE), query=ListQuery),
    ("POST", "/cases"): Shape(reply=UPLOADED, others=(413, 415, 422, 503, 507)),
    ("GET", "/cases/{id}"): Shape(reply=CASE, query=DeviceQuery, others=(409,)),
    ("GET", "/cases/{id}/image"): Shape(
        reply=PICTURE, media_type="image/*", query=ImageQuery, others=(409,)
    ),
    ("GET", "/cases/{id}/history"): Shape(reply=named(History), query=DeviceQuery, others=(409,)),
    ("DELETE", "/cases/{id}"): Shape(reply=CASE, query=DeviceQuery, others=(409,)),
    ("POST", "/cases/{id}/restore"): Shape(reply=CASE, query=DeviceQuery, others=(409,)),
    ("POST", "/cases/{id}/purge"): Shape(204, query=DeviceQuery, others=(409,)),
    ("GET", "/devices"): Shape(reply=several("devices", named(DeviceRow))),
    ("GET", "/users"): Shape(reply=several("users", named(User))),
    ("POST", "/users"): Shape(201, reply=named(User), body=NewUser, others=(409,)),
    ("DELETE", "/users/{name}"): Shape(204, others=(409,)),
    ("POST", "/users/{name}/role"): Shape(204, body=NewRole, others=(409,)),
    ("POST", "/users/{name}/password"): Shape(204, body=GivenPassword),
    ("GET", "/audit"): Shape(
        reply=several("audit", named(Entry), {"type": ["integer", "null"]}), query=AuditQuery
    ),
}
"""Of the routes that the document describes: all but pages."""

ERRORS: Mapping[int, str] = {
    400: "The request is malformed.",
    401: "Nobody is signed in, or the name or the password is wrong.",
    403: "Whoever is signed in may not do this, or the page it comes from may not.",
    404: "There is no such thing (any more).",
    409: "It can't be done as things are.",
    413: "More bytes than are taken at once.",
    415: "The body comes as something this does not take.",
    421: "The tower has another name.",
    422: "A value is wrong; the message names it.",
    429: "Too many wrong tries: Retry-After says how long to wait.",
    503: "Not now: try again.",
    507: "The tower's disk is full.",
}


def document(version: str) -> dict[str, Any]:
    """The document of this version of the program."""
    schemas = dict(DEFINED)
    for word in (Health, Receipt, DeviceRow, History, User, Entry):
        _add(schemas, word.__name__, TypeAdapter(word).json_schema(**_MODE))
    paths: dict[str, Any] = {}
    for (method, path), rule in RULES.items():
        if rule.summary and (method, path) in SHAPES:
            shape = SHAPES[method, path]
            paths.setdefault(path, {})[method.lower()] = _operation(
                method, path, rule, shape, schemas
            )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "EdgeCase on the tower",
            "version": version,
            "description": "Cases of a fleet: shown, deleted, restored; devices; people.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "edgecase_tower"},
            },
        },
    }


_MODE: Any = {"mode": "serialization", "ref_template": REF}


def _add(schemas: dict[str, Any], name: str, schema: dict[str, Any]) -> None:
    for inner, found in schema.pop("$defs", {}).items():
        schemas.setdefault(inner, found)
    schemas[name] = schema


def _operation(
    method: str, path: str, rule: Rule, shape: Shape, schemas: dict[str, Any]
) -> dict[str, Any]:
    doc: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{method} {path}").strip("_").lower(),
        "summary": rule.summary,
        "parameters": _parameters(path, shape),
        "responses": _replies(path, rule, shape),
    }
    if rule.role is None:
        doc["description"] = "For everybody."
        doc["security"] = []
    else:
        doc["description"] = f"For the role {rule.role.value}, or a higher one."
        doc["security"] = [{"bearer": []}, {"cookie": []}]
    if shape.body is not None:
        name = shape.body.__name__
        _add(schemas, name, shape.body.model_json_schema(ref_template=REF))
        content = {"application/json": {"schema": {"$ref": REF.format(model=name)}}}
        doc["requestBody"] = {"required": True, "content": content}
    return doc


def _parameters(path: str, shape: Shape) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in re.findall(r"{(\w+)", path):
        schema = {"type": "string", **({"format": "uuid"} if name == "id" else {})}
        found.append({"name": name, "in": "path", "required": True, "schema": schema})
    properties = {} if shape.query is None else shape.query.model_json_schema()["properties"]
    for name, given in properties.items():
        item = {key: value for key, value in given.items() if key not in ("title", "default")}
        options = [each for each in item.pop("anyOf", []) if each != {"type": "null"}]
        text = item.pop("description", "")
        parameter = {"name": name, "in": "query", "required": False}
        parameter["schema"] = options[0] if len(options) == 1 else item
        found.append({**parameter, "description": text} if text else parameter)
    return found


def _replies(path: str, rule: Rule, shape: Shape) -> dict[str, Any]:
    statuses = {400, 421, *shape.others}
    statuses |= {401, 403} if rule.role is not None else set()
    statuses |= {404} if "{" in path else set()
    statuses |= {422} if shape.query is not None or shape.body is not None else set()
    statuses |= {415} if shape.body is not None else set()
    content = {"application/json": {"schema": ERROR}}
    found = {str(s): {"description": ERRORS[s], "content": content} for s in statuses}
    found["default"] = {"description": "Whatever else goes wrong.", "content": content}
    good: dict[str, Any] = {"description": "It is done." if shape.reply is None else "Here it is."}
    if shape.reply is not None:
        good["content"] = {shape.media_type: {"schema": shape.reply}}
    found[str(shape.status)] = good
    return dict(sorted(found.items()))

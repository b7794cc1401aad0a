"""The OpenAPI document, made from the operations that the routes were made from."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, TypeAdapter

from edge.api import answers
from edge.api.operation import JSON
from models import case, detection, facts, quality

if TYPE_CHECKING:
    from edge.api.operation import Operation, Reply

REF = "#/components/schemas/{model}"
SHARED_ERRORS = {
    400: "The request is malformed.",
    401: "A token is needed.",
    403: "The token, or the page it comes from, may not do this.",
    404: "There is no such thing (any more).",
    413: "The body is over the limit.",
    415: "The body comes as something this does not take.",
    421: "The device has another name.",
    422: "A value is wrong; the message names it.",
    429: "Too many requests.",
    503: "Not now: try again.",
    507: "The disk is full; nothing was stored.",
}
"""What any operation may answer, and why."""
SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token of this device."},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "edgecase_token"},
}


class Schemas:
    """Collects the schemas that the document refers to."""

    def __init__(self) -> None:
        """Begin with none."""
        self.components: dict[str, Any] = {}
        self._words = _dataclasses()

    def of(self, shape: Any, mode: Literal["validation", "serialization"]) -> dict[str, Any]:
        """The schema of a dataclass, a pydantic model, or one that is given as a mapping."""
        if isinstance(shape, Mapping):
            return dict(shape)
        schema = TypeAdapter(shape).json_schema(mode=mode, ref_template=REF)
        found = schema.pop("$defs", {})
        name = getattr(shape, "__name__", "")
        if name and "properties" in schema:
            found[name] = schema
            schema = {"$ref": REF.format(model=name)}
        for key, value in found.items():
            self.components.setdefault(key, self._explained(key, value))
        return schema

    def _explained(self, name: str, schema: dict[str, Any]) -> dict[str, Any]:
        word = self._words.get(name)
        if word is None or "properties" not in schema:
            return schema
        schema.setdefault("description", inspect.getdoc(word) or "")
        schema.setdefault("additionalProperties", False)
        for field, text in field_docs(word).items():
            if field in schema["properties"]:
                schema["properties"][field].setdefault("description", text)
        return schema


def document(operations: tuple[Operation, ...], version: str, *, tokens: bool) -> dict[str, Any]:
    """The document for these operations; `tokens` says whether they ask for one."""
    schemas = Schemas()
    paths: dict[str, Any] = {}
    error = {JSON: {"schema": schemas.of(answers.Error, "serialization")}}
    for op in operations:
        paths.setdefault(op.address, {})[op.method.lower()] = _operation(op, schemas, error, tokens)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "EdgeCase on the device",
            "version": version,
            "description": "A photo goes in; a verdict, boxes, words and a durable case come out.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.components.items())),
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _operation(
    op: Operation, schemas: Schemas, error: dict[str, Any], tokens: bool
) -> dict[str, Any]:
    doc: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{op.method} {op.address}").strip("_").lower(),
        "summary": op.summary,
        "tags": [op.tag],
        "parameters": _parameters(op, schemas),
        "responses": _replies(op, schemas, error),
    }
    if op.body:
        content = {kind: {"schema": schemas.of(s, "validation")} for kind, s in op.body.items()}
        doc["requestBody"] = {"required": True, "content": content}
    if op.scope is not None:
        doc["description"] = f"Needs the scope `{op.scope.value}` where the device asks for tokens."
        doc["security"] = [{"bearer": []}, {"cookie": []}, *([] if tokens else [{}])]
    return doc


def _parameters(op: Operation, schemas: Schemas) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in re.findall(r"{(\w+)", op.path):
        schema = {"type": "string", **({"format": "uuid"} if name == "id" else {})}
        found.append({"name": name, "in": "path", "required": True, "schema": schema})
    if op.query is not None:
        found += _query(op.query, schemas)
    for name, text in op.headers.items():
        text_schema = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"}
        found.append({"name": name, "in": "header", "description": text, "schema": text_schema})
    return found


def _query(model: type[BaseModel], schemas: Schemas) -> list[dict[str, Any]]:
    schema = model.model_json_schema(ref_template=REF)
    schemas.components.update(schema.get("$defs", {}))
    found = []
    for name, given in schema["properties"].items():
        item = {key: value for key, value in given.items() if key not in ("title", "default")}
        options = [each for each in item.pop("anyOf", []) if each != {"type": "null"}]
        text = item.pop("description", "")
        shown = options[0] if len(options) == 1 else item  # absent, never null, in a query
        required = name in schema.get("required", ())
        parameter = {"name": name, "in": "query", "required": required, "schema": shown}
        found.append({**parameter, "description": text} if text else parameter)
    return found


def _replies(op: Operation, schemas: Schemas, error: dict[str, Any]) -> dict[str, Any]:
    found = {str(status): _reply(reply, schemas) for status, reply in op.replies.items()}
    for status in _errors_of(op):
        found.setdefault(str(status), {"description": SHARED_ERRORS[status], "content": error})
    found["default"] = {"description": "Whatever else goes wrong.", "content": error}
    return dict(sorted(found.items()))


def _reply(reply: Reply, schemas: Schemas) -> dict[str, Any]:
    if not reply.media_type:
        return {"description": reply.description}
    shape = reply.schema if reply.schema is not None else {"type": "string"}
    content = {reply.media_type: {"schema": schemas.of(shape, "serialization")}}
    return {"description": reply.description, "content": content}


def _errors_of(op: Operation) -> list[int]:
    found = [400, 421]
    found += [401, 403] if op.scope is not None else []
    found += [404] if "{" in op.path else []
    found += [422] if op.query is not None or op.body else []
    found += [413, 415] if op.body else []
    found += [403, 429] if op.method != "GET" else []
    found += [503, 507] if op.changes or op.body else []
    return sorted(set(found))


def field_docs(word: type[Any]) -> dict[str, str]:
    """The docstring line under each field of a dataclass, from its source."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(word))).body[0]
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    found = {}
    for field, after in zip(body, body[1:], strict=False):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[field.target.id] = inspect.cleandoc(str(after.value.value))
    return found


def _dataclasses() -> dict[str, type[Any]]:
    modules = (answers, case, detection, facts, quality)
    return {
        name: value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type) and is_dataclass(value)
    }

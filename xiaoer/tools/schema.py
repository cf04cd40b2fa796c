"""A JSON schema compiled once to a check that costs microseconds.

The `jsonschema` package takes 1.5 ms to check one tracked order, several times what the order itself
costs. Our shapes use a small part of JSON schema, which pydantic's own validator checks in about a
hundredth of that; a schema with anything else in it falls back to `jsonschema`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import CoreSchema, SchemaValidator, core_schema

Check = Callable[[Any], bool]

_NOTES = frozenset({"title", "description", "default", "examples", "$defs", "$schema"})


class _Beyond(Exception):
    """The schema says something that the fast way does not know."""


def compile_schema(schema: Mapping[str, Any]) -> Check:
    """A function that says whether a value fits the schema; never raises."""
    try:
        validator = SchemaValidator(_whole(schema))
    except _Beyond:
        return _slow(schema)
    return validator.isinstance_python


def _slow(schema: Mapping[str, Any]) -> Check:
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # comes with mcp, no stubs

    check: Check = Draft202012Validator(dict(schema)).is_valid
    return check


def _whole(schema: Mapping[str, Any]) -> CoreSchema:
    named = [_part(part, ref=f"#/$defs/{name}") for name, part in schema.get("$defs", {}).items()]
    return core_schema.definitions_schema(_part(schema), named)


def _part(schema: Any, ref: str | None = None) -> CoreSchema:
    if schema is True or schema == {}:
        return core_schema.any_schema(ref=ref)
    if not isinstance(schema, Mapping):
        raise _Beyond
    said = {key: value for key, value in schema.items() if key not in _NOTES}
    kind = said.pop("type", None) or next((word for word in _UNTYPED if word in said), "any")
    maker = _MAKERS.get(kind) if isinstance(kind, str) else None
    if maker is None:
        raise _Beyond
    made: Any = maker(said)
    if said:
        raise _Beyond  # the makers take what they understand out
    if ref is not None:
        made["ref"] = ref
    checked: CoreSchema = made
    return checked


def _string(said: dict[str, Any]) -> Any:
    low, high = said.pop("minLength", None), said.pop("maxLength", None)
    return core_schema.str_schema(strict=True, min_length=low, max_length=high)


def _integer(said: dict[str, Any]) -> Any:
    low, high = said.pop("minimum", None), said.pop("maximum", None)
    return core_schema.int_schema(strict=True, ge=low, le=high)


def _number(said: dict[str, Any]) -> Any:
    low, high = said.pop("minimum", None), said.pop("maximum", None)
    return core_schema.float_schema(strict=True, ge=low, le=high)


def _array(said: dict[str, Any]) -> Any:
    low, high = said.pop("minItems", None), said.pop("maxItems", None)
    items = _part(said.pop("items", True))
    return core_schema.list_schema(items, strict=True, min_length=low, max_length=high)


def _object(said: dict[str, Any]) -> Any:
    extra = said.pop("additionalProperties", True)
    required = said.pop("required", [])
    properties = said.pop("properties", {})
    if not properties and extra is not False:
        return core_schema.dict_schema(core_schema.str_schema(), _part(extra), strict=True)
    if extra not in (True, False) or set(required) - set(properties):
        raise _Beyond
    fields = {
        name: core_schema.typed_dict_field(_part(part), required=name in required)
        for name, part in properties.items()
    }
    return core_schema.typed_dict_schema(fields, strict=True, extra_behavior="allow" if extra else "forbid")


def _any_of(said: dict[str, Any]) -> Any:
    return core_schema.union_schema([_part(part) for part in said.pop("anyOf")], mode="left_to_right")


def _reference(said: dict[str, Any]) -> Any:
    return core_schema.definition_reference_schema(said.pop("$ref"))


def _words(said: dict[str, Any]) -> Any:
    return core_schema.literal_schema(said.pop("enum"))


_UNTYPED = ("anyOf", "$ref", "enum")
_MAKERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": lambda said: core_schema.bool_schema(strict=True),
    "null": lambda said: core_schema.none_schema(),
    "array": _array,
    "object": _object,
    "anyOf": _any_of,
    "$ref": _reference,
    "enum": _words,
    "any": lambda said: core_schema.any_schema(),
}

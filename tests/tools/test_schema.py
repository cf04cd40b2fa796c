"""The fast check says what `jsonschema` says, for the schemas that servers publish."""

from __future__ import annotations

import copy
import functools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from xiaoer.mcp_servers import shapes
from xiaoer.mcp_servers.toolkit import plain_schema
from xiaoer.tools.schema import Check, compile_schema

SHAPES = [
    kind
    for kind in vars(shapes).values()
    if isinstance(kind, type) and issubclass(kind, shapes.Shape) and kind is not shapes.Shape
]


@functools.cache
def _checks(shape: type[BaseModel]) -> tuple[Check, Check]:
    schema = plain_schema(shape.model_json_schema())
    return compile_schema(schema), Draft202012Validator(schema).is_valid


def _values(schema: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return _values(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
    if "anyOf" in schema:
        return st.one_of([_values(part, root) for part in schema["anyOf"]])
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        required = {k: _values(v, root) for k, v in schema["properties"].items()}
        return st.fixed_dictionaries(required)
    if kind == "object":
        extra = schema.get("additionalProperties")
        inner = _values(extra, root) if isinstance(extra, dict) else st.integers()
        return st.dictionaries(st.text(max_size=3), inner, max_size=2)
    if kind == "array":
        return st.lists(_values(schema.get("items", {}), root), max_size=2)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        "string": st.text(min_size=1, max_size=5),
        "integer": st.integers(1, 999),
        "number": st.floats(allow_nan=False, allow_infinity=False),
        "boolean": st.booleans(),
        "null": st.none(),
    }
    return plain.get(kind, st.integers())


JUNK = st.sampled_from([None, True, "", "x", 7, -1, 1.5, [], {}, [1], {"a": 1}, "x" * 70])


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_both_checks_agree_on_fitting_and_on_spoiled_values(
    shape: type[BaseModel], data: st.DataObject
) -> None:
    schema = plain_schema(shape.model_json_schema())
    fast, slow = _checks(shape)
    value = data.draw(_values(schema, schema))
    assert fast(value)
    assert slow(value)
    spoiled = copy.deepcopy(value)
    if isinstance(spoiled, dict):
        name = data.draw(st.sampled_from([*spoiled, "extra"]))
        if data.draw(st.booleans()):
            spoiled.pop(name, None)
        else:
            spoiled[name] = data.draw(JUNK)
    assert fast(spoiled) == slow(spoiled)


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "string", "pattern": "^a"}, "ab", "b"),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, 1, None),
        ({"type": "object", "patternProperties": {"^x": {"type": "integer"}}}, {"x": 1}, {"x": "1"}),
        ({"type": ["string", "null"]}, None, 1),
        ({"enum": ["a", "b"]}, "a", "c"),
        ({"type": "object", "properties": {"a": {}}, "required": ["b"]}, {"b": 1}, {"a": 1}),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 1}, [1], []),
        ({}, {"any": "thing"}, ...),
    ],
)
def test_a_schema_with_anything_else_is_checked_the_slow_way(
    schema: dict[str, Any], good: Any, bad: Any
) -> None:
    check = compile_schema(schema)
    assert check(good)
    assert bad is ... or not check(bad)

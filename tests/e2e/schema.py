# SPDX-License-Identifier: Apache-2.0
"""The part of JSON Schema that our OpenAPI document uses. A keyword that it does not know is an error, so that no rule
of the document is passed over quietly."""
import re
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int,
         "number": (int, float)}
FORMATS = {"uuid": UUID, "int64": lambda value: None, "uri": lambda value: urlsplit(value).scheme or 1 / 0,
           "date-time": lambda value: datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ")}
ANNOTATIONS = {"description", "example", "examples", "default", "title", "deprecated"}


def is_type(value, name: str) -> bool:
    return isinstance(value, TYPES[name]) and not (name in ("integer", "number") and isinstance(value, bool))


def format_problem(value, name: str) -> bool:
    try:
        FORMATS[name](value)
        return False
    except (ValueError, ZeroDivisionError):
        return True


def problems(value, schema: dict, document: dict, place: str = "$") -> list[str]:
    if "$ref" in schema:
        return problems(value, follow(schema["$ref"], document), document, place)
    found = []
    for keyword, rule in schema.items():
        if keyword in ANNOTATIONS:
            continue
        found += problems_of(keyword, rule, value, schema, document, place)
    return found


def problems_of(keyword: str, rule, value, schema: dict, document: dict, place: str) -> list[str]:
    bad = False
    if keyword == "type":
        bad = not any(is_type(value, name) for name in ([rule] if isinstance(rule, str) else rule))
    elif keyword == "const":
        bad = value != rule
    elif keyword == "enum":
        bad = value not in rule
    elif keyword == "pattern":
        bad = isinstance(value, str) and not re.search(rule, value)
    elif keyword == "format":
        bad = isinstance(value, str) and format_problem(value, rule)
    elif keyword in ("minLength", "minItems"):
        bad = isinstance(value, (str, list)) and len(value) < rule
    elif keyword in ("maxLength", "maxItems"):
        bad = isinstance(value, (str, list)) and len(value) > rule
    elif keyword == "minimum":
        bad = isinstance(value, (int, float)) and value < rule
    elif keyword == "maximum":
        bad = isinstance(value, (int, float)) and value > rule
    elif keyword == "uniqueItems":
        bad = isinstance(value, list) and len({str(item) for item in value}) != len(value)
    elif keyword == "required":
        return [f"{place}: lacks {name}" for name in rule if isinstance(value, dict) and name not in value]
    elif keyword == "additionalProperties":
        extra = set(value) - set(schema.get("properties", {})) if isinstance(value, dict) and not rule else ()
        return [f"{place}: {name} is not documented" for name in sorted(extra)]
    elif keyword == "properties":
        return [problem for name, each in rule.items() if isinstance(value, dict) and name in value
                for problem in problems(value[name], each, document, f"{place}.{name}")]
    elif keyword == "items":
        return [problem for index, item in enumerate(value if isinstance(value, list) else [])
                for problem in problems(item, rule, document, f"{place}[{index}]")]
    else:
        return [f"{place}: the schema uses {keyword}, which this test does not know"]
    return [f"{place}: {value!r} breaks {keyword} {rule!r}"] if bad else []


def follow(reference: str, document: dict):
    found = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def resolved(item: dict, document: dict) -> dict:
    return follow(item["$ref"], document) if "$ref" in item else item

"""Checks that every example of an OpenAPI file is what its schema asks for."""

import json
import sys

from jsonschema import Draft202012Validator


def objects(value, at=""):
    """Every object in a value, with its JSON pointer."""
    if isinstance(value, dict):
        yield at, value
        for name, field in value.items():
            yield from objects(field, f"{at}/{name.replace('/', '~1')}")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from objects(item, f"{at}/{i}")


def examples(file):
    """Every example with its JSON pointer and its schema."""
    for at, value in objects(file):
        # Fields may be called so themselves, and examples have no examples.
        if at.endswith("/properties") or "/example" in at:
            continue
        # Media types and parameters have their schema beside it.
        schema = value["schema"] if isinstance(value.get("schema"), dict) else value
        if "example" in value:
            yield f"{at}/example", schema, value["example"]
        for i, example in enumerate(value.get("examples", [])):
            yield f"{at}/examples/{i}", schema, example


def faults(file, schema, example):
    whole = {**schema, "components": file["components"]}
    return list(Draft202012Validator(whole).iter_errors(example))


def main():
    with open(sys.argv[1], encoding="utf-8") as text:
        file = json.load(text)
    count = 0
    for at, schema, example in examples(file):
        count += 1
        for fault in faults(file, schema, example):
            sys.exit(f"{at}: {fault.json_path}: {fault.message}")
    # A check that finds nothing to check, or no fault in one, would be none.
    assert count > 20, f"only {count} examples are told"
    assert faults(file, {"$ref": "#/components/schemas/SweepBest"}, {"status": "completed"})
    print(f"{count} examples are what their schemas ask for")


main()

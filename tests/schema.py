"""schema.py SCHEMA [--closed FILE] [--open FILE] [--none FILE]: the records of
the files, by python3-jsonschema: all of --closed and --open are to fit, and those
of --closed to have no member that the schema does not name; none of --none is.
A line for each that is otherwise, and status 3.
schema.py SCHEMA --keys: "definition key", one a line, the key's pages behind."""
import copy
import json
import re
import sys

import jsonschema


def members(schema, node):
    """The names of all properties within, those of other records left out."""
    if isinstance(node, list):
        for one in node:
            yield from members(schema, one)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "properties":
                yield from value
                yield from members(schema, list(value.values()))
            elif key == "$ref":
                target = schema["$defs"][value.rsplit("/", 1)[1]]
                if "type" not in target.get("properties", {}):
                    yield from members(schema, target)
            else:
                yield from members(schema, value)


def close(node):
    """No member that the schema does not name."""
    if isinstance(node, list):
        for one in node:
            close(one)
    elif isinstance(node, dict):
        if "properties" in node and ("type" in node):
            node.setdefault("additionalProperties", False)
        for value in node.values():
            close(value)


def keys(schema):
    for name, definition in schema["$defs"].items():
        pages = re.findall(r"(epi-[a-z-]+)\(([157])\)", definition.get("description", ""))
        for key in sorted(set(members(schema, definition))):
            print(name, key, *(page + "." + section for page, section in pages))


def taken(schema, file):
    """Records that fit, where none should."""
    validator = jsonschema.Draft202012Validator(schema)
    fit = [line for line in file if validator.is_valid(json.loads(line))]
    for line in fit:
        print("taken: " + line[:300].rstrip())
    return len(fit)


def misfits(schema, file):
    validator = jsonschema.Draft202012Validator(schema)
    bad = 0
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        error = jsonschema.exceptions.best_match(validator.iter_errors(json.loads(line)))
        if error:
            bad += 1
            print(f"{number}: {'.'.join(map(str, error.absolute_path))}: {error.message[:300]}: {line[:200]}")
    return bad


def closed(schema):
    schema = copy.deepcopy(schema)
    close([definition for name, definition in schema["$defs"].items() if name != "partial"])
    return schema


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    if sys.argv[2:] == ["--keys"]:
        jsonschema.Draft202012Validator.check_schema(schema)
        keys(schema)
        return 0
    judges = {"--closed": lambda file: misfits(closed(schema), file),
              "--open": lambda file: misfits(schema, file),
              "--none": lambda file: taken(schema, file)}
    bad = 0
    for kind, name in zip(sys.argv[2::2], sys.argv[3::2]):
        with open(name, encoding="utf-8") as file:
            bad += judges[kind](file)
    return 3 if bad else 0


sys.exit(main())

"""schema.py SCHEMA [--closed]: every record on standard input against it, by
python3-jsonschema; a line for each that does not fit, and status 3.
schema.py SCHEMA --none: a line for each that fits, and status 3.
schema.py SCHEMA --keys: "definition key", one a line, the key's pages behind."""
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


def taken(schema):
    """Records that fit, where none should."""
    validator = jsonschema.Draft202012Validator(schema)
    fit = [line for line in sys.stdin if validator.is_valid(json.loads(line))]
    for line in fit:
        print("taken: " + line[:300].rstrip())
    return 3 if fit else 0


def check(schema):
    validator = jsonschema.Draft202012Validator(schema)
    bad = 0
    for number, line in enumerate(sys.stdin, 1):
        if not line.strip():
            continue
        error = jsonschema.exceptions.best_match(validator.iter_errors(json.loads(line)))
        if error:
            bad += 1
            print(f"{number}: {'.'.join(map(str, error.absolute_path))}: {error.message[:300]}: {line[:200]}")
    return 3 if bad else 0


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    if "--keys" in sys.argv:
        keys(schema)
        return 0
    if "--closed" in sys.argv:
        close([definition for name, definition in schema["$defs"].items() if name != "partial"])
    return taken(schema) if "--none" in sys.argv else check(schema)


sys.exit(main())

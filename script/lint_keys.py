# SPDX-License-Identifier: Apache-2.0
"""Prints "<key> <file>" for every named source that the build compiles, and, for a named header that none of them
reaches, for the source that reaches it and little else. The key changes when anything does that could change
clang-tidy's verdict (the file, our headers that it reaches, its compile command, the rules).
usage: lint_keys.py compile_commands.json FILE..."""
import hashlib
import json
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def reached(path: pathlib.Path, roots: list[pathlib.Path], seen: dict[pathlib.Path, bytes]) -> None:
    if path in seen:
        return
    seen[path] = path.read_bytes()
    for name in INCLUDE.findall(seen[path].decode("utf-8", "replace")):
        for root in [path.parent, *roots]:
            if (root / name).is_file():
                reached((root / name).resolve(), roots, seen)
                break


def with_headers(wanted: set[pathlib.Path], reach: dict[pathlib.Path, dict[pathlib.Path, bytes]]) -> set[pathlib.Path]:
    """The wanted sources, and one for each wanted header that none of them reaches: its own, else the smallest."""
    chosen = wanted & reach.keys()
    covered = {path for source in chosen for path in reach[source]}
    for header in sorted(path for path in wanted if path.suffix == ".h"):
        if header in covered:
            continue
        readers = [source for source, seen in reach.items() if header in seen]
        if readers:
            reader = min(readers, key=lambda source: (source != header.with_suffix(".cc"), len(reach[source]), source))
            chosen.add(reader)
            covered |= reach[reader].keys()
    return chosen


def main() -> None:
    database, wanted = sys.argv[1], {pathlib.Path(name).resolve() for name in sys.argv[2:]}
    rules = pathlib.Path(".clang-tidy").read_bytes()
    here = pathlib.Path.cwd()
    commands, reach = {}, {}
    for entry in json.loads(pathlib.Path(database).read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if here / "build" in path.parents:
            continue  # the build makes it
        commands[path] = entry["command"]
        reach[path] = {}
        reached(path, [here / "src", here / "bench"], reach[path])
    for path in sorted(with_headers(wanted, reach)):
        # Without the checkout's own place, so that another one finds what this one found clean.
        key = hashlib.sha256(rules + commands[path].replace(str(here), ".").encode())
        for name in sorted(reach[path]):
            key.update(reach[path][name])
        print(key.hexdigest()[:32], path.relative_to(here))


main()

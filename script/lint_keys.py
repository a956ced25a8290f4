# SPDX-License-Identifier: Apache-2.0
"""Prints "<key> <file>" for every file that the build compiles: the key changes when anything does that could
change clang-tidy's verdict (the file, our headers that it reaches, its compile command, the rules).
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


def main() -> None:
    database, wanted = sys.argv[1], {str(pathlib.Path(name).resolve()) for name in sys.argv[2:]}
    rules = pathlib.Path(".clang-tidy").read_bytes()
    here = str(pathlib.Path.cwd())
    for entry in json.loads(pathlib.Path(database).read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if str(path) not in wanted:
            continue
        seen: dict[pathlib.Path, bytes] = {}
        reached(path, [pathlib.Path("src").resolve(), pathlib.Path("bench").resolve()], seen)
        # Without the checkout's own place, so that another one finds what this one found clean.
        key = hashlib.sha256(rules + entry["command"].replace(here, ".").encode())
        for name in sorted(seen):
            key.update(seen[name])
        print(key.hexdigest()[:32], path.relative_to(pathlib.Path.cwd()))


main()

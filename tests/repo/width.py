# SPDX-License-Identifier: Apache-2.0
"""Prose in Markdown is at most 120 columns wide. Tables, code and what has no blank to break at stay as they are."""
import pathlib
import re

import tree

WIDEST = 120
FENCE = re.compile(r"\s*(```|~~~)")


def too_wide(text: str) -> list[int]:
    """The numbers of the lines that could be wrapped and are not."""
    found, fenced = [], False
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            fenced = not fenced
        code = fenced or line.startswith("    ")
        words = line.split()
        if len(line) > WIDEST and not code and not line.startswith("|") and max(map(len, words)) + 6 < WIDEST:
            found.append(number)
    return found


def problems(root: pathlib.Path) -> list[str]:
    found = []
    for path in tree.files(root):
        if path.suffix == ".md":
            found += [f"{path.relative_to(root)}:{number}: wider than {WIDEST} columns; wrap it"
                      for number in too_wide(path.read_text())]
    return found

# SPDX-License-Identifier: Apache-2.0
"""Words that must not be committed: one machine's paths, hosts of package registries, promises instead of work, turns
of phrase that hide the subject, and file names that say nothing."""
import pathlib
import re

import tree

# Written so that no pattern matches its own text.
FORBIDDEN = [
    (re.compile(r"(?<![\w.$}*-])/(wor[k]|roo[t]|hom[e])(?=[/\s\"'`]|$)", re.MULTILINE), "a path of one machine"),
    (re.compile(r"registry[.]npmjs|files[.]pythonhosted|pypi[.]org|static[.]crates|crates[.]io|proxy[.]golang"
                r"|deb[.]debian|repo1[.]maven|repo[.]maven"), "a host of a package registry"),
    (re.compile(r"\b(TO[D]O|FIX[M]E|XX[X])\b"), "a promise instead of work"),
    (re.compile(r"whoeve[r]|\b(tol[d]|tells?|telling) of\b|\bles[t]\b|\bhee[d]", re.IGNORECASE),
     "no plain English; name the subject and say what it does"),
]
EMPTY_NAMES = {"utils", "util", "common", "helpers", "helper", "core", "misc"}


def problems(root: pathlib.Path) -> list[str]:
    found = []
    for path in tree.files(root):
        place = path.relative_to(root)
        for part in place.parts:
            if part.split(".")[0] in EMPTY_NAMES:
                found.append(f"{place}: the name {part} says nothing; name what it does")
        content = tree.text(path)
        if content is None:
            continue
        for pattern, reason in FORBIDDEN:
            for match in pattern.finditer(content):
                line = content.count("\n", 0, match.start()) + 1
                found.append(f"{place}:{line}: {match.group(0).strip()} is {reason}")
    return found

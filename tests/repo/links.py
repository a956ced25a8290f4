# SPDX-License-Identifier: Apache-2.0
"""Every relative link in a Markdown file leads to a file (and heading) that exists; so does every path that the
table "Where is ...?" of README.md names."""
import pathlib
import re

import tree

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)


def slug(heading: str) -> str:
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def anchors(path: pathlib.Path) -> set[str]:
    return {slug(heading) for heading in HEADING.findall(FENCED.sub("", path.read_text()))}


def link_problem(root: pathlib.Path, path: pathlib.Path, target: str) -> str | None:
    if re.match(r"[a-z][a-z0-9+.-]*:", target):
        return None
    name, _, anchor = target.partition("#")
    place = path.relative_to(root)
    end = (path.parent / name) if name else path
    if not end.exists():
        return f"{place}: links to {target}, which does not exist"
    if anchor and end.suffix == ".md" and anchor not in anchors(end):
        return f"{place}: links to {target}, but no heading there has that name"
    return None


def table_problems(root: pathlib.Path) -> list[str]:
    readme = root / "README.md"
    if not readme.exists():
        return ["README.md: does not exist"]
    section = re.search(r"^#+\s+Where is.*?$(.*?)(?=^#|\Z)", readme.read_text(), re.MULTILINE | re.DOTALL)
    if not section:
        return ['README.md: has no section "Where is ...?"']
    rows = [row for row in section.group(1).splitlines() if row.startswith("|")]
    named = re.findall(r"`([\w./*-]+)`|\]\(([^)#]+)", "\n".join(rows))
    named = [code or link for code, link in named]
    paths = [name for name in named if "/" in name or "." in name]
    if not paths:
        return ['README.md: the table "Where is ...?" names no file']
    return [f'README.md: the table "Where is ...?" names {name}, which does not exist'
            for name in paths if not list(root.glob(name.rstrip("/").lstrip("/")))]


def problems(root: pathlib.Path) -> list[str]:
    found = []
    for path in tree.files(root):
        if path.suffix != ".md":
            continue
        for link in LINK.findall(FENCED.sub("", path.read_text())):
            problem = link_problem(root, path, link[0] or link[1])
            if problem:
                found.append(problem)
    return found + table_problems(root)

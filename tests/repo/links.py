# SPDX-License-Identifier: Apache-2.0
"""Every relative link in a Markdown file leads to a file (and heading) that exists, and every source file that it names
in backticks exists; each row of the table "Where is ...?" of README.md names one file."""
import pathlib
import re

import tree

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([a-z][\w.-]*(?:/[\w.-]+)+\.(?:cc|h|py|ts|tsx|md|cmake|txt|yaml))`")
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


def code_problem(root: pathlib.Path, path: pathlib.Path, name: str) -> str | None:
    """Source files are named from the root, or as an include names them."""
    if name.startswith("build/") or (root / name).exists() or (root / "src" / name).exists():
        return None
    return f"{path.relative_to(root)}: names {name}, which does not exist"


def table_problems(root: pathlib.Path) -> list[str]:
    readme = root / "README.md"
    if not readme.exists():
        return ["README.md: does not exist"]
    section = re.search(r"^#+\s+Where is.*?$(.*?)(?=^#|\Z)", readme.read_text(), re.MULTILINE | re.DOTALL)
    if not section:
        return ['README.md: has no section "Where is ...?"']
    rows = [row for row in section.group(1).splitlines() if row.startswith("|")]
    named = [[code or link for code, link in re.findall(r"`([\w.-]+/[\w./-]+)`|\]\(([^)#]+)", row)] for row in rows[2:]]
    if not named:
        return ['README.md: the table "Where is ...?" names no file']
    found = []
    for row, paths in zip(rows[2:], named, strict=True):
        if len(paths) != 1:
            found.append(f'README.md: a row of "Where is ...?" must name one file: {row}')
        found += [f'README.md: the table "Where is ...?" names {name}, which does not exist as a file'
                  for name in paths if not (root / name).is_file()]
    return found


def problems(root: pathlib.Path) -> list[str]:
    found = []
    for path in tree.files(root):
        if path.suffix != ".md":
            continue
        text = FENCED.sub("", path.read_text())
        problems_here = [link_problem(root, path, link[0] or link[1]) for link in LINK.findall(text)]
        problems_here += [code_problem(root, path, name) for name in CODE.findall(text)]
        found += [problem for problem in problems_here if problem]
    return found + table_problems(root)

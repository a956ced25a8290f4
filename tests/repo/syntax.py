# SPDX-License-Identifier: Apache-2.0
"""Every script at least parses: bash, Python and (where Node.js is there) JavaScript."""
import ast
import pathlib
import shutil
import subprocess

import tree


def problem_of(path: pathlib.Path) -> str | None:
    head = path.read_bytes()[:100].split(b"\n")[0]
    if head.startswith(b"#!") and b"bash" in head:
        command = ["bash", "-n", str(path)]
    elif path.suffix == ".mjs" and shutil.which("node"):
        command = ["node", "--check", str(path)]
    elif path.suffix == ".py":
        try:
            ast.parse(path.read_text())
        except SyntaxError as error:
            return f"line {error.lineno}: {error.msg}"
        return None
    else:
        return None
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    return None if done.returncode == 0 else (done.stderr.strip() or "does not parse")


def problems(root: pathlib.Path) -> list[str]:
    found = []
    for path in tree.files(root):
        problem = problem_of(path)
        if problem:
            found.append(f"{path.relative_to(root)}: {problem}")
    return found

# SPDX-License-Identifier: Apache-2.0
"""The files of the repository: what git would commit, or everything outside a checkout."""
import os
import pathlib
import subprocess

IGNORED = {".git", "build", "node_modules", ".cache", "__pycache__"}


def files(root: pathlib.Path) -> list[pathlib.Path]:
    """Absolute paths, sorted. Files that are deleted but not yet committed so are left out."""
    if (root / ".git").exists():
        listed = subprocess.run(["git", "-c", "safe.directory=*", "-C", str(root), "ls-files", "-z",
                                 "--cached", "--others", "--exclude-standard"],
                                check=True, capture_output=True, timeout=60).stdout
        found = [root / os.fsdecode(name) for name in listed.split(b"\0") if name]
        return sorted(path for path in found if path.is_file())
    return sorted(path for path in root.rglob("*")
                  if path.is_file() and not IGNORED & set(path.relative_to(root).parts))


def text(path: pathlib.Path) -> str | None:
    """None for what is not text."""
    content = path.read_bytes()
    if b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None

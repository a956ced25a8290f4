# SPDX-License-Identifier: Apache-2.0
"""Export trees to serve: the generated sample, the real one where it is, small ones of given files."""
import hashlib
import pathlib
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "data"
REAL_ACCOUNT = "596780373"
SAMPLE_ACCOUNT, SAMPLE_NEIGHBOUR = "12345", "123456"


def real_tree() -> pathlib.Path:
    if not (REAL / "v1").is_dir():
        raise unittest.SkipTest("the real export is not on this machine (../shared/data)")
    return REAL


def sample_tree(folder: pathlib.Path) -> pathlib.Path:
    if not (ROOT / "node_modules").is_dir() or not shutil.which("node"):
        raise unittest.SkipTest("Node.js or its packages are missing: run script/bootstrap")
    subprocess.run(["node", str(ROOT / "tests" / "e2e" / "sample_export.mjs"), str(folder)], check=True, timeout=120,
                   cwd=ROOT)
    return folder


def plain_tree(folder: pathlib.Path, files: dict[str, bytes]) -> pathlib.Path:
    """A tree of these keys."""
    for key, content in files.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def stretch_part(part: pathlib.Path, target: pathlib.Path, size: int) -> None:
    """The same rows in a file of that size: a reader of Parquet finds its way from the footer, and skips the hole."""
    data = part.read_bytes()
    footer = 8 + int.from_bytes(data[-8:-4], "little")
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target, "wb") as file:
        file.write(data[:-footer])
        file.seek(size - footer)
        file.write(data[-footer:])


def content_of(size: int, seed: str) -> bytes:
    """The same bytes for the same arguments, which no compression would shorten."""
    block = hashlib.shake_256(seed.encode()).digest(min(size, 1 << 16))
    return (block * (size // max(len(block), 1) + 1))[:size] if size else b""


def hashes(folder: pathlib.Path) -> dict[str, str]:
    """SHA-256 of every file, by its path below the folder."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}

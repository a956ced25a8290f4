# SPDX-License-Identifier: Apache-2.0
"""Every source file says its licence: C++ in its first line, scripts in their first three."""
import pathlib

import tree

SPDX = "SPDX-License-Identifier: Apache-2.0"
CXX = {".cc", ".h"}
SCRIPTS = {".py", ".mjs", ".js", ".ts", ".tsx", ".css", ".sh"}


def problems(root: pathlib.Path) -> list[str]:
    found = []
    for path in tree.files(root):
        head = path.read_bytes()[:400].decode("utf-8", "replace").splitlines() or [""]
        if path.suffix in CXX and SPDX not in head[0]:
            found.append(f"{path.relative_to(root)}: the first line is not // {SPDX}")
        elif path.suffix in SCRIPTS or head[0].startswith("#!"):
            if not any(SPDX in line for line in head[:3]):
                found.append(f"{path.relative_to(root)}: the first three lines do not hold {SPDX}")
    return found

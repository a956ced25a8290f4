# SPDX-License-Identifier: Apache-2.0
"""Holds one rule of the repository: prints what breaks it, one line each, and exits 1 if anything does.
usage: check.py RULE [ROOT]"""
import importlib
import pathlib
import sys

RULES = ["layers", "links", "words", "licence", "registered", "syntax", "width"]


def main() -> int:
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in RULES:
        print(f"usage: check.py {'|'.join(RULES)} [ROOT]", file=sys.stderr)
        return 2
    default = pathlib.Path(__file__).resolve().parents[2]
    root = pathlib.Path(sys.argv[2]).resolve() if len(sys.argv) == 3 else default
    problems = importlib.import_module(sys.argv[1]).problems(root)
    for problem in problems:
        print(problem)
    print(f"{sys.argv[1]}: {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""The code of a document: its indented blocks, and the SQL in them."""
import pathlib
import re
import shlex

SQL = re.compile(r"(SELECT|WITH|FROM|CREATE (TEMP )?VIEW)\b")


def code_blocks(document: pathlib.Path) -> list[str]:
    """Every block that Markdown takes for code, without its indentation; items of lists hold none."""
    blocks, block = [], []
    for line in [*document.read_text().splitlines(), "end"]:
        if line.startswith("    "):
            block.append(line[4:])
        elif not line and block:
            block.append("")
        elif block:
            blocks.append("\n".join(block).strip("\n"))
            block = []
    return blocks


def sql_statements(document: pathlib.Path) -> list[str]:
    """The statements of blocks that are SQL that any DuckDB can run."""
    found = []
    for block in code_blocks(document):
        found += [each.strip() for each in re.split(r";\s*(?:\n|$)", block) if SQL.match(each.strip())]
    return found


def client_queries(document: pathlib.Path) -> list[list[str]]:
    """The arguments of every `valetkey query` that a block begins with."""
    return [shlex.split(block)[1:] for block in code_blocks(document) if block.startswith("valetkey query")]

# SPDX-License-Identifier: Apache-2.0
"""DuckDB in UTC with extensions, which INSTALL fetches elsewhere; here a Python package of the same files brings them."""
import importlib
import pathlib

import duckdb


def opened(*extensions: str):
    duck = duckdb.connect()
    for extension in extensions:
        folder = pathlib.Path(importlib.import_module(f"duckdb_extension_{extension}").__path__[0])
        duck.execute(f"LOAD '{next(folder.rglob('*.duckdb_extension'))}'")
    if "icu" in extensions:
        duck.execute("SET TimeZone = 'UTC'")
    return duck

# SPDX-License-Identifier: Apache-2.0
"""What the stores cost as they grow, and what that makes of a large installation: docs/scale.md. The program scale runs
the product's own code over made-up rows of several sizes; what is computed from that is marked as computed."""
import json
import math
import pathlib
import subprocess
import sys
import tempfile

from server import PROGRAMS

ENGINES = pathlib.Path(__file__).resolve().parent.parent / "tests/engines"
sys.path.insert(0, str(ENGINES))
import postgres  # noqa: E402

ACCOUNTS, OBJECTS, TOKENS, WORKS = 100_000, 1_000_000_000, 1_000_000, 256  # what is computed to
# Sizes that are measured; --quick leaves out the last one.
INDEX = (100_000, 1_000_000, 10_000_000)
DAYS = (100, 1_000, 5_000)
STORES = (1_000, 10_000, 100_000)
OWNERS = (64, 256, 1024)
MERGES = 50
# A figure's name begins with one of these: what of the size at which it is computed is told.
COMPUTED_AT = {"index.": OBJECTS, "days.": ACCOUNTS, "ledger.": ACCOUNTS, "control.exchange": TOKENS,
               "control.change": TOKENS, "control.": ACCOUNTS, "owners.": WORKS}


def measured(*words) -> list[dict]:
    printed = subprocess.run([str(PROGRAMS / "scale"), *map(str, words)], check=True, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True, timeout=3600).stdout
    print(printed, end="", flush=True)  # what is measured stays, whatever fails later
    return [json.loads(line) for line in printed.splitlines()]


def growth(points: list[tuple[int, float]]) -> float:
    """The exponent between the last two sizes: 0 does not grow, 1 grows as the size does."""
    if len(points) < 2:
        return 0.0
    (small, before), (large, after) = points[-2:]
    return math.log(after / before) / math.log(large / small) if before > 0 and after > 0 else 0.0


def computed(name: str, points: list[tuple[int, float]]) -> float | None:
    """By the growth between the last two sizes, where a larger one is asked for. Never less than what was measured."""
    target = next((size for start, size in COMPUTED_AT.items() if name.startswith(start)), None)
    size, value = points[-1]
    if target is None or target <= size:
        return None
    return value * (target / size) ** max(growth(points), 0.0)


def table(figures: list[dict]) -> str:
    by_name: dict[str, list[dict]] = {}
    for each in figures:
        by_name.setdefault(each["name"], []).append(each)
    rows = [["figure", "unit", "measured, by size", "grows with", "computed at the scale"]]
    for name, found in by_name.items():
        points = [(each["size"], each["value"]) for each in found]
        at_scale = computed(name.removesuffix("_postgresql"), points)
        rows.append([name, found[0]["unit"], "; ".join(f"{size:,}: {value:,.3g}" for size, value in points),
                     f"n^{growth(points):.2f}" if len(points) > 1 else "-",
                     "-" if at_scale is None else f"{at_scale:,.3g}"])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def both_stores(bench, sizes: tuple) -> list[dict]:
    """Ledger, accounts and owners, in files and in PostgreSQL, where that is installed."""
    figures = []
    for size in sizes:
        for kind in ("ledger", "control"):
            figures += measured(kind, pathlib.Path(tempfile.mkdtemp(dir=bench.folder)) / kind, "-", size)
    if not postgres.is_installed():
        bench.note("scale: PostgreSQL is left out, it is not installed (script/bootstrap engines)")
        return figures
    for number, size in enumerate(sizes):
        folder = pathlib.Path(tempfile.mkdtemp(dir="/tmp"))
        folder.chmod(0o711)  # PostgreSQL's own user passes through
        engine = postgres.Postgres(folder / "postgres")
        try:
            where = engine.up()
            place = (where["url"], where["password_file"])
            for kind, asked in (("ledger", size), ("control", size), ("owners", OWNERS[number])):
                figures += [{**each, "name": each["name"] + "_postgresql"} for each in measured(kind, *place, asked)
                            if not each["name"].endswith("_cpu")]
        finally:
            engine.down()
            folder.rmdir()
    return figures


def ratio_of_last(figures: list[dict], name: str) -> tuple[float, float]:
    """The value at the largest size, and at the one before."""
    values = [each["value"] for each in sorted(figures, key=lambda each: each["size"]) if each["name"] == name]
    return values[-1], values[-2]


def scale(bench) -> None:
    def of(sizes: tuple) -> tuple:
        return sizes[:-1] if bench.quick else sizes

    figures = []
    for size in of(INDEX):
        figures += measured("index", tempfile.mkdtemp(dir=bench.folder), size)
    for size in of(DAYS):
        figures += measured("days", pathlib.Path(tempfile.mkdtemp(dir=bench.folder)) / "data", size)
    figures += measured("merges", pathlib.Path(tempfile.mkdtemp(dir=bench.folder)) / "data", MERGES)
    figures += both_stores(bench, of(STORES))
    print(table(figures), flush=True)
    for name, figure in (("scale.page_vs_a_tenth", "index.page_of_1000_cpu"),
                         ("scale.close_vs_a_fifth", "days.close_cpu"),
                         ("scale.exchange_vs_a_tenth", "control.exchange_uncached_cpu")):
        large, small = ratio_of_last(figures, figure)
        bench.add(name, "us", [large], [small])


PARTS = {"scale": scale}
FIGURES = {name: "scale" for name in ("scale.page_vs_a_tenth", "scale.close_vs_a_fifth", "scale.exchange_vs_a_tenth")}

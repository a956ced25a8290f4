# SPDX-License-Identifier: Apache-2.0
"""An include crosses modules only along an edge that add_module(... DEPENDS ...) states; edges form no cycle, and the
table of modules in docs/architecture.md states the same; third-party libraries stay behind their fences; what lies in
internal/ is included by its module alone, what lies in testing/ by tests; a header that no other module reaches lies in
internal/; engines are opened in one place."""
import collections
import pathlib
import re

ADD_MODULE = re.compile(r"add_module\(\s*(\w+)([^)]*)\)")
TABLE_ROW = re.compile(r"^\| (\d+) \| `(\w+)`[^|]*\| ([^|]*)\|$", re.MULTILINE)
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.MULTILINE)
NOBODY_INCLUDES = {"server", "cli"}
# Its interface is two headers, and everything else is its own: an internal/ with all of it would say nothing.
SHOWS_LITTLE = {"s3"}
# Headers that only some of the modules above may include.
SHOWN_TO = {"storage/disk_parts.h": {"storage", "upkeep"}}

# Header pattern, name, where it may be included: a module, or one file of it.
FENCES = [
    (re.compile(r"^boost/beast"), "Beast", {"http"}),
    (re.compile(r"^boost/asio"), "Asio", {"http", "s3", "api", "console", "client", "server", "cli"}),
    (re.compile(r"^openssl/"), "OpenSSL", {"base/crypto.cc", "http"}),
    (re.compile(r"^sqlite3"), "SQLite", {"sqlite"}),
    (re.compile(r"^(libpq|postgres_ext)"), "libpq", {"postgres"}),
    (re.compile(r"^cjose/"), "libcjose", {"oidc"}),
    (re.compile(r"^librdkafka/"), "librdkafka", {"kafka"}),
    (re.compile(r"^sodium"), "libsodium", {"control/password.cc"}),
]

# By module: what opens a form of a seam, or asks the configuration which one it names. Besides the module itself, tests
# and benchmarks, these files alone do.
OPENERS = {
    "control": re.compile(r"\b((open|backup|check)_sqlite_store|open_postgres_store|copy_to_postgres)\b"),
    "exporter": re.compile(r"\b(open_(sqlite|postgres)_ledger|open_postgres_owners|copy_ledger_to_postgres)\b"),
    "storage": re.compile(r"\b(open_disk_store|read_bucket)\b"),
    "bucket": re.compile(r"\bopen_bucket\b"),
    "events": re.compile(r"\b(open_file_log|join_logs)\b"),
    "kafka": re.compile(r"\bkafka::open_log\b"),
    "access": re.compile(r"\bSealedIssuer\b"),
    "issuer": re.compile(r"\bVending::open\b"),
    "config": re.compile(r"\b(control|objects|events|issuer)\.kind\b"),
}
OPENS_ENGINES = {"admin/engines.h", "admin/engines.cc", "admin/databases.cc"}


def edges(root: pathlib.Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in sorted((root / "src").glob("*/CMakeLists.txt")):
        for name, rest in ADD_MODULE.findall(path.read_text()):
            depends = re.search(r"\bDEPENDS\s([^A-Z]*)", rest)
            found[name] = set(depends.group(1).split()) if depends else set()
    return found


def closure(graph: dict[str, set[str]], module: str) -> set[str]:
    reached: set[str] = set()
    waiting = [module]
    while waiting:
        for lower in graph.get(waiting.pop(), set()) - reached:
            reached.add(lower)
            waiting.append(lower)
    return reached


def graph_problems(graph: dict[str, set[str]]) -> list[str]:
    found = []
    for module, lower in sorted(graph.items()):
        if module in closure(graph, module):
            found.append(f"src/{module}: depends on itself by way of its DEPENDS")
        for name in sorted(lower - set(graph)):
            found.append(f"src/{module}/CMakeLists.txt: DEPENDS names {name}, which is no module")
        for name in sorted(lower & NOBODY_INCLUDES):
            found.append(f"src/{module}/CMakeLists.txt: nobody may depend on {name}")
    return found


def table_problems(root: pathlib.Path, graph: dict[str, set[str]]) -> list[str]:
    """Of the table of modules: layer, module, and the modules that it may use, before a semicolon and remarks."""
    place = "docs/architecture.md"
    text = (root / place).read_text() if (root / place).exists() else ""
    rows = {module: (int(layer), uses) for layer, module, uses in TABLE_ROW.findall(text)}
    found = [f"{place}: the table of modules names {module}, which is no module" for module in sorted(set(rows) - set(graph))]
    for module, lower in sorted(graph.items()):
        if module not in rows:
            found.append(f"{place}: the table of modules has no row for {module}")
            continue
        layer, uses = rows[module]
        if {each.strip() for each in uses.split(";")[0].split(",")} & set(graph) != lower:
            found.append(f"{place}: {module} may use {', '.join(sorted(lower)) or 'no module'}, says its CMakeLists.txt")
        for name in sorted(lower & set(rows)):
            if rows[name][0] >= layer:
                found.append(f"{place}: {module} is in layer {layer}, but uses {name} in layer {rows[name][0]}")
    return found


def is_for_tests(path: pathlib.Path) -> bool:
    return re.search(r"_(test|fuzz|bench)\.cc$", path.name) is not None or path.parent.name == "testing"


def include_problem(root: pathlib.Path, module: str, path: pathlib.Path, name: str,
                    graph: dict[str, set[str]]) -> str | None:
    place = path.relative_to(root)
    owner = name.split("/")[0]
    if "/" not in name:
        return f'{place}: include "{name}" by its module, as "{module}/{name}"'
    is_test = is_for_tests(path)
    allowed = {module} | (closure(graph, module) if is_test else graph.get(module, set()))
    if module not in SHOWN_TO.get(name, {module}):
        return f'{place}: "{name}" is for {" and ".join(sorted(SHOWN_TO[name]))} alone'
    if owner not in graph:
        return f'{place}: "{name}" belongs to no module'
    if owner not in allowed:
        return f'{place}: includes "{name}" but src/{module}/CMakeLists.txt does not name {owner} in DEPENDS'
    if "/internal/" in name and owner != module:
        return f'{place}: "{name}" is internal to {owner}'
    if "/internal/" in name and path.suffix == ".h" and path.parent.name not in {"internal", "testing"}:
        return f'{place}: a header that others include shows "{name}", which is internal'
    if "/testing/" in name and not is_test:
        return f'{place}: "{name}" is for tests'
    return None


def fence_problem(root: pathlib.Path, module: str, path: pathlib.Path, name: str) -> str | None:
    for pattern, library, allowed in FENCES:
        if pattern.match(name) and not {module, f"{module}/{path.name}"} & allowed:
            return f"{path.relative_to(root)}: {library} is fenced to {', '.join(sorted(allowed))}"
    return None


def opening_problems(root: pathlib.Path, module: str, path: pathlib.Path, text: str) -> list[str]:
    if is_for_tests(path) or f"{module}/{path.name}" in OPENS_ENGINES:
        return []
    return [f"{path.relative_to(root)}: {found.group()} is for admin/engines.cc and admin/databases.cc"
            for owner, pattern in OPENERS.items() if owner != module and (found := pattern.search(text))]


def unreached_headers(root: pathlib.Path, graph: dict[str, set[str]]) -> list[str]:
    """Headers in a module's own folder that no file of another module includes, also not by way of other such headers."""
    headers = {str(path.relative_to(root / "src")) for path in (root / "src").glob("*/*.h")}
    includers = collections.defaultdict(set)
    for folder in ("src", "bench", "tests", "examples"):
        for path in (root / folder).rglob("*"):
            if path.suffix in {".cc", ".h", ".in"} and path.is_file():
                for _, name in INCLUDE.findall(path.read_text()):
                    includers[name].add(str(path.relative_to(root)))
    waiting = [name for name in headers
               if any(not file.startswith(f"src/{name.split('/')[0]}/") for file in includers[name])]
    included_by = collections.defaultdict(set)
    for name in headers:
        for file in includers[name]:
            included_by[file.removeprefix("src/")].add(name)
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting.extend(included_by[name])
    silent = NOBODY_INCLUDES | SHOWS_LITTLE
    return [f"src/{name}: no other module includes it: it belongs in src/{name.replace('/', '/internal/')}"
            for name in sorted(headers - reached) if name.split("/")[0] in graph.keys() - silent]


def problems(root: pathlib.Path) -> list[str]:
    graph = edges(root)
    found = graph_problems(graph) + unreached_headers(root, graph) + table_problems(root, graph)
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in {".cc", ".h"}:
            continue
        module = path.relative_to(root / "src").parts[0]
        if module not in graph:
            found.append(f"{path.relative_to(root)}: src/{module} is no module (no add_module)")
        text = path.read_text()
        found += opening_problems(root, module, path, text)
        for quote, name in INCLUDE.findall(text):
            problem = fence_problem(root, module, path, name)
            if quote == '"' and problem is None and not any(p.match(name) for p, _, _ in FENCES):
                problem = include_problem(root, module, path, name, graph)
            if problem:
                found.append(problem)
    return found

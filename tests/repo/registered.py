# SPDX-License-Identifier: Apache-2.0
"""No test is lost quietly: every test file belongs to a module or is named in CMake, every fuzz target has seeds,
none is switched off."""
import pathlib
import re

SWITCHED_OFF = re.compile(r"\bDISABLED_|^\s*//\s*TEST(_F|_P)?\(|#\s*if\s+0\b", re.MULTILINE)


def module_problems(root: pathlib.Path) -> list[str]:
    source = root / "src"
    listed = set(re.findall(r"add_subdirectory\((\w+)\)", (source / "CMakeLists.txt").read_text()))
    found = []
    for path in sorted([*source.rglob("*_test.cc"), *source.rglob("*_fuzz.cc")]):
        place, parts = path.relative_to(root), path.relative_to(source).parts
        cmake = source / parts[0] / "CMakeLists.txt"
        if len(parts) != 2:
            found.append(f"{place}: add_module does not look into folders of a module")
        elif parts[0] not in listed or not cmake.exists() or "add_module(" not in cmake.read_text():
            found.append(f"{place}: src/{parts[0]} is not built")
        if SWITCHED_OFF.search(path.read_text()):
            found.append(f"{place}: holds a test that is switched off")
        if path.stem.endswith("_fuzz") and not list(path.parent.glob(f"{path.stem}_corpus/*")):
            found.append(f"{place}: has no seeds in {path.stem}_corpus")
        if (path.stem.endswith("_test")
                and not re.search(r"\b(TEST(_F|_P)?|INSTANTIATE_TEST_SUITE_P)\(", path.read_text())):
            found.append(f"{place}: holds no test")
    return found


def problems(root: pathlib.Path) -> list[str]:
    found = module_problems(root)
    cmake = root / "tests" / "CMakeLists.txt"
    registered = cmake.read_text() if cmake.exists() else ""
    for path in sorted((root / "tests" / "e2e").glob("test_*.py")):
        if not re.search(rf"add_e2e\({path.stem.removeprefix('test_')}\b", registered):
            found.append(f"{path.relative_to(root)}: tests/CMakeLists.txt does not register it")
    for name in re.findall(r"add_e2e\((\w+)", registered):
        if name != "name" and not (root / "tests" / "e2e" / f"test_{name}.py").exists():
            found.append(f"tests/CMakeLists.txt: registers e2e.{name}, which does not exist")
    return found

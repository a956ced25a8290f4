# SPDX-License-Identifier: Apache-2.0
"""Clients from package registries, at the versions of versions.toml, in a cache outside the tree. What cannot be had
(no tool, no network, a registry that does not serve it) raises Skipped with the reason."""
import os
import pathlib
import shutil
import subprocess
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
CLIENTS = HERE / "clients"
VERSIONS = tomllib.loads((HERE / "versions.toml").read_text())
LONGEST = 1800


def cache() -> pathlib.Path:
    named = os.environ.get("VALETKEY_INTEROP_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    folder = pathlib.Path(named) if named else pathlib.Path(base) / "valetkey-interop"
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


class Skipped(Exception):
    pass


def need(tool: str) -> str:
    found = shutil.which(tool)
    if not found:
        raise Skipped(f"{tool} is not installed")
    return found


def run(*command, **options) -> None:
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=LONGEST,
                              stdin=subprocess.DEVNULL, **options)
    except subprocess.TimeoutExpired:
        raise Skipped(f"{pathlib.Path(command[0]).name} was not ready after {LONGEST} s") from None
    if done.returncode:
        said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        wrong = [line for line in said if "error" in line.lower() or "not available" in line.lower()] or said[-1:]
        raise Skipped(f"{pathlib.Path(command[0]).name} could not fetch or build it: {' '.join(wrong)[:300]}")


def once(folder: pathlib.Path, wanted: str, make) -> pathlib.Path:
    """Makes the folder unless it was made for just this."""
    stamp = folder / ".made-of"
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make()
        stamp.write_text(wanted)
    return folder


def version_of(group: str, package: str) -> str:
    for each in VERSIONS["pypi"][group]:
        name, version = each.split("==")
        if name == package:
            return version
    raise KeyError(package)


def python(group: str) -> str:
    """The interpreter of a virtual environment with the packages of a group."""
    packages, folder = VERSIONS["pypi"][group], cache() / "python" / group

    def make() -> None:
        run("/usr/bin/python3", "-m", "venv", folder)
        run(folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", *packages)
    return str(once(folder, "\n".join(packages), make) / "bin" / "python")


def go(name: str, package: str, sources: pathlib.Path | None = None) -> str:
    """A program: `package` of the modules of that name, or the sources."""
    modules, folder = VERSIONS["go"][name], cache() / "go" / name
    text = "".join(each.read_text() for each in sorted(sources.glob("*.go"))) if sources else ""

    def make() -> None:
        (folder / "go.mod").write_text("module interop\n\ngo 1.24\n" + "".join(
            f"require {module} {version}\n" for module, version in modules.items()))
        (folder / "main.go").write_text(text or "package main\n\nfunc main() {}\n")
        run(need("go"), "build", "-o", folder / "program", package, cwd=folder,
            env={**os.environ, "GOFLAGS": "-mod=mod -modcacherw", "GOPATH": str(cache() / "go" / "path")})
    return str(once(folder, repr(modules) + text, make) / "program")


def dependency(artifact: str) -> str:
    group, name, version = artifact.rstrip("!").split(":")
    alone = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
    return (f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version>"
            f"{alone if artifact.endswith('!') else ''}</dependency>")


# What Spark has in a version of its own, before which none of ours may come.
OF_SPARK = ("netty-", "slf4j-api-")


def jars(name: str) -> str:
    """A folder of jars."""
    artifacts, folder = VERSIONS["maven"][name], cache() / "maven" / name
    unwanted = OF_SPARK if name == "spark" else ()

    def make() -> None:
        (folder / "pom.xml").write_text(
            '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>valetkey'
            f"</groupId><artifactId>interop-{name}</artifactId><version>1</version><dependencies>"
            f"{''.join(map(dependency, artifacts))}</dependencies></project>\n")
        run(need("mvn"), "-q", "-B", f"-Dmaven.repo.local={cache() / 'maven' / 'repository'}",
            "dependency:copy-dependencies", f"-DoutputDirectory={folder / 'jars'}", cwd=folder)
        for jar in (folder / "jars").iterdir():
            if jar.name.startswith(unwanted):
                jar.unlink()
    return str(once(folder, "\n".join((*artifacts, *unwanted)), make) / "jars")


def java(name: str, source: str) -> list[str]:
    """A command that runs the class of a source of clients/java against the jars of that name."""
    found, folder, text = jars(name), cache() / "java" / source, (CLIENTS / "java" / f"{source}.java").read_text()
    once(folder, text, lambda: subprocess.run(  # of our own source: what fails here is no reason to skip
        [need("javac"), "-cp", f"{found}/*", "-d", folder, CLIENTS / "java" / f"{source}.java"], check=True, timeout=LONGEST))
    return [need("java"), "-Xmx512m", "-XX:TieredStopAtLevel=1", "-cp", f"{folder}:{found}/*", source]


def new_java(version: int, name: str, source: str) -> list[str]:
    """A command as java() has it, of a JDK of that version, which compiles the source as it starts."""
    for found in sorted(pathlib.Path("/usr/lib/jvm").glob(f"*-{version}-*/bin/java")):
        return [str(found), "-Xmx1g", "-XX:TieredStopAtLevel=1", "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED", "-cp", f"{jars(name)}/*", str(CLIENTS / "java" / f"{source}.java")]
    raise Skipped(f"it needs Java {version}, which is not installed")


def cargo(name: str) -> str:
    crates, folder = VERSIONS["cargo"], cache() / "cargo" / name
    text = (CLIENTS / "rust" / f"{name}.rs").read_text()

    def make() -> None:
        (folder / "src").mkdir()
        (folder / "src" / "main.rs").write_text(text)
        (folder / "Cargo.toml").write_text(f'[package]\nname = "{name}"\nversion = "0.0.0"\nedition = "2021"\n'
                                           "[dependencies]\n" + "".join(
            f'{crate} = {{ version = "{version}"{more} }}\n' for crate, version in crates.items()
            for more in [', features = ["full"]' if crate == "tokio" else ""]))
        run(need("cargo"), "build", "--quiet", cwd=folder, env={
            **os.environ, "CARGO_HOME": str(cache() / "cargo" / "home"), "CARGO_TARGET_DIR": str(cache() / "cargo" / "target")})
        shutil.copy(cache() / "cargo" / "target" / "debug" / name, folder / "program")
    return str(once(folder, repr(crates) + text, make) / "program")

# SPDX-License-Identifier: Apache-2.0
"""The Debian package: what script/package builds unpacks, its programs run, its unit file is sound."""
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import trees
from server import clean_environment, main


class Package(unittest.TestCase):
    def setUp(self):
        self.script = trees.ROOT / "script" / "package"
        if not self.script.exists():
            self.skipTest("script/package does not exist")
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def run_here(self, *command) -> str:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=280,
                              stdin=subprocess.DEVNULL, env=clean_environment(), cwd=trees.ROOT)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def test_it_unpacks_and_runs(self):
        self.run_here(self.script)
        packages = sorted((trees.ROOT / "build").rglob("*.deb"), key=lambda path: path.stat().st_mtime)
        self.assertTrue(packages, "script/package left no .deb under build/")
        package = packages[-1]
        fields = self.run_here("dpkg-deb", "--field", package)
        self.assertRegex(fields, r"Package: valetkey")
        self.assertRegex(fields, r"Depends: .*libssl3")
        self.run_here("dpkg-deb", "--extract", package, self.folder)
        installed = {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}
        self.assertIn("usr/bin/valetkeyd", installed)
        for shared in ("man/man1/valetkey.1.gz", "man/man8/valetkeyd.8.gz", "bash-completion/completions/valetkey",
                       "bash-completion/completions/valetkeyd", "zsh/vendor-completions/_valetkeyd",
                       "fish/vendor_completions.d/valetkey.fish"):
            self.assertIn(f"usr/share/{shared}", installed)
        for file in ("libduckdb.so", "duckdb-eh.wasm", "duckdb-eh.wasm.gz"):
            self.assertIn(f"usr/lib/valetkey/{file}", installed)
        units = [name for name in installed if name.endswith(".service")]
        self.assertTrue(units, installed)
        server = self.folder / "usr" / "bin" / "valetkeyd"
        self.assertTrue(self.run_here(server, "--version").strip())
        self.assertRegex(self.run_here(self.folder / "usr" / "bin" / "valetkey", "--version"), r"^valetkey \d+\.\d+")
        for program in ("valetkeyd", "valetkey"):
            dynamic = self.run_here("readelf", "--dynamic", "--wide", self.folder / "usr" / "bin" / program)
            self.assertRegex(dynamic, r"FLAGS_1.*NOW.*PIE", program)
        libraries = {name for name in re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic) if not name.startswith("ld-linux")}
        self.assertEqual({"libssl.so.3", "libcrypto.so.3", "libz.so.1", "libm.so.6", "libc.so.6"}, libraries,
                         "docs/decisions/0008-what-the-client-links.md")
        data = self.folder / "data"
        self.run_here(server, "init", "--data-dir", data)
        self.run_here(server, "account", "create", "1", "--name", "One", "--data-dir", data)
        self.run_here(server, "check", "--data-dir", data)
        if shutil.which("systemd-analyze"):
            # It must name a program that exists: here the unpacked one.
            unit = self.folder / pathlib.Path(units[0]).name
            unit.write_text((self.folder / units[0]).read_text().replace("/usr/bin/valetkeyd", str(server)))
            self.assertNotIn("Unknown", self.run_here("systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
                                                      unit))


if __name__ == "__main__":
    main()

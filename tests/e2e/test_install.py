# SPDX-License-Identifier: Apache-2.0
"""The C++ library as others use it: installed, found by CMake and by pkg-config, and reading from a real server."""
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import trees
from server import PROGRAMS, ServedCase, clean_environment, main

DAY = "type=events/date=2026-03-02/"


class Install(ServedCase):
    @classmethod
    def prepare(cls):
        build = PROGRAMS.resolve().parent
        if not (build / "cmake_install.cmake").exists():
            raise unittest.SkipTest(f"{build} is no build folder")
        cls.token = cls.server.make_account(trees.SAMPLE_ACCOUNT)
        cls.tree = trees.sample_tree(cls.server.folder / "tree")
        cls.server.run("import", str(cls.tree))
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = pathlib.Path(scratch.name)
        # Installed, then moved: nothing in it may know where it was made.
        cls.run_here("cmake", "--install", build, "--prefix", cls.folder / "made", "--component", "development")
        cls.prefix = cls.folder / "moved"
        (cls.folder / "made").rename(cls.prefix)

    @classmethod
    def run_here(cls, *command, **environment) -> str:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=280,
                              stdin=subprocess.DEVNULL, env={**clean_environment(), **environment})
        if done.returncode != 0:
            raise AssertionError(f"{command}: {done.stdout}{done.stderr}")
        return done.stdout

    def check(self, program: pathlib.Path) -> None:
        """Lists the day and brings every part of it, byte for byte."""
        out = self.folder / f"{program.name}-out"
        out.mkdir()
        env = {"VALETKEY_API": self.server.api, "VALETKEY_TOKEN": self.token, "HOME": str(self.folder)}
        lines = self.run_here(program, DAY, out, **env).splitlines()
        there = self.tree / "v1" / f"account_id={trees.SAMPLE_ACCOUNT}"
        expected = sorted(f"{path.relative_to(there)} {path.stat().st_size}" for path in (there / DAY).rglob("*")
                          if path.is_file())
        self.assertEqual(expected, sorted(lines[:-1]))
        self.assertEqual(f"5 objects of s3://optimizely-events-data/v1/account_id={trees.SAMPLE_ACCOUNT}/", lines[-1])
        self.assertEqual(sorted(path.read_bytes() for path in (there / DAY).rglob("*.parquet")),
                         sorted(path.read_bytes() for path in out.iterdir()))
        refused = subprocess.run([program, DAY, out], capture_output=True, text=True, timeout=60,
                                 env={**clean_environment(), **env, "VALETKEY_TOKEN": "vkpat_00000000000000000000000000000000000000004gY0XI"})
        self.assertEqual((1, ""), (refused.returncode, refused.stdout))
        self.assertIn("refuses the token", refused.stderr)

    def test_cmake_finds_it(self):
        source = self.folder / "example"
        shutil.copytree(trees.ROOT / "examples", source)
        self.run_here("cmake", "-G", "Ninja", "-S", source, "-B", source / "build", "-DCMAKE_CXX_COMPILER=clang++-19",
                      "-DCMAKE_C_COMPILER=clang-19", f"-DCMAKE_PREFIX_PATH={self.prefix}", "-DCMAKE_BUILD_TYPE=Release")
        self.run_here("cmake", "--build", source / "build")
        self.check(source / "build" / "read_export")

    def test_pkg_config_finds_it(self):
        module = next(self.prefix.rglob("valetkey-client.pc"))
        flags = self.run_here("pkg-config", "--cflags", "--libs", "valetkey-client",
                              PKG_CONFIG_PATH=str(module.parent)).split()
        self.assertNotIn(str(self.folder / "made"), " ".join(flags))
        program = self.folder / "by-pkg-config"
        self.run_here("clang++-19", trees.ROOT / "examples" / "read_export.cc", "-o", program, *flags)
        self.check(program)

    def test_every_header_stands_alone_and_no_test_came_along(self):
        headers = sorted((self.prefix / "include" / "valetkey").rglob("*.h"))
        names = {str(path.relative_to(self.prefix / "include" / "valetkey")) for path in headers}
        self.assertLessEqual({"client/reader.h", "client/session.h", "client/export.h", "base/result.h"}, names)
        self.assertFalse([name for name in names if "test" in name or "internal" in name])
        public = [path for path in headers if path.parent.name == "client"]
        lines = "".join(f'#include "{path}"\n' for path in public)
        self.run_here("clang++-19", "-std=c++23", f"-I{self.prefix}/include/valetkey", "-DBOOST_ASIO_NO_DEPRECATED",
                      "-DBOOST_ASIO_DISABLE_CONCEPTS=", "-fsyntax-only", "-x", "c++", "-Wall", "-Werror",
                      self.write("all.h", "#include <vector>\n" + lines))

    def write(self, name: str, text: str) -> pathlib.Path:
        path = self.folder / name
        path.write_text(text)
        return path


if __name__ == "__main__":
    main()

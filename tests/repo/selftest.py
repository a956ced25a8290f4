# SPDX-License-Identifier: Apache-2.0
"""Each rule of the repository finds nothing in a good sample and the intended thing in a bad one: a rule that cannot
fail would hold nothing."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
GOOD = {
    "README.md": "# Sample\n\n[guide](docs/guide.md#first-steps)\n\n## Where is …?\n\n| what | where |\n|---|---|\n"
                 "| text | `src/low/text.h` |\n",
    "docs/guide.md": "# Guide\n\n## First steps\n\nSee [the readme](../README.md).\n\n    " + "code " * 30 + "\n\n| " +
                     "cell " * 30 + "|\n\nhttps://example.org/" + "x" * 120 + "\n\n```\n" + "code " * 30 + "\n```\n",
    "docs/architecture.md": "# Architecture\n\nText is `low/text.h`, built by `src/low/CMakeLists.txt`.\n\n"
                            "| layer | module | may use |\n| --- | --- | --- |\n| 0 | `low`: text | the standard library |\n"
                            "| 1 | `http`: a server | low; Beast |\n| 2 | `mid`: work | http |\n",
    "src/CMakeLists.txt": "add_subdirectory(low)\nadd_subdirectory(mid)\nadd_subdirectory(http)\n",
    "src/low/CMakeLists.txt": "add_module(low LINKS fmt::fmt)\n",
    "src/low/text.h": SPDX + "#pragma once\n#include <string>\n",
    "src/http/CMakeLists.txt": "add_module(http DEPENDS low)\n",
    "src/http/server.cc": SPDX + "#include <boost/beast/core.hpp>\n#include \"low/text.h\"\n"
                          "#include \"http/internal/head.h\"\n",
    "src/http/internal/head.h": SPDX,
    "src/http/testing/server.h": SPDX + "#include \"http/internal/head.h\"\n#include \"low/text.h\"\n",
    "src/mid/CMakeLists.txt": "add_module(mid DEPENDS http)\n",
    "src/mid/work.cc": SPDX + "#include \"http/server.h\"\n",
    "src/mid/work_test.cc": SPDX + "#include \"low/text.h\"\n#include \"http/testing/server.h\"\nTEST(Work, Works) {}\n",
    "src/mid/work_fuzz.cc": SPDX,
    "src/mid/work_fuzz_corpus/seed": "x",
    "tests/CMakeLists.txt": "add_e2e(job 10)\n",
    "tests/e2e/test_job.py": "# SPDX-License-Identifier: Apache-2.0\n",
    "script/go": "#!/usr/bin/env bash\n# SPDX-License-Identifier: Apache-2.0\necho go\n",
}
# rule, file, its bad text, what the rule must say
BAD = [
    ("layers", "src/mid/work.cc", SPDX + '#include "low/text.h"\n', "does not name low in DEPENDS"),
    ("layers", "src/mid/work.cc", SPDX + "#include <boost/beast/http.hpp>\n", "Beast is fenced"),
    ("layers", "src/mid/work.cc", SPDX + "#include <sqlite3.h>\n", "SQLite is fenced"),
    ("layers", "src/low/text.h", SPDX + "#include <openssl/evp.h>\n", "OpenSSL is fenced"),
    ("layers", "src/mid/work_test.cc", SPDX + '#include "server/wire.h"\n', "belongs to no module"),
    ("layers", "src/mid/work.cc", SPDX + '#include "work.h"\n', "by its module"),
    ("layers", "src/low/CMakeLists.txt", "add_module(low DEPENDS mid)\n", "depends on itself"),
    ("layers", "src/low/CMakeLists.txt", "add_module(low DEPENDS nowhere)\n", "which is no module"),
    ("layers", "src/lost/file.cc", SPDX, "is no module"),
    ("layers", "src/mid/work.cc", SPDX + '#include "http/internal/head.h"\n', "is internal to http"),
    ("layers", "src/mid/work_test.cc", SPDX + '#include "http/internal/head.h"\n', "is internal to http"),
    ("layers", "src/http/server.h", SPDX + '#include "http/internal/head.h"\n', "which is internal"),
    ("layers", "src/mid/work.cc", SPDX + '#include "http/testing/server.h"\n', "is for tests"),
    ("layers", "src/admin/work.cc", SPDX + '#include "storage/disk_parts.h"\n', "is for storage and upkeep alone"),
    ("layers", "src/mid/work.cc", SPDX + "auto s = control::open_sqlite_store(file);\n", "is for admin/engines.cc"),
    ("layers", "src/mid/work.cc", SPDX + 'if (config.objects.kind == "disk") return;\n', "objects.kind is for admin"),
    ("layers", "src/low/own.h", SPDX, "it belongs in src/low/internal/own.h"),
    ("layers", "docs/architecture.md", "| 0 | `low` | fmt |\n| 1 | `http` | low |\n", "has no row for mid"),
    ("layers", "docs/architecture.md", "| 0 | `low` | fmt |\n| 1 | `http` | fmt; low |\n| 2 | `mid` | http |\n",
     "http may use low, says"),
    ("layers", "docs/architecture.md", "| 0 | `low` | fmt |\n| 1 | `http` | low |\n| 2 | `mid` | http, low |\n",
     "mid may use http, says"),
    ("layers", "docs/architecture.md", "| 0 | `low` | fmt |\n| 2 | `http` | low |\n| 2 | `mid` | http |\n",
     "mid is in layer 2, but uses http in layer 2"),
    ("layers", "docs/architecture.md", "| 0 | `gone` | fmt |\n", "names gone, which is no module"),
    ("links", "docs/guide.md", "[gone](gone.md)\n", "does not exist"),
    ("links", "docs/guide.md", "See `low/gone.h`.\n", "names low/gone.h, which does not exist"),
    ("links", "docs/guide.md", "# Guide\n", "no heading there"),
    ("links", "README.md", "# Sample\n", "has no section"),
    ("links", "README.md", "## Where is …?\n| a | b |\n|---|---|\n| a | `src/gone.h` |\n", "src/gone.h, which does not exist"),
    ("links", "README.md", "## Where is …?\n| a | b |\n|---|---|\n| a | `src/low` |\n", "does not exist as a file"),
    ("links", "README.md", "## Where is …?\n| a | b |\n|---|---|\n| a | `src/low/text.h`, `docs/guide.md` |\n",
     "must name one file"),
    ("words", "docs/guide.md", "see /" + "work/main\n", "a path of one machine"),
    ("words", "docs/guide.md", "see /" + "root/.bashrc\n", "a path of one machine"),
    ("words", "docs/guide.md", "from registry" + ".npmjs.org\n", "a host of a package registry"),
    ("words", "src/mid/work.cc", "// TO" + "DO later\n", "a promise"),
    ("words", "docs/guide.md", "Whoe" + "ver asks is answered.\n", "name the subject"),
    ("words", "src/mid/work.cc", "// The log tells" + " of a wait.\n", "name the subject"),
    ("words", "src/mid/work.cc", "// Told" + " of a wait.\n", "name the subject"),
    ("words", "src/mid/work.cc", "// Kept, les" + "t it seems empty.\n", "name the subject"),
    ("words", "src/mid/work.cc", "int hee" + "ded_ = 0;\n", "name the subject"),
    ("words", "src/mid/utils.h", SPDX, "says nothing"),
    ("words", "src/common/a.h", SPDX, "says nothing"),
    ("licence", "src/mid/work.cc", "#include <string>\n", "the first line is not"),
    ("licence", "script/go", "#!/usr/bin/env bash\necho go\n", "do not hold"),
    ("registered", "tests/e2e/test_lost.py", "", "does not register it"),
    ("registered", "tests/CMakeLists.txt", "add_e2e(job 1)\nadd_e2e(gone 1)\n", "which does not exist"),
    ("registered", "src/lost/a_test.cc", "TEST(A, B) {}\n", "is not built"),
    ("registered", "src/mid/deep/a_test.cc", "TEST(A, B) {}\n", "does not look into folders"),
    ("registered", "src/mid/work_test.cc", "TEST(Work, DISABLED_Works) {}\n", "switched off"),
    ("registered", "src/mid/work_test.cc", "// TEST(Work, Works) {}\nTEST(A, B) {}\n", "switched off"),
    ("registered", "src/mid/other_fuzz.cc", SPDX, "has no seeds"),
    ("registered", "src/mid/other_test.cc", SPDX, "holds no test"),
    ("syntax", "script/go", "#!/usr/bin/env bash\nif then\n", "script/go"),
    ("syntax", "tests/e2e/test_job.py", "def (:\n", "line 1"),
    ("width", "docs/guide.md", "# Guide\n\n## First steps\n\n" + "word " * 25 + "\n", "guide.md:5: wider than 120"),
    ("width", "README.md", "* " + "word " * 25 + "\n", "README.md:1: wider than 120"),
]


def run_rule(rule: str, changed: dict[str, str]) -> tuple[int, str]:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {**GOOD, **changed}.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        done = subprocess.run([sys.executable, "-B", HERE / "check.py", rule, folder], text=True,
                              capture_output=True, timeout=60)
        return done.returncode, done.stdout + done.stderr


class Rules(unittest.TestCase):
    def test_find_nothing_in_a_good_sample(self):
        for rule in sorted({rule for rule, *_ in BAD}):
            with self.subTest(rule=rule):
                self.assertEqual((0, f"{rule}: 0 problems\n"), run_rule(rule, {}))

    def test_find_what_is_bad(self):
        for rule, name, text, expected in BAD:
            with self.subTest(rule=rule, file=name, expected=expected):
                status, output = run_rule(rule, {name: text})
                self.assertEqual(1, status, output)
                self.assertIn(expected, output)


if __name__ == "__main__":
    unittest.main()

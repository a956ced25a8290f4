# SPDX-License-Identifier: Apache-2.0
"""What people see and type: help, wrong words, completion in real shells, the manual, progress in a real window."""
import pathlib
import re
import shutil
import subprocess
import tempfile
import unicodedata
import unittest

from server import PROGRAMS, clean_environment, main

BOTH = ("valetkeyd", "valetkey")
LIBRARY_WORDS = re.compile(r"\b(?:UINT|INT|TEXT|FLOAT)\b(?::|\s+in\b)|:\{|in \[|kb\(=|\.\.\.")


def run(program: str, *words: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run([str(PROGRAMS.resolve() / program), *words], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, env={**clean_environment(), **environment})


def columns(line: str) -> int:
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def commands(program: str, *path: str) -> list[tuple[str, ...]]:
    """Every command and sub-command, as --help lists them."""
    text = run(program, *path, "--help").stdout
    found = [path]
    listed = re.search(r"\n(?:Commands|Sub-commands):\n(.*?)\n\n", text, re.DOTALL)
    for name in re.findall(r"^  ([a-z][a-z-]*)(?: |$)", listed.group(1), re.MULTILINE) if listed else []:
        found += commands(program, *path, name)
    return found


class Help(unittest.TestCase):
    def test_each_command_has_its_own_and_fits_the_window(self):
        for program in BOTH:
            every = commands(program)
            self.assertGreater(len(every), 12)
            for path in every:
                for width in (40, 200):
                    done = run(program, *path, "--help", COLUMNS=str(width))
                    self.assertEqual((0, ""), (done.returncode, done.stderr), path)
                    for line in done.stdout.splitlines():
                        one_word = len(line.rstrip(" \\").split()) == 1  # a path cannot be broken
                        self.assertTrue(columns(line) <= width or one_word, line)
                text = run(program, *path, "--help").stdout
                self.assertNotRegex(text, LIBRARY_WORDS, path)
                if path:
                    self.assertNotIn("First steps", text, path)
                    examples = text.split("\nExamples:\n")[1].splitlines()
                    self.assertTrue(examples, path)
                    self.assertTrue(any(" ".join((program, *path)) in line.replace("\\", "") for line in examples) or
                                    path[-1] in text.split("\nExamples:\n")[1], (path, examples))
                if program == "valetkeyd" and path:
                    self.assertIn("--data-dir", text, path)
                    self.assertIn("--keyring", text, path)

    def test_wrong_usage_is_one_line_of_ours(self):
        for program, words, said in (
                ("valetkeyd", ["int"], "did you mean `init`?"),
                ("valetkeyd", ["accounts"], "did you mean `account`?"),
                ("valetkeyd", ["account"], "account needs a sub-command: create, list,"),
                ("valetkeyd", ["account", "show", "123"], "there is no command `account show`"),
                ("valetkeyd", ["version"], "did you mean `--version`?"),
                ("valetkeyd", [], "a command is missing: init,"),
                ("valetkeyd", ["backup", "x", "/path", "--datadir"], "takes DEST and nothing more"),
                ("valetkeyd", ["token", "create", "--scope", "foo"], "did you mean --scopes?"),
                ("valetkeyd", ["account", "set", "1", "--bytes-per-day", "1XB"], "takes a size such as"),
                ("valetkeyd", ["serve", "--ready-fd", "x"], "takes a whole number from 0"),
                ("valetkeyd", ["account", "list"], "--data-dir DIR, or VALETKEY_DATA_DIR"),
                ("valetkey", ["snyc"], "did you mean `sync`?"),
                ("valetkey", [], "a command is missing:"),
                ("valetkey", ["query"], "query needs SQL"),
                ("valetkey", ["query", "SELECT 1", "--cache-limit", "12 apples"], "takes a size such as"),
                ("valetkey", ["sync", "--connections", "0"], "takes a whole number from 1 to 256"),
                ("valetkey", ["ls", "--type", "event"], "takes decisions or events"),
                ("valetkey", ["ls", "--date", "tomorrow-ish"], ""),
                ("valetkey", ["sync", "--output"], "--output needs a value"),
                ("valetkey", ["credentials-server", "--exec"], "--exec needs a command"),
                ("valetkey", ["--api", "x", "ls"], "goes behind a command")):
            done = run(program, *words)
            self.assertEqual((2, ""), (done.returncode, done.stdout), (words, done.stderr))
            self.assertRegex(done.stderr, rf"\A{program}: [^\n]+\n\Z", words)
            self.assertIn(said, done.stderr, words)

    def test_sizes_take_units(self):
        with tempfile.TemporaryDirectory() as folder:
            place = ("--data-dir", f"{folder}/data")
            self.assertEqual(0, run("valetkeyd", "init", *place).returncode)
            self.assertEqual(0, run("valetkeyd", "account", "create", "1", *place).returncode)
            for text, size in (("1GB", 10**9), ("10MiB", 10 << 20), ("500", 500), ("0", 0)):
                done = run("valetkeyd", "account", "set", "1", "--bytes-per-day", text, "--json", *place)
                self.assertIn(f'"bytes_per_day":{size}', done.stdout, done.stderr)


BASH = r"""
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
"_${COMP_WORDS[0]}" "${COMP_WORDS[0]}" 2>&1
printf '%s\n' "${COMPREPLY[@]}"
"""


class Completion(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        (self.folder / "export.d").mkdir()

    def script(self, shell: str, program: str) -> pathlib.Path:
        done = run(program, "completion", shell)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        path = self.folder / f"{program}.{shell}"
        path.write_text(done.stdout)
        return path

    def bash(self, *words: str) -> list[str]:
        done = subprocess.run(["bash", "--norc", "-c", BASH, "bash", str(self.script("bash", words[0])), *words],
                              capture_output=True, text=True, timeout=60, cwd=self.folder, env=clean_environment())
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        return done.stdout.split()

    def test_bash_completes_commands_options_choices_and_files(self):
        self.assertEqual(["account", "audit"], self.bash("valetkeyd", "a"))
        self.assertIn("suspend", self.bash("valetkeyd", "account", ""))
        self.assertEqual(["sync"], self.bash("valetkey", "sy"))
        self.assertEqual(["--bucket"], self.bash("valetkey", "ls", "--b"))
        self.assertEqual(["--data-dir"], self.bash("valetkeyd", "token", "create", "--da"))
        self.assertEqual(["decisions", "events"], self.bash("valetkey", "ls", "--type", ""))
        self.assertEqual(["events"], self.bash("valetkey", "ls", "--type", "=", "e"))
        self.assertEqual(["export.d"], self.bash("valetkeyd", "import", "export"))
        self.assertEqual(["export.d"], self.bash("valetkey", "sync", "-o", "exp"))
        self.assertEqual([], self.bash("valetkeyd", "token", "create", "--name", ""))
        # A value is no command, whatever it is called.
        self.assertEqual(["--workers"], self.bash("valetkeyd", "--data-dir", "account", "import", "--wo"))
        self.assertEqual(["aws"], self.bash("valetkey", "configure", ""))

    def test_a_bash_at_a_keyboard_takes_it(self):
        done = subprocess.run(["bash", "--norc", "-c", f'source "{self.script("bash", "valetkeyd")}"; complete -p valetkeyd'],
                              capture_output=True, text=True, timeout=60, env=clean_environment())
        self.assertEqual("complete -F _valetkeyd valetkeyd\n", done.stdout, done.stderr)

    def test_zsh_and_fish_take_theirs(self):
        shells = [shell for shell in ("zsh", "fish") if shutil.which(shell)]
        for shell in shells:
            for program in BOTH:
                done = subprocess.run([shell, "-n", str(self.script(shell, program))], capture_output=True, text=True,
                                      timeout=60, env=clean_environment())
                self.assertEqual((0, ""), (done.returncode, done.stdout + done.stderr))
        if "fish" in shells:
            asked = [f"source {self.script('fish', 'valetkey')}; complete -C '{line}'"
                     for line in ("valetkey sy", "valetkey ls --type ", "valetkey ls --buck")]
            for line, expected in zip(asked, ("sync", "events", "--bucket")):
                done = subprocess.run(["fish", "--no-config", "-c", line], capture_output=True, text=True, timeout=60,
                                      env={**clean_environment(), "HOME": str(self.folder)})
                self.assertIn(expected, [found.split("\t")[0] for found in done.stdout.splitlines()], done.stderr)
        if len(shells) < 2:
            self.skipTest("zsh or fish is not installed: their scripts are not tried")


class Manual(unittest.TestCase):
    def test_it_is_clean_and_has_every_command(self):
        if not shutil.which("groff"):
            self.skipTest("groff is not installed")
        for program in BOTH:
            page = run(program, "manual").stdout
            done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-rLL=100n"], input=page, capture_output=True,
                                  text=True, timeout=60, env=clean_environment())
            self.assertEqual((0, ""), (done.returncode, done.stderr))
            shown = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)
            for path in commands(program):
                if path:
                    self.assertRegex(shown, rf"(?m)^ +{' '.join(path)}$", path)
            for part in ("NAME", "SYNOPSIS", "EXIT STATUS", "SEE ALSO", "EXAMPLES"):
                self.assertIn(part, shown)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""What people see and type: help, wrong words, completion in real shells, the manual, progress in a real window."""
import fcntl
import os
import pathlib
import pty
import re
import select
import shutil
import struct
import subprocess
import tempfile
import termios
import time
import unicodedata
import unittest

import trees
from server import PROGRAMS, ServedCase, clean_environment, main

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
                ("valetkeyd", ["serve", "--api-listen", "8080"], "--api-listen takes an address and a port such as 127.0.0.1:8080"),
                ("valetkeyd", ["token", "create", "--expires", "90"], "--expires takes a whole number and a unit such as 90d"),
                ("valetkeyd", ["token", "create", "--scopes", "all"], "--scopes takes export, tokens, or both"),
                ("valetkeyd", ["account", "set", "1", "--retention", "36h"], "takes whole days or weeks such as 30d or 4w, or none"),
                ("valetkeyd", ["account", "create", "x1"], "ID takes an account's id of 1 to 20 digits, such as 12345, not `x1`"),
                ("valetkeyd", ["account", "usage", "--since", "24h"], "--since takes a date such as 2026-01-31, today,"),
                ("valetkeyd", ["audit", "--until", "soon"], "--until takes a date such as 2026-01-31, an instant"),
                ("valetkeyd", ["user", "create", "a@b.example", "--role", "boss"], "--role takes member, admin or operator"),
                ("valetkeyd", ["user", "create", "ada", "--role", "member"], "EMAIL takes an e-mail address such as"),
                ("valetkeyd", ["keys", "rotate", "--activate-in", "-1s"], "from 0s to 365d, not `-1s`"),
                ("valetkey", ["sync", "--last", "30"], "--last takes whole days or weeks such as 30d or 4w, not `30`"),
                ("valetkey", ["ls", "--wait", "forever"], "--wait takes a whole number and a unit such as 90d"),
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
        self.assertEqual(["aws", "share"], self.bash("valetkey", "configure", ""))
        self.assertEqual(["admin"], self.bash("valetkeyd", "user", "role", "ada@example.org", "ad"))

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


class FullDisk(unittest.TestCase):
    def test_output_that_cannot_be_written_is_told_with_its_reason(self):
        said = "the output cannot be written: No space left on device; make room in what it goes to, or send it " \
               "elsewhere\n"
        with tempfile.TemporaryDirectory() as folder:
            data = ("--data-dir", str(pathlib.Path(folder) / "data"))
            for program, words in (
                    *((program, words) for program in BOTH for words in (
                        ["--help"], ["--version"], ["manual"], ["completion", "bash"], ["completion", "fish"])),
                    ("valetkeyd", ["config"]), ("valetkeyd", ["init", *data]),
                    ("valetkeyd", ["account", "create", "12", "--name", "a", *data]),
                    ("valetkeyd", ["account", "list", *data])):
                with open("/dev/full", "w", encoding="utf-8") as full:
                    done = subprocess.run([str(PROGRAMS.resolve() / program), *words], stdout=full,
                                          stderr=subprocess.PIPE, text=True, timeout=60, stdin=subprocess.DEVNULL,
                                          env=clean_environment())
                self.assertEqual(1, done.returncode, words)
                self.assertEqual(f"{program}: {said}", done.stderr.splitlines(keepends=True)[-1], words)

    def test_a_reader_who_has_enough_is_no_fault(self):
        for program in BOTH:
            for words in ("manual", "--help", "completion bash"):
                done = subprocess.run(["bash", "-c", f"'{PROGRAMS.resolve() / program}' {words} | head -1"],
                                      capture_output=True, text=True, timeout=60, env=clean_environment())
                self.assertEqual("", done.stderr, words)


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


class Window:
    """A terminal of so many columns, which counts what a real one would have to wrap or scroll."""

    def __init__(self, columns: int, *command: str, environment: dict[str, str]):
        self.columns, self.output = columns, b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(command[0], command, {**clean_environment(), **environment})
        self.resize(columns)

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def read(self, seconds: float = 60, until=lambda output: False) -> str:
        """What came until the program ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until(self.output):
            if not select.select([self.fd], [], [], 0.1)[0]:
                continue
            try:
                came = os.read(self.fd, 65536)
            except OSError:
                came = b""
            if not came:
                break
            self.output += came
        return self.output.decode()

    def end(self) -> str:
        text = self.read()
        os.waitpid(self.pid, 0)
        os.close(self.fd)
        return text


def drawn(text: str) -> list[str]:
    """The lines that stood on the screen, one after the other, without what moves the cursor."""
    return [re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", piece) for piece in re.split(r"[\r\n]+", text)]


class Progress(ServedCase):
    options = {"config": "[limits]\naccount_bytes_per_s = 30000000\n"}  # so that there is something to watch

    @classmethod
    def prepare(cls):
        cls.token = cls.server.make_account("123")
        day = "v1/account_id=123/type=events/date=2026-01-31"
        trees.plain_tree(cls.server.folder / "tree", {
            f"{day}/event=日本語の購入 {i}/part-0.bin": trees.content_of(1 << 20, str(i)) for i in range(60)})
        cls.server.run("import", str(cls.server.folder / "tree"))

    def window(self, columns: int, *words: str) -> Window:
        return Window(columns, str(PROGRAMS.resolve() / "valetkey"), *words,
                      environment={"VALETKEY_API": self.server.api, "VALETKEY_TOKEN": self.token,
                                   "HOME": str(self.server.folder), "TERM": "xterm-256color"})

    def test_the_bar_never_wraps_nor_scrolls(self):
        for width in (40, 80, 200):
            window = self.window(width, "sync", "--connections", "1", "-o", str(self.server.folder / f"out{width}"))
            text = window.end()
            bars = [line for line in drawn(text) if " %" in line]
            self.assertTrue(bars, text)
            for line in bars:
                self.assertLess(columns(line), width, line)
            self.assertEqual(1, text.count("\n"), text)  # of the last line, which says what was done

    def test_the_bar_follows_the_window(self):
        window = self.window(200, "sync", "--connections", "1", "-o", str(self.server.folder / "resized"))
        window.read(until=lambda output: b" %" in output)
        before = len(window.output)
        window.resize(40)
        after = window.end()[before - 10:]
        bars = [line for line in drawn(after) if " %" in line]
        self.assertTrue(bars[1:], after)
        for line in bars[1:]:  # the first may have been on its way
            self.assertLess(columns(line), 40, line)

    def test_a_listing_fits_the_window(self):
        for width in (40, 80, 200):
            text = self.window(width, "ls", "type=events/date=2026-01-31/").end()
            for line in drawn(text):
                self.assertLessEqual(columns(line), width, line)
            self.assertEqual(width < 60, "not shown" in text, text)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""The container image of script/image: a sound OCI layout, and a server that runs from it as its unprivileged user, with
nothing of this machine's files in sight. No container engine is needed, only root (or root in a namespace)."""
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tarfile
import tempfile
import unittest

import requests

import load
import trees
from server import eventually, free_ports, main

LIMIT = 120_000_000


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("mmdebstrap"):
            raise unittest.SkipTest("mmdebstrap is not installed: run script/bootstrap image")
        made = subprocess.run([str(trees.ROOT / "script/image"), "--no-build"], cwd=trees.ROOT, capture_output=True, text=True,
                              timeout=280, stdin=subprocess.DEVNULL)
        if "could not fetch Debian's packages" in made.stderr:
            raise unittest.SkipTest(f"no image without Debian's packages: {made.stderr.strip()}")
        assert made.returncode == 0, made.stderr
        image, = (trees.ROOT / "build/image").glob("*.oci.tar")
        with tarfile.open(image) as layout:
            cls.blobs = {name: layout.extractfile(name).read() for name in layout.getnames()}

    def blob(self, digest: str) -> bytes:
        return self.blobs["blobs/" + digest.replace(":", "/")]

    def manifest(self) -> dict:
        listed, = json.loads(self.blobs["index.json"])["manifests"]
        return json.loads(self.blob(listed["digest"]))

    def config(self) -> dict:
        return json.loads(self.blob(self.manifest()["config"]["digest"]))

    def unpack(self, folder: pathlib.Path) -> pathlib.Path:
        root = folder / "root"
        root.mkdir()
        layer, = self.manifest()["layers"]
        subprocess.run(["tar", "-xz", "--numeric-owner", "-p", "-C", root], input=self.blob(layer["digest"]), check=True,
                       timeout=120)
        return root

    def test_the_layout_is_sound_and_small(self):
        self.assertEqual({"imageLayoutVersion": "1.0.0"}, json.loads(self.blobs["oci-layout"]))
        for name, content in self.blobs.items():
            if name.startswith("blobs/sha256/"):
                self.assertEqual(name.rsplit("/", 1)[1], hashlib.sha256(content).hexdigest())
        layer, = self.manifest()["layers"]
        self.assertEqual(layer["size"], len(self.blob(layer["digest"])))
        self.assertLess(layer["size"], LIMIT)
        self.assertEqual("10001:10001", self.config()["config"]["User"])

    def test_nothing_in_it_helps_an_intruder(self):
        with tempfile.TemporaryDirectory() as scratch:
            root = self.unpack(pathlib.Path(scratch))
            self.assertEqual({"valetkeyd", "valetkey", "curl"}, {path.name for path in (root / "usr/bin").iterdir()})
            self.assertEqual([], [path for path in root.rglob("*") if path.name in ("sh", "bash", "dash", "perl", "apt-get")])
            for path in root.rglob("*"):
                mode = path.lstat().st_mode
                self.assertFalse(mode & (stat.S_ISUID | stat.S_ISGID), path)
                if not path.is_symlink() and path != root / "tmp":
                    self.assertFalse(mode & stat.S_IWOTH, path)

    @contextlib.contextmanager
    def serving(self, inside, config: dict, probe: list[str], environment: dict[str, str]):
        """The server of the image, ready by `probe`; at the end it must stop as asked."""
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(inside(*config["Entrypoint"], *config["Cmd"]), env=environment, stdout=log, stderr=log)
            try:
                ready = eventually(lambda: subprocess.run(inside(*probe), capture_output=True, timeout=30).returncode == 0, 30)
                log.seek(0)
                self.assertTrue(ready, log.read().decode())
                yield process
                process.send_signal(signal.SIGTERM)
                self.assertEqual(0, process.wait(timeout=60))
            finally:
                if process.poll() is None:
                    process.kill()

    def test_it_serves_as_its_user(self):
        if os.geteuid() != 0:
            self.skipTest("only root may change the root folder and the user: run this test as root")
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        folder = pathlib.Path(scratch.name)
        folder.chmod(0o755)
        root, config = self.unpack(folder), self.config()["config"]
        api, s3, admin = free_ports(3)
        environment = dict(each.split("=", 1) for each in config["Env"]) | {
            "VALETKEY_LISTEN_API": f"127.0.0.1:{api}", "VALETKEY_LISTEN_S3": f"127.0.0.1:{s3}",
            "VALETKEY_LISTEN_ADMIN": f"127.0.0.1:{admin}"}

        def inside(*command: str) -> list[str]:
            return ["/usr/sbin/chroot", f"--userspec={config['User']}", str(root), *command]

        def run(*command: str) -> str:
            done = subprocess.run(inside(*command), env=environment, capture_output=True, text=True, timeout=120)
            self.assertEqual(0, done.returncode, f"{command}: {done.stderr}")
            return done.stdout

        run(*config["Entrypoint"], "init", "--if-missing")
        run(*config["Entrypoint"], "init", "--if-missing")
        run(*config["Entrypoint"], "account", "create", "123", "--name", "Example Shop")
        kind, *probe = config["Healthcheck"]["Test"]
        self.assertEqual("CMD", kind)
        probe = [each.replace("8081", str(admin)) for each in probe]
        with self.serving(inside, config, probe, environment) as process:
            self.assertEqual(10001, os.stat(f"/proc/{process.pid}").st_uid)
            answer = requests.post(f"http://127.0.0.1:{api}/v1/events", timeout=20,
                                   json=load.body("123", "v", [load.conversion("1", "purchase")]))
            self.assertEqual(204, answer.status_code, answer.text)
            engine = requests.get(f"http://127.0.0.1:{api}/v2/console/config", timeout=20).json()["engine"]
            fetched = requests.get(f"http://127.0.0.1:{api}{engine['url']}", timeout=60)
            self.assertEqual(("gzip", b"\0asm"), (fetched.headers["Content-Encoding"], fetched.content[:4]))
            self.assertIn("1 event exported", run(*config["Entrypoint"], "export"))
        # As a secret is mounted in Kubernetes: root's, readable by the group.
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-subj", "/CN=localhost", "-keyout", root / "tls.key", "-out", root / "tls.crt"], check=True,
                       capture_output=True, timeout=60)
        os.chown(root / "tls.key", 0, 10001)
        (root / "tls.key").chmod(0o440)
        environment |= {"VALETKEY_TLS_CERTIFICATE": "/tls.crt", "VALETKEY_TLS_KEY": "/tls.key"}
        with self.serving(inside, config, ["/usr/bin/curl", "-kfsS", f"https://127.0.0.1:{admin}/readyz"], environment):
            pass


if __name__ == "__main__":
    main()

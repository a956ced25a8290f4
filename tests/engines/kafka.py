#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Real Kafka brokers on loopback (KRaft, each broker and controller at once), of Maven's jars and Debian's Java.

    tests/engines/kafka.py get               fetch the jars into the cache, and check each of them: once
    tests/engines/kafka.py up FOLDER [3]     start one broker, or three; FOLDER/engine.json says where they are
    tests/engines/kafka.py fixture FOLDER [3]   the same, for ctest: what was left of an earlier run ends first
    tests/engines/kafka.py kill FOLDER N     kill -9 of broker N (from 1)
    tests/engines/kafka.py start FOLDER N    start it again, with what it had
    tests/engines/kafka.py down FOLDER       end what was started from FOLDER, and remove the folder

Each broker listens twice: in the clear, for the others and for tests, and with TLS and a password. Nothing listens beyond
loopback. VALETKEY_KAFKA names the folder of the jars; without it, they lie in the cache.
"""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

from ports import free_ports  # noqa: E402

VERSION = "4.1.1"
SUMS = pathlib.Path(__file__).with_name("kafka.sha256")  # of each jar: what Maven gives is not taken on trust
LIBRARIES = pathlib.Path(os.environ.get("VALETKEY_KAFKA") or pathlib.Path.home() / f".cache/valetkey-kafka-{VERSION}")
USER, PASSWORD = "valetkey", "only for this test"

# kafka_2.13 names no binding of slf4j: without one there is no log at all.
POM = f"""\
<project><modelVersion>4.0.0</modelVersion>
<groupId>valetkey.test</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId>
<version>2.24.3</version></dependency>
</dependencies></project>
"""
LOGGING = """\
Configuration:
  Appenders: {Console: {name: out, PatternLayout: {pattern: "%d %p %m (%c)%n"}}}
  Loggers: {Root: {level: INFO, AppenderRef: [{ref: out}]}}
"""
# broker.session.timeout.ms: a lost broker is noticed after so long (9 s by default).
CONFIGURATION = """\
process.roles=broker,controller
node.id={id}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{plain},SECURE://127.0.0.1:{secure},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{plain},SECURE://127.0.0.1:{secure}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512,SCRAM-SHA-256
listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";
listener.name.secure.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={folder}/broker.pem
log.dirs={folder}/{id}
auto.create.topics.enable=false
default.replication.factor={brokers}
min.insync.replicas={in_sync}
unclean.leader.election.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor={brokers}
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor={brokers}
transaction.state.log.min.isr={in_sync}
num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=4194304
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
"""


class Failed(Exception):
    pass


def sums() -> dict[str, str]:
    return {name: wanted for wanted, name in (line.split() for line in SUMS.read_text().splitlines())}


def wrong_jars(folder: pathlib.Path) -> list[str]:
    """Those that are missing or not what was pinned, and those that nobody pinned."""
    found = {path.name for path in folder.glob("*.jar")}
    wrong = [name for name, wanted in sums().items()
             if name not in found or hashlib.sha256((folder / name).read_bytes()).hexdigest() != wanted]
    return sorted(wrong + list(found - sums().keys()))


def missing() -> str:
    """What keeps brokers from running here, as a sentence; empty: nothing."""
    if not shutil.which("java"):
        return "there is no Java here (script/bootstrap engines)"
    if not LIBRARIES.is_dir():
        return "Kafka's jars are not in the cache (tests/engines/kafka.py get)"
    if wrong := wrong_jars(LIBRARIES):
        return f"{wrong[0]} in {LIBRARIES} is not as tests/engines/kafka.sha256 has it: remove the folder and get it anew"
    return ""


def get() -> None:
    if LIBRARIES.is_dir() and not wrong_jars(LIBRARIES):
        return
    if not shutil.which("mvn"):
        raise Failed("Maven fetches Kafka's jars, and is not here (script/bootstrap engines)")
    LIBRARIES.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=LIBRARIES.parent) as scratch:
        pom = pathlib.Path(scratch) / "pom.xml"
        pom.write_text(POM)
        jars = pathlib.Path(scratch) / "jars"
        done = subprocess.run(["mvn", "-q", "-B", "-f", pom, "dependency:copy-dependencies", "-DincludeScope=runtime",
                               f"-DoutputDirectory={jars}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise Failed("Maven could not fetch Kafka's jars: " + done.stdout.strip()[-500:])
        if wrong := wrong_jars(jars):
            raise Failed("what Maven fetched is not what tests/engines/kafka.sha256 pins: " + ", ".join(wrong))
        shutil.rmtree(LIBRARIES, ignore_errors=True)
        jars.rename(LIBRARIES)


def java(folder: pathlib.Path, *words: str) -> list[str]:
    # A broker in a test needs little: the first compiler alone starts sooner, and the serial collector is small.
    return ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xms256m", "-Xmx256m",
            f"-Dlog4j2.configurationFile={folder}/log4j2.yaml", "-cp", f"{LIBRARIES}/*", *words]


class Kafka:
    def __init__(self, folder: str | pathlib.Path):
        self.folder = pathlib.Path(folder).resolve()

    def where(self) -> dict:
        return json.loads((self.folder / "engine.json").read_text())

    def up(self, brokers: int = 1) -> dict:
        if self.folder.exists():
            raise Failed(f"{self.folder} exists: end what runs from it with `down` first")
        if why := missing():
            raise Failed(why)
        self.folder.mkdir(parents=True)
        (self.folder / "log4j2.yaml").write_text(LOGGING)
        self._make_certificate()
        ports = [free_ports(3) for _ in range(brokers)]
        self._configure(ports)
        children = [self._spawn(number) for number in range(1, brokers + 1)]
        for number, child in enumerate(children, 1):
            self._wait(number, child)
        where = {"engine": "kafka", "brokers": [f"127.0.0.1:{plain}" for plain, _, _ in ports],
                 "secure": [f"127.0.0.1:{secure}" for _, secure, _ in ports], "ca_file": f"{self.folder}/ca.pem",
                 "username": USER, "password": PASSWORD}
        (self.folder / "engine.json").write_text(json.dumps(where, indent=1))
        return where

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], check=True, cwd=self.folder, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _make_certificate(self) -> None:
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test authority",
                      "-keyout", "ca.key", "-out", "ca.pem")
        self._openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-keyout", "broker.key",
                      "-out", "broker.csr")
        (self.folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
        self._openssl("x509", "-req", "-in", "broker.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                      "-days", "2", "-extfile", "names", "-out", "broker.crt")
        pair = self.folder / "broker.pem"
        pair.write_text((self.folder / "broker.key").read_text() + (self.folder / "broker.crt").read_text())
        pair.chmod(0o600)

    def _configure(self, ports: list[list[int]]) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        voters = ",".join(f"{number}@127.0.0.1:{controller}" for number, (_, _, controller) in enumerate(ports, 1))
        formats = []
        for number, (plain, secure, controller) in enumerate(ports, 1):
            path = self.folder / f"{number}.properties"
            path.write_text(CONFIGURATION.format(
                id=number, voters=voters, plain=plain, secure=secure, controller=controller, folder=self.folder,
                brokers=len(ports), in_sync=min(2, len(ports)), user=USER, password=PASSWORD))
            words = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(path)]
            for mechanism in ("SCRAM-SHA-512", "SCRAM-SHA-256"):
                words += ["--add-scram", f"{mechanism}=[name={USER},password=\"{PASSWORD}\"]"]
            formats.append(subprocess.Popen(java(self.folder, *words), stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        for each in formats:
            said, _ = each.communicate(timeout=120)
            if each.returncode:
                raise Failed("a broker's folder could not be made: " + said.strip()[-500:])

    def _spawn(self, number: int) -> subprocess.Popen:
        with open(self.folder / f"{number}.log", "wb") as log:
            child = subprocess.Popen(java(self.folder, "kafka.Kafka", str(self.folder / f"{number}.properties")),
                                     stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        (self.folder / f"{number}.pid").write_text(str(child.pid))
        return child

    def _wait(self, number: int, child: subprocess.Popen) -> None:
        """It says so once it is registered and may lead."""
        log = self.folder / f"{number}.log"
        deadline = time.monotonic() + 110
        while time.monotonic() < deadline:
            if b"Kafka Server started" in log.read_bytes():
                return
            if child.poll() is not None:
                raise Failed(f"broker {number} ended at its start: " + log.read_text()[-500:])
            time.sleep(0.1)
        raise Failed(f"broker {number} was not ready after 110 s")

    def start(self, number: int, wait: bool = True) -> None:
        child = self._spawn(number)
        if wait:
            self._wait(number, child)

    def kill(self, number: int, with_signal: int = signal.SIGKILL) -> None:
        record = self.folder / f"{number}.pid"
        if not record.exists() or not self._is_ours(number):
            return
        pid = int(record.read_text())
        os.kill(pid, with_signal)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if os.waitpid(pid, os.WNOHANG)[0] == pid:
                    break
            except ChildProcessError:
                if not self._is_ours(number):
                    break
            time.sleep(0.02)
        record.unlink()

    def pause(self, number: int) -> None:
        os.kill(int((self.folder / f"{number}.pid").read_text()), signal.SIGSTOP)

    def resume(self, number: int) -> None:
        os.kill(int((self.folder / f"{number}.pid").read_text()), signal.SIGCONT)

    def down(self) -> None:
        for record in self.folder.glob("*.pid"):
            self.kill(int(record.stem))
        shutil.rmtree(self.folder, ignore_errors=True)

    def _is_ours(self, number: int) -> bool:
        # A process id may have been given to another since: it must be ours, by our folder.
        try:
            pid = int((self.folder / f"{number}.pid").read_text())
            return f"{self.folder}/" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            return False


def main(words: list[str]) -> int:
    try:
        if words == ["get"]:
            get()
            return 0
        if len(words) not in (2, 3):
            print(__doc__.strip(), file=sys.stderr)
            return 2
        command, kafka, number = words[0], Kafka(words[1]), int((words[2:] or ["1"])[0])
        if command == "up":
            print(json.dumps(kafka.up(number)))
        elif command == "fixture":
            kafka.down()
            if why := missing():
                print(f"skipped: {why}")
                return 77
            print(json.dumps(kafka.up(number)))
        elif command in ("kill", "start"):
            getattr(kafka, command)(number)
        elif command == "down":
            kafka.down()
        else:
            print(__doc__.strip(), file=sys.stderr)
            return 2
    except Failed as failure:
        print(f"kafka: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

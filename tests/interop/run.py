# SPDX-License-Identifier: Apache-2.0
"""Runs each client by each way against a real server, and compares what it read with what is there. See script/interop."""
import collections
import concurrent.futures
import dataclasses
import functools
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import typing

import fetch
import pasted
import stage
from fetch import CLIENTS, VERSIONS, Skipped
from stage import BUCKET, DAY, FILES, SDKS, TABLES, WAYS, Stage

LONGEST = 300  # seconds of one job
# A job that lasts four lives of credentials as short as an engine that renews them should be given.
HOURS_LIVES, HOURS_SECONDS = "10m", 4 * 600 + 60


@dataclasses.dataclass(frozen=True)
class Client:
    name: str
    version: str
    account: str
    ways: str
    command: typing.Callable[[str, str, pathlib.Path], list[str]]  # of way, key prefix and the client's own folder
    real_time: bool = False


def script(group: str, name: str, *more) -> typing.Callable:
    """A Python client; `more`: words, or functions of way and folder that give one."""
    def command(way: str, prefix: str, home: pathlib.Path) -> list[str]:
        return [fetch.python(group), "-B", CLIENTS / f"{name}.py", BUCKET, prefix, *(each(way, home) for each in more)]
    return command


def aws_cli(way: str, prefix: str, home: pathlib.Path) -> list[str]:
    python = fetch.python("aws")
    return [python, "-B", CLIENTS / "aws_cli.py", pathlib.Path(python).parent / "aws", BUCKET, prefix, home / "got"]


def s5cmd(way: str, prefix: str, home: pathlib.Path) -> list[str]:
    program = fetch.go("s5cmd", "github.com/peak/s5cmd/v2")
    return ["env", "AWS_SDK_LOAD_CONFIG=1", "/usr/bin/python3", "-B", CLIENTS / "s5cmd_objects.py", program, BUCKET, prefix,
            home / "got"]


def s3a_provider(way: str, home: pathlib.Path) -> str:
    return {"P": "org.apache.hadoop.fs.s3a.auth.ProfileAWSCredentialsProvider",
            "E": "org.apache.hadoop.fs.s3a.TemporaryAWSCredentialsProvider"}.get(
        way, "software.amazon.awssdk.auth.credentials.ContainerCredentialsProvider")


PYPI = fetch.version_of
ICEBERG = " with Iceberg " + VERSIONS["maven"]["iceberg41"][0].split(":")[2].rstrip("!")
CLIENTS_RUN = [
    Client("awscli", PYPI("aws", "awscli"), FILES, "PLAE", aws_cli),
    Client("boto3", PYPI("aws", "boto3"), FILES, "PLAE", script("aws", "boto3_objects")),
    Client("pandas", PYPI("frames", "pandas") + " with s3fs " + PYPI("frames", "s3fs"), TABLES, "PLAE",
           script("frames", "pandas_tables")),
    Client("pyarrow", PYPI("frames", "pyarrow"), TABLES, "PLAE", script("frames", "pyarrow_tables")),
    Client("polars", PYPI("polars", "polars"), TABLES, "PLAE", script("polars", "polars_tables")),
    Client("duckdb", PYPI("duckdb", "duckdb"), TABLES, "PLAE", script("duckdb", "duckdb_tables")),
    # Through the doors to the tables: each loads its table again, which is how it gets credentials that are fresh.
    Client("pyiceberg", PYPI("iceberg", "pyiceberg[pyarrow]"), TABLES, "A", script("iceberg", "pyiceberg_tables")),
    Client("polars-iceberg", PYPI("iceberg", "polars"), TABLES, "A", script("iceberg", "polars_iceberg_tables")),
    Client("duckdb-iceberg", PYPI("duckdb_iceberg", "duckdb-extension-iceberg"), TABLES, "A",
           script("duckdb_iceberg", "duckdb_iceberg_tables")),
    Client("delta-sharing", PYPI("sharing", "delta-sharing"), TABLES, "A", script("sharing", "sharing_tables")),
    Client("clickhouse", "by chdb " + PYPI("clickhouse", "chdb"), TABLES, "A", script("clickhouse", "clickhouse_tables")),
    Client("spark-iceberg", PYPI("spark", "pyspark") + ICEBERG, TABLES, "A",
           script("spark", "spark_iceberg_tables", lambda way, home: fetch.jars("iceberg41")), True),
    Client("spark35-iceberg", PYPI("spark35", "pyspark") + ICEBERG, TABLES, "A",
           script("spark35", "spark_iceberg_tables", lambda way, home: fetch.jars("iceberg35")), True),
    Client("rust", VERSIONS["cargo"]["aws-sdk-s3"].lstrip("="), FILES, "PLA",
           lambda way, prefix, home: [fetch.cargo("objects"), BUCKET, prefix, "3"]),
    Client("go", VERSIONS["go"]["objects"]["github.com/aws/aws-sdk-go-v2/service/s3"], FILES, "PLA",
           lambda way, prefix, home: [fetch.go("objects", ".", CLIENTS / "go"), BUCKET, prefix, str(stage.SECONDS)], True),
    Client("s5cmd", VERSIONS["go"]["s5cmd"]["github.com/peak/s5cmd/v2"], FILES, "PLA", s5cmd, True),
    Client("java", VERSIONS["maven"]["aws"][0].split(":")[2], FILES, "PLA",
           lambda way, prefix, home: [*fetch.java("aws", "Objects"), BUCKET, prefix, str(stage.SECONDS)], True),
    Client("spark", PYPI("spark", "pyspark") + " with hadoop-aws " + VERSIONS["maven"]["spark"][0].split(":")[2].rstrip("!"),
           TABLES, "PLA", script("spark", "spark_tables", s3a_provider, lambda way, home: fetch.jars("spark")), True),
]


STAGES: dict[bool | str, Stage] = {}


def staged(real_time: bool) -> Stage:
    if real_time not in STAGES:
        STAGES[real_time] = Stage(real_time)
    return STAGES[real_time]


@functools.cache
def staged_for_hours() -> Stage:
    STAGES["hours"] = Stage(True, HOURS_LIVES, HOURS_SECONDS)
    return STAGES["hours"]


def vended(scene: Stage) -> int:
    """How often credentials were given out so far, at whichever door."""
    doors = ("iceberg.load", "iceberg.credentials", "sharing.query")
    return scene.server.exchanges() + sum(each["action"] in doors for each in scene.server.audit())


def read_back(client: Client, way: str, scene: Stage | None = None) -> str:
    """What is worth saying of a job that read what it should; raises AssertionError otherwise."""
    scene = scene or staged(client.real_time)
    with tempfile.TemporaryDirectory(dir=scene.folder) as folder:
        home = pathlib.Path(folder)
        # Of files one day: as the clock runs, the server adds _SUCCESS of days that end.
        prefix = f"v1/account_id={client.account}/{DAY if client.account == FILES else ''}"
        command = client.command(way, prefix, home)
        words, environment = scene.way(way, client.account, home)
        before = vended(scene)
        said = run([*words, *map(str, command)], environment, home, scene)
        found = json.loads(said.splitlines()[-1])
        exchanges = vended(scene) - before
    wanted = scene.truth if client.account == TABLES else scene.hashes
    if found != wanted:
        odd = {key: (wanted.get(key), found.get(key)) for key in wanted.keys() | found.keys()
               if wanted.get(key) != found.get(key)}
        raise AssertionError(f"wanted and read differ: {odd}"[:600])
    if way == "E":
        return "one set of credentials"
    if exchanges < 2:
        raise AssertionError(f"credentials were exchanged {exchanges} times: none expired")
    return f"{exchanges} exchanges while credentials expired"


def for_hours() -> str:
    """Both Sparks, vectorized and not, beside each other."""
    scene = staged_for_hours()
    kinds = [(name, jars, vectorized) for name, jars in (("spark", "iceberg41"), ("spark35", "iceberg35"))
             for vectorized in ("true", "false")]
    clients = [Client(f"{name}, vectorized {vectorized}", PYPI(name, "pyspark"), TABLES, "A",
                      script(name, "spark_iceberg_tables", lambda way, home, jars=jars: fetch.jars(jars),
                             lambda way, home, vectorized=vectorized: vectorized), True)
               for name, jars, vectorized in kinds]
    for _, jars, _ in kinds:
        fetch.jars(jars)
    before, faults = vended(scene), []

    def one(client: Client) -> None:
        try:
            read_back(client, "A", scene)
        except AssertionError as fault:
            faults.append(f"{client.name}: {fault}")

    with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
        list(pool.map(one, clients))
    exchanges = vended(scene) - before
    if faults or exchanges < 4 * len(clients):
        raise AssertionError(f"{exchanges} exchanges; {'; '.join(faults)}")
    return f"{len(clients)} jobs of {HOURS_SECONDS} s with credentials of {HOURS_LIVES}: {exchanges} exchanges"


def run(command: list[str], environment: dict, home: pathlib.Path, scene: Stage) -> str:
    # Files, so that nobody waits for a pipe; a session, so that what a job started ends with it.
    with open(home / "out", "w") as out, open(home / "errors", "w") as errors:
        job = subprocess.Popen(command, env={**environment, "PYTHONPATH": str(CLIENTS)}, cwd=home, start_new_session=True,
                               stdin=subprocess.DEVNULL, stdout=out, stderr=errors)
    try:
        longest = LONGEST + float(environment.get("INTEROP_SECONDS", 0))
        status = job.wait(timeout=longest)
    except subprocess.TimeoutExpired:
        os.killpg(job.pid, signal.SIGKILL)
        job.wait()
        raise AssertionError(f"not done after {longest} s") from None
    said, errors = (home / "out").read_text(), (home / "errors").read_text()
    for secret in scene.server.secrets:
        if secret in said + errors:
            raise AssertionError("it printed a secret")
    if status:
        raise AssertionError(f"exit {status}: {' '.join(errors.split())[-600:]}")
    return said


def events_arrive(command: typing.Callable[[list], list], engine: str) -> str:
    """Optimizely's own SDK decides and tracks; the export holds what it returned to its caller."""
    import test_js_sdk
    visitors, scene, rules = 60, staged(False), test_js_sdk.Rules()
    before = scene.rows_exported()
    with tempfile.TemporaryDirectory(dir=scene.folder) as folder:
        told = run(list(map(str, command([f"{scene.server.api}/v1/events", test_js_sdk.DATAFILE, visitors]))),
                   stage.clean_environment(), pathlib.Path(folder), scene)
    calls = [json.loads(line) for line in told.splitlines()]
    if not stage.eventually(lambda: scene.rows_exported() - before >= len(calls), seconds=60):
        raise AssertionError(f"{len(calls)} calls, {scene.rows_exported() - before} rows")
    rows = [row for row in scene.rows_of(SDKS) if row["client_engine"] == engine]
    wanted = collections.Counter(
        (each["visitor"], *rules.decided(each)) if each["call"] == "decide" else
        (each["visitor"], each["event"], each["tags"]["revenue"], each["tags"]["value"]) for each in calls)
    found = collections.Counter(
        (row["visitor_id"], *(row[name] or None for name in ("campaign_id", "experiment_id", "variation_id")))
        if row["_part"].startswith("type=decisions/") else
        (row["visitor_id"], row["event_name"], row["revenue"], row["value"]) for row in rows)
    if wanted != found:
        raise AssertionError(f"missing {list((wanted - found).items())[:3]}, not told {list((found - wanted).items())[:3]}")
    return f"{len(calls)} calls are {len(rows)} rows"


def optimizely_python() -> str:
    program = fetch.python("optimizely")
    return events_arrive(lambda words: [program, "-B", CLIENTS / "optimizely_events.py", *words], "python-sdk")


def optimizely_java() -> str:
    program = fetch.java("optimizely", "OptimizelyEvents")
    return events_arrive(lambda words: [*program, *words], "java-sdk")


def console_spark() -> str:
    """What the console prints for Spark, run as it is printed."""
    scene = staged(True)
    web = stage.ROOT / "web"
    if not (web / "node_modules" / ".bin" / "esbuild").exists():
        raise Skipped("web/node_modules is missing; script/build installs it")
    with tempfile.TemporaryDirectory(dir=scene.folder) as made:
        home = pathlib.Path(made)
        place = {"api": scene.server.api, "endpoint": scene.server.s3, "bucket": BUCKET, "region": "us-east-1",
                 "prefix": f"v1/account_id={TABLES}/", "account": TABLES}
        subprocess.run([web / "node_modules" / ".bin" / "esbuild", web / "src" / "text" / "commands.ts", "--format=esm",
                        f"--outfile={home}/commands.mjs"], check=True, capture_output=True, timeout=60)
        printed = subprocess.run(
            ["node", "--input-type=module", "-e", f"import {{stepsFor}} from '{home}/commands.mjs'; console.log("
             f"stepsFor('spark', {json.dumps(place)}, 'my.token').map((step) => step.code).join('\\n'))"],
            check=True, capture_output=True, text=True, timeout=60).stdout
        bin_folder = pathlib.Path(fetch.python("spark")).parent
        # A Spark that has hadoop-aws, as the page asks for.
        settings = home / "conf"
        settings.mkdir()
        (settings / "spark-defaults.conf").write_text(
            f"spark.driver.extraClassPath {fetch.jars('spark')}/*\nspark.ui.enabled false\n")
        environment = {**stage.clean_environment(), "HOME": str(home), "SPARK_CONF_DIR": str(settings), "TERM": "dumb",
                       "PATH": f"{bin_folder}:{stage.clean_environment()['PATH']}"}
        environment.pop("AWS_CONFIG_FILE", None)
        done = subprocess.run(["bash", "-c", f"set -e -o pipefail\n{printed}"], input=scene.tokens[TABLES] + "\n",
                              capture_output=True, text=True, timeout=LONGEST, env=environment, cwd=home)
    if done.returncode or "only showing top 10 rows" not in done.stdout or "experiment_id" not in done.stdout:
        raise AssertionError(f"exit {done.returncode}: {done.stdout[-400:]} {done.stderr[-600:]}")
    return "ten rows by the command as it is printed"


# The nine queries of an export that the operator of this run has: $VALETKEY_INTEROP_EXPORT names the folder above v1.
NINE = {"duckdb": "duckdb_iceberg", "pyiceberg": "iceberg", "polars": "iceberg", "sharing": "sharing",
        "clickhouse": "clickhouse", "spark": "spark", "spark35": "spark35", "trino": "duckdb_iceberg"}


@functools.cache
def own_export(real_time: bool) -> tuple[pathlib.Path, str, str, dict]:
    """Its folder, a time and an event to ask for, and what a direct read of the files finds."""
    named = os.environ.get("VALETKEY_INTEROP_EXPORT")
    if not named:
        raise Skipped("VALETKEY_INTEROP_EXPORT names no export")
    scene = staged(real_time)
    [folder] = pathlib.Path(named).resolve().glob("v1/account_id=*")
    scene.take_in(pathlib.Path(named).resolve(), folder.name.removeprefix("account_id="))
    said = ["0", ""]
    for _ in range(2):  # first, what there is to ask for
        words = [fetch.python("duckdb_iceberg"), "-B", CLIENTS / "nine_queries.py", "files", folder, *said]
        with tempfile.TemporaryDirectory(dir=scene.folder) as home:
            found = json.loads(run(list(map(str, words)), stage.clean_environment(), pathlib.Path(home), scene))
        [[first, _, _]] = found["times"]
        said = [str(first + 30 * 60 * 1000), found["by event"][-1][0]]
    return folder, *said, found


def nine(engine: str) -> str:
    of_jvm = engine.startswith("spark") or engine == "trino"
    word = (json.dumps(fetch.new_java(25, "trino", "TrinoTables")) if engine == "trino" else
            fetch.jars("iceberg35" if engine == "spark35" else "iceberg41") if of_jvm else BUCKET)
    folder, cut, event, wanted = own_export(of_jvm)
    scene = staged(of_jvm)
    with tempfile.TemporaryDirectory(dir=scene.folder) as made:
        home = pathlib.Path(made)
        words, environment = scene.way("A", folder.name.removeprefix("account_id="), home)
        command = [fetch.python(NINE[engine]), "-B", CLIENTS / "nine_queries.py", engine.removesuffix("35"), word, cut, event]
        found = json.loads(run([*words, *map(str, command)], environment, home, scene).splitlines()[-1])
    odd = {name: (wanted[name], found.get(name)) for name in wanted if found.get(name) != wanted[name]}
    if odd:
        raise AssertionError(f"wanted and read differ: {odd}"[:600])
    return f"{len(found)} of {len(wanted)} queries as a direct read of the files"


LONG = "spark-for-hours"  # only where it is named


def jobs() -> dict[str, list[tuple[str, typing.Callable[[], str]]]]:
    """What there is to run, by name: a title and a function each."""
    found = {client.name: [(f"{client.name} {client.version} {WAYS[way]}", functools.partial(read_back, client, way))
                           for way in client.ways] for client in CLIENTS_RUN}
    found["optimizely-python"] = [(f"optimizely-python {PYPI('optimizely', 'optimizely-sdk')}", optimizely_python)]
    found["optimizely-java"] = [(f"optimizely-java {VERSIONS['maven']['optimizely'][0].split(':')[2]}", optimizely_java)]
    found["console-spark"] = [(f"what the console prints for Spark {PYPI('spark', 'pyspark')}", console_spark)]
    for engine in NINE:
        found[f"nine-{engine}"] = [(f"nine queries, {engine}", functools.partial(nine, engine))]
    found["demo"] = [("the three doors of script/demo", pasted.demo)]
    for engine in pasted.ENGINES:
        found[f"lines-{engine}"] = [(f"the lines of valetkey tables, {engine}",
                                     lambda engine=engine: pasted.lines(staged(True), engine))]
    found[LONG] = [("Spark for four lives of its credentials", for_hours)]
    return found


def main() -> int:
    known, counts = jobs(), collections.Counter()
    names = sys.argv[1:] or [name for name in known if name != LONG]
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"script/interop: unknown client {unknown[0]}; known are {', '.join(known)}", file=sys.stderr)
        return 2
    try:
        for title, job in (each for name in names for each in known[name]):
            try:
                outcome, why = "passed", job()
            except Skipped as reason:
                outcome, why = "skipped", str(reason)
            except (AssertionError, ValueError, subprocess.SubprocessError) as failure:
                outcome, why = "failed", " ".join(str(failure).split())
            counts[outcome] += 1
            print(f"{outcome:7}  {title}: {why}", flush=True)
    finally:
        for each in STAGES.values():
            each.close()
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""What an installation of several machines stands on: events into Kafka, beside librdkafka alone."""
import json
import pathlib
import subprocess
import sys
import tempfile
import uuid

from events import EVENTS_A_REQUEST, NO_EXPORT, discard, make_server, send
from server import PROGRAMS

ENGINES = pathlib.Path(__file__).resolve().parent.parent / "tests/engines"
sys.path.insert(0, str(ENGINES))
import kafka  # noqa: E402

CONNECTIONS = 256


def nodes(bench) -> None:
    """On all cores, the broker and the load generator among them: the same messages, as many on the way at once."""
    if why := kafka.missing():
        return bench.note(f"kafka.intake_events_per_s is left out: {why}")
    broker = kafka.Kafka(pathlib.Path(tempfile.mkdtemp(dir=bench.folder)) / "kafka")
    where = broker.up()["brokers"][0]
    topic = f"bench-{uuid.uuid4().hex[:8]}"
    config = ("[limits]\nmax_connections_per_block = 0\n" + NO_EXPORT + f'[events]\nkind = "kafka"\ntls = false\n'
              f'brokers = ["{where}"]\ntopic = "{topic}"\nreplicas = 1\npartitions = 4\n')

    def ours() -> float:
        server = make_server(config).start()
        try:
            send(server, 0.5, connections=CONNECTIONS)
            return send(server, bench.seconds, connections=CONNECTIONS)["rps"] * EVENTS_A_REQUEST
        finally:
            discard(server)

    def bare() -> float:
        done = subprocess.run([str(PROGRAMS / "produce_bare"), where, topic, "0", str(CONNECTIONS), str(bench.seconds)],
                              check=True, capture_output=True, text=True, timeout=bench.seconds + 60)
        answer = json.loads(done.stdout)
        return answer["requests"] / answer["seconds"] * EVENTS_A_REQUEST

    try:
        make_server(config).start().close()  # makes the topic
        bench.add("kafka.intake_events_per_s", "1/s", *bench.rotate(ours, bare))
    finally:
        broker.down()


PARTS = {"nodes": nodes}
FIGURES = {"kafka.intake_events_per_s": "nodes"}

# SPDX-License-Identifier: Apache-2.0
"""Nodes that share a PostgreSQL, a topic of Kafka and a bucket of MinIO, all of which run already."""
import json
import pathlib
import uuid

import engine_case
import hostile
import network
import postgres
import server as serving
from test_kafka import configuration as kafka_configuration
from test_nodes import Node, configuration as control_configuration, new_database


def configuration(database: postgres.Postgres, brokers: dict, store: pathlib.Path) -> str:
    """A database, a topic and two buckets of its own; `store` is the folder of MinIO. From here on servers have its keys."""
    where = json.loads((store / "engine.json").read_text())
    owner = where["users"]["owner"]
    s3 = hostile.client(where["s3"], owner["key"], owner["secret"])
    for name in (serving.BUCKET, f"{serving.BUCKET}-inside"):
        fresh_bucket(s3, name)
    files = engine_case.aws_files(store, where)
    serving.clean_environment = engine_case.EngineCase._with(serving.clean_environment, files)
    return f"""
{control_configuration(database.where(), new_database(database))}
{kafka_configuration(brokers, f"events-{uuid.uuid4().hex[:10]}")}
[s3]
bucket = "{serving.BUCKET}"
[objects]
kind = "s3"
endpoint = "{where['s3']}"
internal_bucket = "{serving.BUCKET}-inside"
profile = "owner"
"""


def nodes(config: str, number: int = 3) -> list[Node]:
    """Not started; each in a group of its own, where networks can be cut here."""
    made = [Node(config)]
    made += [Node(config, made[0]) for _ in range(number - 1)]
    for node, node.group in zip(made, network.groups(number)):
        node.secrets.append(postgres.PASSWORD)
        if not network.why_not():
            node.prefix = network.as_group(node.group)
    return made


def fresh_bucket(s3, name: str) -> None:
    """An empty bucket of that name, also where an earlier test left one behind."""
    if any(each["Name"] == name for each in s3.list_buckets()["Buckets"]):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
            for each in page.get("Contents", []):
                s3.delete_object(Bucket=name, Key=each["Key"])
    else:
        s3.create_bucket(Bucket=name)

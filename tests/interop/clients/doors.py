# SPDX-License-Identifier: Apache-2.0
"""Where the doors to the tables are, and the token that opens them, from what the way "A" sets."""
import os


def api() -> str:
    return os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"].removesuffix("/v2/export/credentials/container")


def token() -> str:
    return os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"].removeprefix("Bearer ")

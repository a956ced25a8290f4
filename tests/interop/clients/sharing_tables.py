# SPDX-License-Identifier: Apache-2.0
"""Delta Sharing with pandas, by a profile file. usage: sharing_tables.py BUCKET PREFIX"""
import json

import delta_sharing
import doors
import job
import summary

with open("profile.share", "w") as profile:
    json.dump({"shareCredentialsVersion": 1, "endpoint": f"{doors.api()}/delta-sharing/", "bearerToken": doors.token()},
              profile)


def read() -> dict:
    [share] = delta_sharing.SharingClient("profile.share").list_shares()
    return summary.of_frames(*(delta_sharing.load_as_pandas(f"profile.share#{share.name}.export.{name}")
                               for name in ("decisions", "events")))


job.for_hours(read)

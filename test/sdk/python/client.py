"""Calls AWS Marketplace Metering and its Entitlement Service through boto3, for the tests in test/sdk.

Speaks lines of JSON. It begins with {"version"}; then each line in, {"env", "calls", "concurrent"}, is answered by one line out,
{"results"}. env is the AWS environment of the calls, all of it but the endpoints, which this process was started with. The calls of
a line, {"service", "operation", "input", "pages"}, go through one new client of each service.

In inputs, {"$time": "2026-11-23T18:00:00.123Z"} stands for what a Python program has for a time, a datetime, and {"$epoch": 1} for the number.
Times in results are text of that form. With pages, the SDK's paginator is run to its end, with MaxResults as its page size.
"""

import concurrent.futures
import datetime
import json
import os
import platform
import re
import sys

import boto3
import botocore.exceptions

SERVICES = {"metering": "meteringmarketplace", "entitlement": "marketplace-entitlement"}


def natural(value):
    """The input as a program would have written it."""
    if isinstance(value, list):
        return [natural(v) for v in value]
    if not isinstance(value, dict):
        return value
    if "$time" in value:
        return datetime.datetime.fromisoformat(value["$time"].replace("Z", "+00:00"))
    if "$epoch" in value:
        return value["$epoch"]
    return {name: natural(v) for name, v in value.items()}


def plain(value):
    """The output without what JSON does not have."""
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {name: plain(v) for name, v in value.items()}
    return value


def perform(clients, call):
    client = clients[call["service"]]
    method = re.sub(r"(?<!^)(?=[A-Z])", "_", call["operation"]).lower()
    try:
        arguments = natural(call["input"])
        if call.get("pages"):
            return pages(client.get_paginator(method), arguments)
        out = getattr(client, method)(**arguments)
    except botocore.exceptions.ClientError as e:
        meta = e.response["ResponseMetadata"]
        return {
            "ok": False,
            "attempts": meta["RetryAttempts"] + 1,
            "error": {
                "code": e.response["Error"]["Code"],
                "message": e.response["Error"]["Message"],
                "type": caught_as(client, e),
                "status": meta["HTTPStatusCode"],
                "request_id": meta.get("RequestId", ""),
            },
        }
    except (botocore.exceptions.BotoCoreError, ValueError, OverflowError) as e:  # no answer, or the call was never made
        return {"ok": False, "error": {"type": type(e).__name__, "message": str(e)}}
    meta = out.pop("ResponseMetadata")
    return {"ok": True, "attempts": meta["RetryAttempts"] + 1, "request_id": meta["RequestId"], "output": plain(out)}


def pages(paginator, arguments):
    size = arguments.pop("MaxResults")
    merged = {}
    for page in paginator.paginate(**arguments, PaginationConfig={"PageSize": size}):
        for name, items in page.items():
            if isinstance(items, list):
                merged.setdefault(name, []).extend(items)
    return {"ok": True, "output": plain(merged)}


def caught_as(client, error):
    """The name by which a program would catch the error: client.exceptions.X, or ClientError."""
    name = type(error).__name__
    if hasattr(client.exceptions, name) and type(error) is getattr(client.exceptions, name):
        return name
    return "ClientError"


def answer(line):
    os.environ.update(line["env"])
    try:
        calls = line["calls"]
        session = boto3.session.Session()
        clients = {s: session.client(SERVICES[s]) for s in {c["service"] for c in calls}}
        if not line.get("concurrent"):
            return {"results": [perform(clients, c) for c in calls]}
        with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
            return {"results": list(pool.map(lambda c: perform(clients, c), calls))}
    finally:
        for name in line["env"]:
            del os.environ[name]


def say(line):
    print(json.dumps(line), flush=True)


say({"version": f"boto3 {boto3.__version__} (Python {platform.python_version()})"})
for line in sys.stdin:
    say(answer(json.loads(line)))

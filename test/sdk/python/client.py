"""Calls ResolveCustomer through boto3, for the tests in test/sdk.

Speaks lines of JSON. It begins with {"version"}; then each line in, {"env", "tokens", "concurrent"}, is answered by one line
out, {"results"}. env is the AWS environment of the call, all of it but the endpoint, which this process was started with.
The tokens of a line go through one new client; null stands for no token at all.
"""

import concurrent.futures
import json
import os
import platform
import sys

import boto3
import botocore.exceptions


def resolve(client, token):
    try:
        out = client.resolve_customer(**({} if token is None else {"RegistrationToken": token}))
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
    except botocore.exceptions.BotoCoreError as e:  # no answer, or the call was never made
        return {"ok": False, "error": {"type": type(e).__name__, "message": str(e)}}
    meta = out.pop("ResponseMetadata")
    return {"ok": True, "attempts": meta["RetryAttempts"] + 1, "request_id": meta["RequestId"], "output": out}


def caught_as(client, error):
    """The name by which a program would catch the error: client.exceptions.X, or ClientError."""
    name = type(error).__name__
    if hasattr(client.exceptions, name) and type(error) is getattr(client.exceptions, name):
        return name
    return "ClientError"


def answer(call):
    os.environ.update(call["env"])
    try:
        client = boto3.session.Session().client("meteringmarketplace")
        tokens = call["tokens"]
        if not call.get("concurrent"):
            return {"results": [resolve(client, t) for t in tokens]}
        with concurrent.futures.ThreadPoolExecutor(len(tokens)) as pool:
            return {"results": list(pool.map(lambda t: resolve(client, t), tokens))}
    finally:
        for name in call["env"]:
            del os.environ[name]


def say(line):
    print(json.dumps(line), flush=True)


say({"version": f"boto3 {boto3.__version__} (Python {platform.python_version()})"})
for line in sys.stdin:
    say(answer(json.loads(line)))

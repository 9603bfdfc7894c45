"""dynalite, a server of DynamoDB's protocol in memory, on loopback (`scripts/setup --servers`), and boto3, which judges what we wrote.

As a module: `with DynamoDb(folder) as dynamo: dynamo.endpoint`, `client(endpoint)`, `items(client, table)`.
As a program: `dynamodb.py start|serve|stop FOLDER`.
"""

import decimal
import pathlib
import sys

from server_process import ServerProcess, run_verb

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SERVER = ROOT / ".deps/dynalite/node_modules/dynalite/cli.js"
KEYS = {"AWS_ACCESS_KEY_ID": "millrace-test", "AWS_SECRET_ACCESS_KEY": "millrace-test-secret", "AWS_REGION": "us-east-1"}


def lacks():
    """A sentence when something is not installed."""
    if not SERVER.exists() or not (ROOT / ".deps/moto").exists():
        return "no server of DynamoDB's protocol is here: run scripts/setup --servers"
    return ""


class DynamoDb(ServerProcess):
    name = "dynamodb"

    @property
    def endpoint(self):
        return self.address

    def command(self):
        return ["node", "--require", HERE / "outlive_clients.js", SERVER, "--host", "127.0.0.1", "--port", self.port, "--createTableMs", 0, "--deleteTableMs", 0]


def client(endpoint, service="dynamodb"):
    # boto3 is there with the S3 server moto; what the two Pythons share stays that of this one.
    sys.path += [str(path) for path in (ROOT / ".deps/moto/lib").glob("python3*/site-packages")]
    import boto3

    keys = {"aws_access_key_id": "judge", "aws_secret_access_key": "judge-secret"}
    return boto3.client(service, region_name="us-east-1", endpoint_url=endpoint, **keys)


def plain(value):
    """What boto3 made of an attribute, in JSON's types; a number that a double may not hold as {"N": its digits}."""
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) < 2**53 else {"N": format(value, "f")}
    return value if value is None or isinstance(value, (str, bool)) else bytes(value).hex()


def items(dynamo, table):
    """All of a table, in no order; none when there is no such table."""
    from boto3.dynamodb.types import TypeDeserializer

    read = TypeDeserializer()
    try:
        pages = list(dynamo.get_paginator("scan").paginate(TableName=table, ConsistentRead=True))
    except dynamo.exceptions.ResourceNotFoundException:
        return []
    return [{name: plain(read.deserialize(value)) for name, value in item.items()} for page in pages for item in page["Items"]]


if __name__ == "__main__":
    run_verb(lambda folder, _: DynamoDb(folder))

"""boto3 at DynamoDB's endpoint (the argument), by json_answers.py: {"table": NAME} gives all its items, sorted;
{"operation": "put_item", "arguments": {...}} does that and answers what it gave."""

import json
import sys

import dynamodb
from json_answers import serve

dynamo = dynamodb.client(sys.argv[1])


def answer(asked):
    if "table" in asked:
        return sorted(dynamodb.items(dynamo, asked["table"]), key=lambda item: json.dumps(item, sort_keys=True))
    return getattr(dynamo, asked["operation"])(**asked["arguments"])


serve(answer)

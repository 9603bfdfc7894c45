"""Reads a commit's requirements and updates with pyiceberg's models of the REST spec and prints what they write."""

import json
import sys

from pyiceberg.table.update import TableRequirement, TableUpdate
from pydantic import TypeAdapter

document = json.load(open(sys.argv[1]))


def again(model, items):
    adapter = TypeAdapter(model)
    return [json.loads(adapter.validate_python(item).model_dump_json(by_alias=True, exclude_none=True)) for item in items]


print(json.dumps({"requirements": again(TableRequirement, document["requirements"]), "updates": again(TableUpdate, document["updates"])}))

"""Documents of a collection as pymongo reads them, a JSON list sorted by id. Arguments: URI DATABASE COLLECTION
[JSON to insert first | unique:MEMBER to index first]."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / ".deps/pymongo"))

import pymongo
from bson import json_util

uri, database, name, *inserted = sys.argv[1:]
collection = pymongo.MongoClient(uri)[database][name]
for text in inserted:
    if text.startswith("unique:"):
        collection.create_index(text.removeprefix("unique:"), unique=True)
    else:
        collection.insert_one(json_util.loads(text))
found = sorted(collection.find(), key=lambda document: json_util.dumps(document["_id"]))
print(json_util.dumps(found, json_options=json_util.RELAXED_JSON_OPTIONS))

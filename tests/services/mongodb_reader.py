"""pymongo at the URI (the argument), by json_answers.py: {"database": ..., "collection": ..., "first": [...]} gives all documents, sorted by id, in relaxed
Extended JSON. `first` are documents to insert before (Extended JSON), or "unique:MEMBER" for an index, "delete:FILTER" for a document that goes."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / ".deps/pymongo"))

import pymongo
from bson import json_util
from json_answers import serve

client = pymongo.MongoClient(sys.argv[1])


def answer(asked):
    collection = client[asked["database"]][asked["collection"]]
    for text in asked["first"]:
        if text.startswith("unique:"):
            collection.create_index(text.removeprefix("unique:"), unique=True)
        elif text.startswith("delete:"):
            collection.delete_one(json_util.loads(text.removeprefix("delete:")))
        else:
            collection.insert_one(json_util.loads(text))
    found = sorted(collection.find(), key=lambda document: json_util.dumps(document["_id"]))
    return json.loads(json_util.dumps(found, json_options=json_util.RELAXED_JSON_OPTIONS))


serve(answer)

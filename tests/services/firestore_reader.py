"""Google's client at a server of Firestore's protocol (the argument), by json_answers.py: {"collection": NAME} gives all its documents, sorted;
{"call": "put", "arguments": [...]} does what Judge of that name does."""

import json
import os
import sys

import firestore
from json_answers import serve

if not os.path.samefile(sys.prefix, firestore.PYTHON.parents[1]):  # whoever starts this has another Python
    os.execv(firestore.PYTHON, [firestore.PYTHON, "-u", *sys.argv])

judge = firestore.Judge(sys.argv[1])


def answer(asked):
    if "collection" in asked:
        return sorted(judge.documents(asked["collection"]), key=lambda document: json.dumps(document, sort_keys=True))
    return getattr(judge, asked["call"])(*asked["arguments"])


serve(answer)

"""A collection of MongoDB into files by dlt, as its documentation has it: a resource that yields batches of documents, a pipeline with a file system as the
destination. Arguments: dlt's packages, URI, database, collection, folder, jsonl or parquet."""

import os
import pathlib
import sys

packages, uri, database, collection, folder, form = sys.argv[1:]
sys.path.insert(0, packages)
folder = pathlib.Path(folder).absolute()
os.environ.update(RUNTIME__DLTHUB_TELEMETRY="false", DLT_DATA_DIR=str(folder / "state"), NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION="true")

import dlt  # noqa: E402
import pymongo  # noqa: E402

BATCH = 10_000


@dlt.resource(name=collection, write_disposition="append", max_table_nesting=0)
def documents():
    batch = []
    for document in pymongo.MongoClient(uri)[database][collection].find().sort("_id", 1):
        batch.append({**document, "_id": str(document["_id"])})
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


pipeline = dlt.pipeline("collection", pipelines_dir=str(folder / "pipelines"), destination=dlt.destinations.filesystem((folder / "out").as_uri()), dataset_name="bench")
pipeline.run(documents(), loader_file_format=form)

"""pyiceberg on schemas. Reads one Iceberg schema as JSON from the file named; prints one line each:
the schema as pyiceberg writes it; with fresh ids; its name mapping; its Arrow form as JSON."""
import json
import pathlib
import sys

import pyarrow as pa
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.schema import Schema, assign_fresh_schema_ids
from pyiceberg.table.name_mapping import create_mapping_from_schema


def arrow(field):
    kind = field.type
    described = {"name": field.name, "nullable": field.nullable, "id": int((field.metadata or {}).get(b"PARQUET:field_id", b"0"))}
    if pa.types.is_struct(kind):
        described["fields"] = [arrow(kind.field(i)) for i in range(kind.num_fields)]
    elif pa.types.is_map(kind):
        described["fields"] = [arrow(kind.key_field), arrow(kind.item_field)]
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        described["fields"] = [arrow(kind.value_field)]
    else:
        described["type"] = str(kind).replace("large_", "").replace("extension<arrow.uuid>", "fixed_size_binary[16]")
    return described


schema = Schema.model_validate_json(pathlib.Path(sys.argv[1]).read_text())
print(schema.model_dump_json())
print(assign_fresh_schema_ids(schema).model_dump_json())
print(create_mapping_from_schema(schema).model_dump_json())
print(json.dumps([arrow(field) for field in schema_to_pyarrow(schema)]))

#!/usr/bin/env python3
"""The messages of src/query/spark/connect.proto are those of Spark: names, numbers and types of fields, as the jar of pyspark has them.

Needs protobuf for Python and pyspark's jars: run it by .deps/venv/bin/python.
"""

import pathlib
import subprocess
import sys
import tempfile
import zipfile

from google.protobuf import descriptor_pb2

ROOT = pathlib.Path(__file__).resolve().parents[1]
OURS, THEIRS = "millrace.query.connect", "spark.connect"


def compiled(folder, files, scratch):
    made = pathlib.Path(scratch) / "descriptors"
    subprocess.run(["protoc", f"--proto_path={folder}", f"--descriptor_set_out={made}", *files], check=True)
    return descriptor_pb2.FileDescriptorSet.FromString(made.read_bytes()).file


def messages(files, package):
    """Full name without the package -> message or enum, nested ones too."""
    found = {}

    def add(prefix, scope):
        for message in scope.message_type if hasattr(scope, "message_type") else scope.nested_type:
            name = f"{prefix}{message.name}"
            found[name] = message
            add(name + ".", message)
        for enum in scope.enum_type:
            found[f"{prefix}{enum.name}"] = enum

    for file in files:
        if file.package == package:
            add("", file)
    return found


def shape(field, package):
    return field.number, field.type, field.label, field.type_name.removeprefix(f".{package}.")


def differences(ours, theirs):
    for name, message in ours.items():
        other = theirs.get(name)
        if other is None:
            yield f"Spark has no {name}"
        elif isinstance(message, descriptor_pb2.EnumDescriptorProto):
            known = {value.name: value.number for value in other.value}
            yield from (f"{name}.{v.name} is {v.number} here and {known.get(v.name)} in Spark" for v in message.value if known.get(v.name) != v.number)
        else:
            known = {field.name: shape(field, THEIRS) for field in other.field}
            yield from (
                f"{name}.{f.name} is {shape(f, OURS)} here and {known.get(f.name)} in Spark" for f in message.field if known.get(f.name) != shape(f, OURS)
            )


def main():
    (jar,) = (ROOT / ".deps/venv/lib").glob("python3*/site-packages/pyspark/jars/spark-connect_*.jar")
    with tempfile.TemporaryDirectory() as scratch:
        with zipfile.ZipFile(jar) as archive:
            names = [name for name in archive.namelist() if name.startswith("spark/connect/") and name.endswith(".proto")]
            archive.extractall(scratch, names)
        theirs = messages(compiled(scratch, names, scratch), THEIRS)
        ours = messages(compiled(ROOT / "src/query/spark", ["connect.proto"], scratch), OURS)
    found = list(differences(ours, theirs))
    print("\n".join(found) or f"{len(ours)} messages are Spark's")
    return 1 if found or len(ours) < 10 else 0


sys.exit(main())

"""moto's server with what AWS Glue keeps to and it does not: UpdateTable with a VersionId that is not the table's is refused, of two
who make a table one is told so, and columns have statistics, which Trino writes with every table it makes. Arguments are moto_server's."""

import collections
import json
import sys
import threading

from moto.core.exceptions import JsonRESTError
from moto.glue import responses
from moto.server import main

lock = threading.Lock()
Glue = responses.GlueResponse
update, create = Glue.update_table, Glue.create_table


def update_table(self):
    wanted = self.parameters.get("VersionId")
    with lock:
        if wanted is not None:
            table = self.glue_backend.get_table(self.parameters["DatabaseName"], self.parameters["TableInput"]["Name"])
            if str(table.as_dict()["VersionId"]) != str(wanted):
                raise JsonRESTError("ConcurrentModificationException", "Update table failed due to concurrent modifications.")
        return update(self)


def create_table(self):
    with lock:
        return create(self)


statistics = collections.defaultdict(dict)  # of a table: those of its columns by name


def statistics_of(self):
    return statistics[self.parameters["DatabaseName"], self.parameters["TableName"]]


def update_column_statistics_for_table(self):
    statistics_of(self).update({column["ColumnName"]: column for column in self.parameters["ColumnStatisticsList"]})
    return json.dumps({"Errors": []})


def get_column_statistics_for_table(self):
    known = statistics_of(self)
    return json.dumps({"ColumnStatisticsList": [known[name] for name in self.parameters["ColumnNames"] if name in known], "Errors": []})


def delete_column_statistics_for_table(self):
    statistics_of(self).pop(self.parameters["ColumnName"], None)
    return "{}"


Glue.update_table, Glue.create_table = update_table, create_table
for operation in (update_column_statistics_for_table, get_column_statistics_for_table, delete_column_statistics_for_table):
    setattr(Glue, operation.__name__, operation)
main(sys.argv[1:])

"""moto's server with what AWS Glue keeps to and it does not: UpdateTable with a VersionId that is not the table's is refused, and of two
who make a table one is told so. Arguments are moto_server's."""

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


Glue.update_table, Glue.create_table = update_table, create_table
main(sys.argv[1:])

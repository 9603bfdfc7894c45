"""A receiver of OTLP and OpenLineage over HTTP: what comes is read by OpenTelemetry's own protobuf package and by OpenLineage's own client
(`scripts/setup --servers`)."""

import http.server
import importlib
import json
import pathlib
import pkgutil
import sys
import threading

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / ".deps/observers"))


class Receiver:
    """`with Receiver() as receiver`: receiver.url, receiver.spans(), receiver.lineage(). `answers` are statuses to answer with first; "hang" gives none."""

    def __init__(self, answers=()):
        self.answers = list(answers)
        self.requests, self.headers = [], []
        self.lock, self.ended = threading.Lock(), threading.Event()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.lock:
                    answer = receiver.answers.pop(0) if receiver.answers else 200
                    if answer == 200:
                        receiver.requests.append((self.path, body))
                    receiver.headers.append(dict(self.headers))
                if answer == "hang":
                    receiver.ended.wait()
                    return
                self.send_response(answer)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def spans(self):
        """[(resource attributes, span)], as the official messages; a field they do not know is an error."""
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        with self.lock:
            requests = list(self.requests)
        found = []
        for path, body in requests:
            assert path == "/v1/traces"
            request = ExportTraceServiceRequest.FromString(body)
            request.DiscardUnknownFields()
            assert request.ByteSize() == len(body), "there are fields that OTLP does not have"
            for resource in request.resource_spans:
                of = attributes(resource.resource)
                found += [(of, span) for scope in resource.scope_spans for span in scope.spans]
        return found


    def lineage(self):
        """The events, as OpenLineage's own classes hold them."""
        with self.lock:
            requests = list(self.requests)
        assert {path for path, _ in requests} <= {"/api/v1/lineage"}
        return [parse_lineage(json.loads(body)) for _, body in requests]


def facet_classes():
    """By the URL of their schema."""
    from openlineage.client import generated

    found = {}
    for module in pkgutil.iter_modules(generated.__path__):
        for each in vars(importlib.import_module(f"{generated.__name__}.{module.name}")).values():
            if isinstance(each, type) and "_get_schema" in vars(each):
                found[each._get_schema()] = each
    return found


def parse_lineage(event):
    """A RunEvent of OpenLineage's client, which knows what a member may be: one that it does not have, or misses, is an error. What the client would
    send of it is what came."""
    from openlineage.client import event_v2
    from openlineage.client.generated.schema_dataset import SchemaDatasetFacetFields
    from openlineage.client.generated.symlinks_dataset import Identifier
    from openlineage.client.serde import Serde

    classes, nested = facet_classes(), {"fields": SchemaDatasetFacetFields, "identifiers": Identifier}

    def facets(of):
        read = {}
        for key, facet in of.items():
            members = {name: value for name, value in facet.items() if not name.startswith("_")}
            for name, of_each in nested.items():
                if name in members:
                    members[name] = [of_each(**each) for each in members[name]]
            read[key] = classes[facet["_schemaURL"]](**members, producer=facet["_producer"])
        return read

    def dataset(of, kind):
        more = {"outputFacets": facets(of["outputFacets"])} if "outputFacets" in of else {}
        assert set(of) <= {"namespace", "name", "facets", "outputFacets"}
        return kind(of["namespace"], of["name"], facets=facets(of["facets"]), **more)

    assert event["schemaURL"] == event_v2.RunEvent._get_schema()
    parsed = event_v2.RunEvent(
        eventTime=event["eventTime"],
        eventType=event_v2.RunState(event["eventType"]),
        producer=event["producer"],
        run=event_v2.Run(event["run"]["runId"], facets=facets(event["run"]["facets"])),
        job=event_v2.Job(event["job"]["namespace"], event["job"]["name"], facets=facets(event["job"]["facets"])),
        inputs=[dataset(each, event_v2.InputDataset) for each in event["inputs"]],
        outputs=[dataset(each, event_v2.OutputDataset) for each in event["outputs"]],
    )

    def without_empty(value):
        if isinstance(value, dict):
            return {name: without_empty(each) for name, each in value.items() if each not in (None, {}, [])}
        return [without_empty(each) for each in value] if isinstance(value, list) else value

    assert without_empty(Serde.to_dict(parsed)) == without_empty(event)
    return parsed


def attributes(of):
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in of.attributes}

#include "api/connect_route_adder.h"

namespace millrace::api {
namespace {

using io::HttpCall;
using io::HttpRefusal;
using io::HttpReply;
using nlohmann::ordered_json;

std::vector<ConnectorOffset> OffsetsOf(const HttpCall& call) {
  const auto body = ObjectOf(call);
  const auto listed = body.find("offsets");
  std::vector<ConnectorOffset> offsets;
  if (listed != body.end() && listed->is_array()) {
    for (const auto& each : *listed) {
      if (!each.is_object() || !each.contains("partition")) {
        throw HttpRefusal(400, "an offset is an object of \"partition\" and \"offset\"");
      }
      offsets.push_back({each.at("partition"), each.value("offset", nlohmann::json())});
    }
  }
  if (offsets.empty()) throw HttpRefusal(400, "Partitions / offsets need to be provided for an alter offsets request");
  return offsets;
}

HttpReply ShowOffsets(ConnectWorker& worker, const HttpCall& call) {
  ordered_json listed = ordered_json::array();
  for (const auto& each : worker.Offsets(NameOf(call))) {
    listed.push_back({{"partition", each.partition}, {"offset", each.offset}});
  }
  return Said(200, {{"offsets", std::move(listed)}});
}

}  // namespace

void AddConnectorOffsetRoutes(ConnectRouteAdder& to) {
  to.Add("GET", "/connectors/{name}/topics", [](ConnectWorker& worker, const HttpCall& call) {
    return Said(200, {{NameOf(call), {{"topics", worker.Topics(NameOf(call))}}}});
  });
  to.AddChange("PUT", "/connectors/{name}/topics/reset", [](ConnectWorker& worker, const HttpCall& call) {
    worker.ResetTopics(NameOf(call));
    return Done(202);
  });
  to.Add("GET", "/connectors/{name}/offsets", ShowOffsets);
  to.AddChange("PATCH", "/connectors/{name}/offsets", [](ConnectWorker& worker, const HttpCall& call) {
    return Said(200, {{"message", worker.AlterOffsets(NameOf(call), OffsetsOf(call))}});
  });
  to.AddChange("DELETE", "/connectors/{name}/offsets", [](ConnectWorker& worker, const HttpCall& call) {
    return Said(200, {{"message", worker.ResetOffsets(NameOf(call))}});
  });
}

}  // namespace millrace::api

#include <nlohmann/json.hpp>
#include <utility>

#include "app/quarantine_replays.h"
#include "app/quarantine_sql.h"
#include "app/query_route.h"
#include "app/request_values.h"
#include "app/served_parts.h"

namespace millrace::app {
namespace {

constexpr int64_t kBodyBytesMax = int64_t{64} << 10;
constexpr int64_t kRecordsMax = 1000;
/// Each statement is a process with memory of its own.
constexpr int kStatementsMax = 2;

ReplayRequest RequestOf(const io::HttpCall& call, const nlohmann::json& body) {
  ReplayRequest request{.table = call.parameters.at("table"), .causes = {}};
  for (const auto& cause : body.value("causes", nlohmann::json::array())) {
    if (!cause.is_string()) throw io::HttpRefusal(400, "\"causes\" is a list of texts");
    request.causes.push_back(cause.get<std::string>());
  }
  return request;
}

io::HttpReply Answer(io::HttpCall& call, const ServedParts& parts) {
  const auto body = ObjectOf(call);
  const auto request = RequestOf(call, body);
  const ReplayPlace place{.pipeline = parts.config, .directory = parts.directory, .lake = parts.lake};
  const auto counts =
      FlagOf(body, "dry_run") ? TryReplay(place, request) : Replay(place, request, parts.budget, call.stopping);
  return io::JsonReply(200, ReplayListing(counts).AsJson());
}

}  // namespace

void AddQuarantineRoutes(io::HttpRoutes& routes, const ServedParts& parts) {
  routes.Add({.method = "GET",
              .pattern = "/api/v1/quarantine",
              .handler =
                  [parts](io::HttpCall& call) {
                    const auto sql = QuarantineCountsSql(*parts.lake.catalog);
                    return sql.empty() ? io::JsonReply(200, "[]\n") : RowsOf(parts.sandbox, sql, call.stopping);
                  },
              .in_flight_max = kStatementsMax,
              .role = kSeesData});
  routes.Add({.method = "GET",
              .pattern = "/api/v1/quarantine/{table}",
              .handler =
                  [parts](io::HttpCall& call) {
                    const QuarantineLook look{
                        .records_max = NumberOf(call, "limit", {.min = 1, .max = kRecordsMax}).value_or(100),
                        .replayed_too = TextOf(call, "replayed") == "true"};
                    return RowsOf(parts.sandbox,
                                  QuarantineRecordsSql(*parts.lake.catalog, call.parameters.at("table"), look),
                                  call.stopping);
                  },
              .in_flight_max = kStatementsMax,
              .role = kSeesData});
  routes.Add({.method = "POST",
              .pattern = "/api/v1/quarantine/{table}/replay",
              .handler = [parts](io::HttpCall& call) { return Answer(call, parts); },
              .body_bytes_max = kBodyBytesMax,
              .in_flight_max = 1,
              .buffered = true,
              .role = kOperates});
}

}  // namespace millrace::app

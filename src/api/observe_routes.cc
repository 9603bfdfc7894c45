#include "api/observe_routes.h"

#include <nlohmann/json.hpp>

#include "api/access.h"
#include "base/metrics.h"

namespace millrace::api {
namespace {

using nlohmann::ordered_json;

io::HttpReply Json(int status, const ordered_json& document) {
  return io::JsonReply(status, document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}

io::HttpReply Live(Observation& observation, bool says_why) {
  const auto stuck = observation.Stuck();
  ordered_json answer = {{"status", stuck ? "stuck" : "live"}};
  if (stuck && says_why) answer["reason"] = *stuck;
  return Json(stuck ? 503 : 200, answer);
}

io::HttpReply Ready(Observation& observation, bool says_why) {
  const auto reasons = observation.NotReady();
  ordered_json answer = {{"status", reasons.empty() ? "ready" : "not_ready"}};
  if (!reasons.empty() && says_why) answer["reasons"] = reasons;
  return Json(reasons.empty() ? 200 : 503, answer);
}

}  // namespace

void AddObserveRoutes(io::HttpRoutes& routes, Observation& observation) {
  routes.Add({.method = "GET", .pattern = "/metrics", .handler = [&](io::HttpCall&) {
                return io::HttpReply{.status = 200,
                                     .headers = {{"Content-Type", std::string(Metrics::kContentType)}},
                                     .body = observation.MetricsText(),
                                     .stream = {}};
              }});
  routes.Add({.method = "GET",
              .pattern = "/health/live",
              .handler = [&](io::HttpCall& call) { return Live(observation, Allows(call.caller.roles, kReads)); },
              .open = true});
  routes.Add({.method = "GET",
              .pattern = "/health/ready",
              .handler = [&](io::HttpCall& call) { return Ready(observation, Allows(call.caller.roles, kReads)); },
              .open = true});
  routes.Add({.method = "GET", .pattern = "/api/v1/status", .handler = [&](io::HttpCall&) {
                return io::JsonReply(200, observation.StatusJson());
              }});
}

}  // namespace millrace::api

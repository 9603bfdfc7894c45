#include "api/session_routes.h"

#include <nlohmann/json.hpp>

namespace millrace::api {

void AddSessionRoutes(io::HttpRoutes& routes, const Door& door) {
  routes.Add(
      {.method = "GET",
       .pattern = "/api/v1/session",
       .handler =
           [&](io::HttpCall& call) {
             const nlohmann::ordered_json answer = {{"tokens", door.has_tokens()}, {"roles", door.RolesOf(call)}};
             return io::JsonReply(200, answer.dump() + "\n");
           },
       .open = true});
}

}  // namespace millrace::api

#include "api/session_routes.h"

#include <nlohmann/json.hpp>

namespace millrace::api {

void AddSessionRoutes(io::HttpRoutes& routes, const Door& door) {
  const nlohmann::ordered_json parts = {{"schemas", routes.FindSame("GET", "/subjects") != nullptr},
                                        {"connectors", routes.FindSame("GET", "/connectors") != nullptr}};
  routes.Add({.method = "GET",
              .pattern = "/api/v1/session",
              .handler =
                  [&door, parts](io::HttpCall& call) {
                    const nlohmann::ordered_json answer = {
                        {"tokens", door.has_tokens()}, {"roles", door.RolesOf(call)}, {"parts", parts}};
                    return io::JsonReply(200, answer.dump() + "\n");
                  },
              .open = true});
}

}  // namespace millrace::api

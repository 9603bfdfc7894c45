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
                    const auto& roles = call.caller.roles;
                    const nlohmann::ordered_json answer = {{"tokens", door.has_locks()},
                                                           {"roles", Allows(roles, kAdministers) ? AllRoles() : roles},
                                                           {"parts", parts}};
                    return io::JsonReply(200, answer.dump() + "\n");
                  },
              .open = true});
}

}  // namespace millrace::api

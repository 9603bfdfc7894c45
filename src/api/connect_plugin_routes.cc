#include <fmt/format.h>

#include "api/connect_json.h"
#include "api/connect_route_adder.h"

namespace millrace::api {
namespace {

using io::HttpCall;
using io::HttpRefusal;
using io::HttpReply;
using nlohmann::ordered_json;

constexpr const char* kClass = "connector.class";

/// Classes have dots in their names; aliases, which make a configuration shorter, have none.
HttpReply ListPlugins(ConnectWorker&, const HttpCall&) {
  ordered_json all = ordered_json::array();
  for (const auto& plugin : connect::Plugins()) {
    for (const auto& name : plugin->classes()) {
      if (name.find('.') == std::string::npos) continue;
      all.push_back({{"class", name}, {"type", plugin->type()}, {"version", plugin->version()}});
    }
  }
  return Said(200, all);
}

HttpReply ShowConfig(ConnectWorker&, const HttpCall& call) {
  const auto& name = NameOf(call);
  const auto* plugin = connect::FindPlugin(name);
  if (plugin == nullptr) throw HttpRefusal(404, fmt::format("Unknown plugin {}.", name));
  ordered_json all = ordered_json::array();
  for (const auto& property : plugin->properties()) all.push_back(ToJson(property));
  return Said(200, all);
}

HttpReply ValidateConfig(ConnectWorker&, const HttpCall& call) {
  const auto& requested = NameOf(call);
  const auto properties = PropertiesOf(ObjectOf(call));
  const auto given = properties.find(kClass);
  if (given == properties.end())
    throw HttpRefusal(400, "the config contains no connector type: give it connector.class");
  const auto* plugin = connect::FindPlugin(requested);
  if (plugin != connect::FindPlugin(given->second)) {
    throw HttpRefusal(
        400, fmt::format("Included connector type {} does not match request type {}", given->second, requested));
  }
  if (plugin == nullptr) {
    throw HttpRefusal(
        400, fmt::format("Failed to find any class that implements Connector and which name matches {}", requested));
  }
  return Said(200, ToJson(plugin->Validate(properties)));
}

}  // namespace

void AddConnectPluginRoutes(ConnectRouteAdder& to) {
  to.Add("GET", "/connector-plugins", ListPlugins);
  to.Add("GET", "/connector-plugins/{name}/config", ShowConfig);
  to.Add("PUT", "/connector-plugins/{name}/config/validate", ValidateConfig);
}

}  // namespace millrace::api

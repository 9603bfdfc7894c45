#include "api/openapi_route.h"

#include <fmt/format.h>

#include <cctype>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/access.h"
#include "base/letter_case.h"

namespace millrace::api {
namespace {

using nlohmann::ordered_json;

struct Place {
  std::string path;  // as OpenAPI writes it
  std::vector<std::string> parameters;
};

/// "/a/{b}/{rest*}" is "/a/{b}/{rest}". Two patterns that differ in the names of parameters alone are one path there,
/// so those of the first stand for all.
Place PlaceOf(const std::string& pattern, std::map<std::string, Place>& places) {
  Place place;
  std::string shape;
  for (size_t begin = 1, end = 0; begin <= pattern.size(); begin = end + 1) {
    end = std::min(pattern.find('/', begin), pattern.size());
    const auto segment = std::string_view(pattern).substr(begin, end - begin);
    const bool parameter = segment.starts_with('{');
    std::string name(parameter ? segment.substr(1, segment.size() - (segment.ends_with("*}") ? 3 : 2)) : segment);
    place.path += parameter ? "/{" + name + "}" : "/" + name;
    shape += parameter ? "/{}" : "/" + name;
    if (parameter) place.parameters.push_back(std::move(name));
  }
  return places.emplace(shape, place).first->second;
}

std::string OperationId(const io::HttpRoute& route) {
  std::string id;
  for (const char c : Lower(route.method + route.pattern)) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (plain) id += c;
    if (!plain && !id.ends_with('_')) id += '_';
  }
  return id;
}

ordered_json Answer(const char* description) { return {{"description", description}}; }

ordered_json OperationOf(const io::HttpRoute& route, const Place& place) {
  ordered_json operation = {{"operationId", OperationId(route)}};
  if (route.open) {
    operation["security"] = ordered_json::array();
  } else {
    operation["x-millrace-role"] = route.role;
  }
  for (const auto& name : place.parameters) {
    operation["parameters"].push_back(
        {{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}, {"minLength", 1}}}});
  }
  if (route.body_bytes_max > 0 && route.method != "GET") {
    operation["requestBody"]["content"]["application/json"]["schema"] = ordered_json::object();
    operation["x-millrace-body-bytes-max"] = route.body_bytes_max;
  }
  auto& answers = operation["responses"];
  answers["2XX"] = Answer("Done.");
  answers["4XX"] = Answer("Refused; `message` says why.");
  if (!route.open) answers["401"] = Answer("No token, or a wrong one.");
  if (!route.open) answers["403"] = Answer("The caller has not the role.");
  answers["429"] = Answer("Too much; again after `Retry-After`.");
  answers["503"] = Answer("Busy, or a peer does not answer; again later.");
  return operation;
}

}  // namespace

ordered_json OpenApiOf(const io::HttpRoutes& routes) {
  ordered_json document = {{"openapi", "3.0.3"},
                           {"info", {{"title", "Millrace"}, {"version", "1"}}},
                           {"components", {{"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}}}},
                           {"security", ordered_json::array({{{"token", ordered_json::array()}}})},
                           {"paths", ordered_json::object()}};
  std::map<std::string, Place> places;
  for (const auto& route : routes.all()) {
    const auto place = PlaceOf(route.pattern, places);
    document["paths"][place.path][Lower(route.method)] = OperationOf(route, place);
  }
  return document;
}

void AddOpenApiRoute(io::HttpRoutes& routes) {
  const auto text = std::make_shared<std::string>();
  routes.Add({.method = "GET", .pattern = "/api/v1/openapi.json", .handler = [text](io::HttpCall&) {
                return io::JsonReply(200, *text);
              }});
  *text = OpenApiOf(routes).dump(2) + "\n";
}

}  // namespace millrace::api

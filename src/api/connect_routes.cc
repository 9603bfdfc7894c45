#include "api/connect_routes.h"

#include <fmt/format.h>

#include <charconv>

#include "api/connect_json.h"
#include "api/connect_route_adder.h"
#include "io/percent_encoding.h"
#include "schema/json_object.h"

namespace millrace::api {
namespace {

using io::HttpCall;
using io::HttpRefusal;
using io::HttpReply;
using nlohmann::json;
using nlohmann::ordered_json;

constexpr int64_t kBodyBytesMax = int64_t{1} << 20;

std::string NameIn(const json& body) {
  const auto name = body.find("name");
  if (name == body.end() || name->is_null()) return {};
  if (!name->is_string()) throw HttpRefusal(400, "\"name\" is no text");
  return name->get<std::string>();
}

TargetState InitialState(const json& body) {
  const auto word = body.find("initial_state");
  if (word == body.end() || word->is_null()) return TargetState::kRunning;
  auto text = word->is_string() ? word->get<std::string>() : word->dump();
  for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  if (text == "RUNNING") return TargetState::kRunning;
  if (text == "PAUSED") return TargetState::kPaused;
  if (text == "STOPPED") return TargetState::kStopped;
  throw HttpRefusal(400, fmt::format("\"initial_state\" is one of RUNNING, PAUSED, STOPPED, not {}", word->dump()));
}

HttpReply Created(const ConnectorInfo& info) {
  auto reply = Said(201, ToJson(info));
  reply.headers.push_back({"Location", "/connectors/" + io::PercentEncoded(info.name)});
  return reply;
}

HttpReply Create(ConnectWorker& worker, const HttpCall& call) {
  const auto body = ObjectOf(call);
  for (const auto& [key, value] : body.items()) {
    if (key == "name" || key == "config" || key == "initial_state") continue;
    throw HttpRefusal(400,
                      fmt::format("Unrecognized field \"{}\"; known are \"name\", \"config\", \"initial_state\"", key));
  }
  const auto config = body.find("config");
  if (config == body.end() || !config->is_object()) {
    throw HttpRefusal(400, "\"config\" is missing: the connector's properties, as an object");
  }
  return Created(worker.Create(NameIn(body), PropertiesOf(*config), InitialState(body)));
}

HttpReply List(ConnectWorker& worker, const HttpCall& call) {
  bool expands = false;
  bool info = false;
  bool status = false;
  for (const auto& [key, value] : call.query) {
    if (key != "expand") continue;
    expands = true;
    info = info || value == "info";
    status = status || value == "status";
  }
  const auto names = worker.Names();
  if (!expands) return Said(200, names);
  ordered_json all = ordered_json::object();
  for (const auto& name : names) {
    try {
      ordered_json expanded = ordered_json::object();
      if (status) expanded["status"] = ToJson(worker.Status(name), worker.worker_id());
      if (info) expanded["info"] = ToJson(worker.Info(name));
      all[name] = std::move(expanded);
    } catch (const HttpRefusal& refusal) {
      if (refusal.status() != 404) throw;  // deleted meanwhile
    }
  }
  return Said(200, all);
}

HttpReply PutConfig(ConnectWorker& worker, const HttpCall& call) {
  const auto [is_new, info] = worker.Put(NameOf(call), PropertiesOf(ObjectOf(call)));
  return is_new ? Created(info) : Said(200, ToJson(info));
}

HttpReply TaskList(ConnectWorker& worker, const HttpCall& call) {
  ordered_json all = ordered_json::array();
  int task = 0;
  for (const auto& config : worker.TaskConfigs(NameOf(call))) {
    all.push_back({{"id", {{"connector", NameOf(call)}, {"task", task++}}}, {"config", config}});
  }
  return Said(200, all);
}

}  // namespace

void ConnectRouteAdder::Route(const char* method, const char* pattern, const char* role, Body body) {
  io::HttpRoute route{.method = method, .pattern = pattern, .handler = {}};
  route.handler = [worker = &worker_, body = std::move(body)](HttpCall& call) { return body(*worker, call); };
  route.body_bytes_max = kBodyBytesMax;
  route.role = role;
  routes_.Add(std::move(route));
}

HttpReply Said(int status, const ordered_json& body) {
  return io::JsonReply(status, body.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

HttpReply Done(int status) { return {.status = status, .headers = {}, .body = {}, .stream = {}}; }

const std::string& NameOf(const HttpCall& call) { return call.parameters.at("name"); }

int TaskOf(const HttpCall& call) {
  const auto& text = call.parameters.at("task");
  int task = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), task);
  if (error != std::errc() || end != text.data() + text.size()) throw HttpRefusal(404, "HTTP 404 Not Found");
  return task;
}

json ObjectOf(const HttpCall& call) {
  auto body = schema::MaybeParseJson(call.body->ReadAll());
  if (!body || !body->is_object()) throw HttpRefusal(400, "the body is no JSON object");
  return *std::move(body);
}

ConfigPatch PatchOf(const json& object) {
  ConfigPatch patch;
  for (const auto& [key, value] : object.items()) {
    if (value.is_structured()) throw HttpRefusal(400, fmt::format("the value of \"{}\" is no text", key));
    if (value.is_null()) {
      patch[key] = std::nullopt;
    } else {
      patch[key] = value.is_string() ? value.get<std::string>() : value.dump();
    }
  }
  return patch;
}

connect::Properties PropertiesOf(const json& object) {
  connect::Properties properties;
  for (auto& [key, value] : PatchOf(object)) {
    if (value) properties.emplace(key, *value);
  }
  return properties;
}

void AddConnectorRoutes(ConnectRouteAdder& to) {
  to.Add("GET", "/connectors", List);
  to.AddChange("POST", "/connectors", Create);
  to.Add("GET", "/connectors/{name}",
         [](ConnectWorker& worker, const HttpCall& call) { return Said(200, ToJson(worker.Info(NameOf(call)))); });
  to.AddChange("DELETE", "/connectors/{name}", [](ConnectWorker& worker, const HttpCall& call) {
    worker.Delete(NameOf(call));
    return Done(204);
  });
  to.Add("GET", "/connectors/{name}/config",
         [](ConnectWorker& worker, const HttpCall& call) { return Said(200, worker.Info(NameOf(call)).config); });
  to.AddChange("PUT", "/connectors/{name}/config", PutConfig);
  to.AddChange("PATCH", "/connectors/{name}/config", [](ConnectWorker& worker, const HttpCall& call) {
    return Said(200, ToJson(worker.Patch(NameOf(call), PatchOf(ObjectOf(call)))));
  });
  to.Add("GET", "/connectors/{name}/tasks", TaskList);
}

void AddConnectRoutes(io::HttpRoutes& routes, ConnectWorker& worker) {
  ConnectRouteAdder to(routes, worker);
  AddConnectorRoutes(to);
  AddConnectorStateRoutes(to);
  AddConnectorOffsetRoutes(to);
  AddConnectPluginRoutes(to);
  AddConnectWorkerRoutes(to);
}

}  // namespace millrace::api

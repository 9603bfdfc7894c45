#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "api/access.h"
#include "api/connect_port.h"
#include "io/http_routes.h"

/// What the files of Connect's routes share: each adds those of one part.
namespace millrace::api {

/// Routes of one worker.
class ConnectRouteAdder {
 public:
  using Body = std::function<io::HttpReply(ConnectWorker& worker, const io::HttpCall& call)>;

  ConnectRouteAdder(io::HttpRoutes& routes, ConnectWorker& worker) : routes_(routes), worker_(worker) {}

  /// What only looks; it may take a body.
  void Add(const char* method, const char* pattern, Body body) { Route(method, pattern, kReads, std::move(body)); }
  /// What changes connectors.
  void AddChange(const char* method, const char* pattern, Body body) {
    Route(method, pattern, kOperates, std::move(body));
  }
  /// What changes the process.
  void AddAdministration(const char* method, const char* pattern, Body body) {
    Route(method, pattern, kAdministers, std::move(body));
  }

 private:
  void Route(const char* method, const char* pattern, const char* role, Body body);

  io::HttpRoutes& routes_;
  ConnectWorker& worker_;
};

io::HttpReply Said(int status, const nlohmann::ordered_json& body);
/// Without a body.
io::HttpReply Done(int status);

/// The connector of the path.
const std::string& NameOf(const io::HttpCall& call);
/// The task of the path. HttpRefusal 404 when it is no number.
int TaskOf(const io::HttpCall& call);
/// HttpRefusal 400 when it is no JSON object.
nlohmann::json ObjectOf(const io::HttpCall& call);
/// Values of a config are text; numbers and truths are taken as such, null as absent. HttpRefusal 400 for others.
ConfigPatch PatchOf(const nlohmann::json& object);
connect::Properties PropertiesOf(const nlohmann::json& object);

void AddConnectorRoutes(ConnectRouteAdder& to);
void AddConnectorStateRoutes(ConnectRouteAdder& to);
void AddConnectorOffsetRoutes(ConnectRouteAdder& to);
void AddConnectPluginRoutes(ConnectRouteAdder& to);
void AddConnectWorkerRoutes(ConnectRouteAdder& to);

}  // namespace millrace::api

#include <fmt/format.h>

#include "api/connect_json.h"
#include "api/connect_route_adder.h"

namespace millrace::api {
namespace {

using io::HttpCall;
using io::HttpRefusal;
using io::HttpReply;

bool Flag(const HttpCall& call, std::string_view name) { return call.QueryValue(name).value_or("false") == "true"; }

ConnectRouteAdder::Body Turn(TargetState state, int status) {
  return [=](ConnectWorker& worker, const HttpCall& call) {
    worker.SetTarget(NameOf(call), state);
    return Done(status);
  };
}

HttpReply Restart(ConnectWorker& worker, const HttpCall& call) {
  const RestartRequest request{.include_tasks = Flag(call, "includeTasks"), .only_failed = Flag(call, "onlyFailed")};
  const auto status = worker.Restart(NameOf(call), request);
  // As Connect has it: the plain restart of old tells nothing.
  if (!request.include_tasks && !request.only_failed) return Done(204);
  return Said(202, ToJson(status, worker.worker_id()));
}

HttpReply TaskStatusOf(ConnectWorker& worker, const HttpCall& call) {
  const int id = TaskOf(call);
  const auto unknown = fmt::format("No status found for task {}-{}", NameOf(call), id);
  try {
    const auto status = worker.Status(NameOf(call));
    for (const auto& task : status.tasks) {
      if (task.id == id) return Said(200, ToJson(task, status, worker.worker_id()));
    }
  } catch (const HttpRefusal& refusal) {
    if (refusal.status() != 404) throw;
  }
  throw HttpRefusal(404, unknown);
}

}  // namespace

void AddConnectorStateRoutes(ConnectRouteAdder& to) {
  to.Add("GET", "/connectors/{name}/status", [](ConnectWorker& worker, const HttpCall& call) {
    return Said(200, ToJson(worker.Status(NameOf(call)), worker.worker_id()));
  });
  to.AddChange("PUT", "/connectors/{name}/pause", Turn(TargetState::kPaused, 202));
  to.AddChange("PUT", "/connectors/{name}/resume", Turn(TargetState::kRunning, 202));
  to.AddChange("PUT", "/connectors/{name}/stop", Turn(TargetState::kStopped, 204));
  to.AddChange("POST", "/connectors/{name}/restart", Restart);
  to.Add("GET", "/connectors/{name}/tasks/{task}/status", TaskStatusOf);
  to.AddChange("POST", "/connectors/{name}/tasks/{task}/restart", [](ConnectWorker& worker, const HttpCall& call) {
    worker.RestartTask(NameOf(call), TaskOf(call));
    return Done(204);
  });
}

}  // namespace millrace::api

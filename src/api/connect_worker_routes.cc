#include <fmt/format.h>

#include <array>
#include <atomic>
#include <memory>

#include "api/connect_route_adder.h"
#include "base/clock.h"
#include "base/log_level.h"

namespace millrace::api {
namespace {

using io::HttpCall;
using io::HttpRefusal;
using io::HttpReply;
using nlohmann::ordered_json;

/// The log of this program has one level.
constexpr const char* kRoot = "root";

/// Log4j's words, the finest first; of those that mean the same here the first is said.
constexpr std::array<std::pair<std::string_view, LogLevel>, 8> kLevels = {{{"DEBUG", LogLevel::kDebug},
                                                                           {"TRACE", LogLevel::kDebug},
                                                                           {"ALL", LogLevel::kDebug},
                                                                           {"INFO", LogLevel::kInfo},
                                                                           {"WARN", LogLevel::kWarning},
                                                                           {"ERROR", LogLevel::kError},
                                                                           {"FATAL", LogLevel::kError},
                                                                           {"OFF", LogLevel::kError}}};

/// Milliseconds since 1970; 0: it was never changed.
using Changed = std::shared_ptr<std::atomic<int64_t>>;

ordered_json DescribeRoot(const Changed& changed) {
  const auto now = CurrentLogLevel();
  const auto* word = std::ranges::find(kLevels, now, [](const auto& each) { return each.second; });
  return {{"level", word->first}, {"last_modified", *changed == 0 ? ordered_json() : ordered_json(changed->load())}};
}

LogLevel LevelOf(const HttpCall& call) {
  const auto body = ObjectOf(call);
  const auto level = body.find("level");
  if (level == body.end() || !level->is_string()) {
    throw HttpRefusal(400, "Desired 'level' parameter was not specified in request.");
  }
  auto text = level->get<std::string>();
  for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  const auto* word = std::ranges::find(kLevels, std::string_view(text), [](const auto& each) { return each.first; });
  if (word == kLevels.end()) {
    throw HttpRefusal(404, fmt::format("invalid log level '{}'.", level->get<std::string>()));
  }
  return word->second;
}

void RequireRoot(const std::string& logger) {
  if (logger != kRoot) throw HttpRefusal(404, fmt::format("Logger {} not found.", logger));
}

void AddLoggerRoutes(ConnectRouteAdder& to) {
  const auto changed = std::make_shared<std::atomic<int64_t>>(0);
  to.Add("GET", "/admin/loggers", [changed](ConnectWorker&, const HttpCall&) {
    return Said(200, {{kRoot, DescribeRoot(changed)}});
  });
  to.Add("GET", "/admin/loggers/{name}", [changed](ConnectWorker&, const HttpCall& call) {
    RequireRoot(NameOf(call));
    return Said(200, DescribeRoot(changed));
  });
  to.AddAdministration("PUT", "/admin/loggers/{name}", [changed](ConnectWorker&, const HttpCall& call) {
    const auto level = LevelOf(call);
    RequireRoot(NameOf(call));
    SetLogLevel(level);
    const auto now = Clock::System().Now().time_since_epoch();
    *changed = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    return call.QueryValue("scope") == "cluster" ? Done(204) : Said(200, ordered_json::array({kRoot}));
  });
}

}  // namespace

void AddConnectWorkerRoutes(ConnectRouteAdder& to) {
  to.Add("GET", "/", [](ConnectWorker& worker, const HttpCall&) {
    return Said(200, {{"version", worker.version()}, {"commit", "unknown"}, {"kafka_cluster_id", worker.ClusterId()}});
  });
  to.Add("GET", "/health", [](ConnectWorker&, const HttpCall&) {
    return Said(200,
                {{"status", "healthy"}, {"message", "Worker has completed startup and is ready to handle requests."}});
  });
  AddLoggerRoutes(to);
}

}  // namespace millrace::api

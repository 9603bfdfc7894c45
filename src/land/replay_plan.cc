#include "land/replay_plan.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace millrace::land {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;

Timestamp TimeOf(const json& stored) {
  const auto time = ParseTimestamp(stored.get<std::string>());
  if (!time) throw Error(ErrorCode::kStop, "'" + stored.get<std::string>() + "' is no time");
  return *time;
}

table::SnapshotId SnapshotOf(const json& stored) {
  const auto& text = stored.get_ref<const std::string&>();
  int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Error(ErrorCode::kStop, "'" + text + "' is no snapshot id");
  }
  return table::SnapshotId(id);
}

ReplayPlan::Windows WindowsOf(const json& stored) {
  ReplayPlan::Windows windows;
  windows.width = Duration(stored.at("width_ms").get<int64_t>());
  if (windows.width.count() <= 0) throw Error(ErrorCode::kStop, "its windows have no width");
  windows.definition = stored.at("definition").get<std::string>();
  windows.run = stored.value("run", int64_t{0});
  for (const auto& [table, snapshot] : stored.at("inputs").items()) {
    windows.inputs[table] = snapshot.is_null() ? std::nullopt : std::optional(SnapshotOf(snapshot));
  }
  return windows;
}

json JsonOf(const ReplayPlan::Windows& windows) {
  json inputs = json::object();
  for (const auto& [table, snapshot] : windows.inputs)
    inputs[table] = snapshot ? json(std::to_string(snapshot->value())) : json();
  return {{"width_ms", windows.width.count()},
          {"definition", windows.definition},
          {"run", windows.run},
          {"inputs", std::move(inputs)}};
}

ReplayPlan Read(const json& stored) {
  if (stored.at("version").get<int>() != kVersion) {
    throw Error(ErrorCode::kStop, "it is of a newer version of millrace; go on with that one");
  }
  ReplayPlan plan;
  plan.topic = stored.at("topic").get<std::string>();
  for (const auto& [split, range] : stored.at("ranges").items()) {
    plan.ranges[event::SplitId(split)] = {range.at(0).get<int64_t>(), range.at(1).get<int64_t>()};
  }
  if (const auto times = stored.find("event_time"); times != stored.end()) {
    plan.event_times = ReplayPlan::EventTimes{TimeOf(times->at(0)), TimeOf(times->at(1))};
  }
  if (const auto windows = stored.find("windows"); windows != stored.end()) plan.windows = WindowsOf(*windows);
  if (const auto fork = stored.find("fork"); fork != stored.end()) plan.fork = SnapshotOf(*fork);
  return plan;
}

}  // namespace

std::string PrintReplayPlan(const ReplayPlan& plan) {
  json stored{{"version", kVersion}, {"topic", plan.topic}, {"ranges", json::object()}};
  for (const auto& [split, range] : plan.ranges) stored["ranges"][split.value()] = {range.begin, range.end};
  if (plan.event_times) {
    stored["event_time"] = {FormatTimestamp(plan.event_times->from), FormatTimestamp(plan.event_times->to)};
  }
  if (plan.windows) stored["windows"] = JsonOf(*plan.windows);
  // As text: JavaScript's numbers cannot hold a snapshot id.
  if (plan.fork) stored["fork"] = std::to_string(plan.fork->value());
  return stored.dump();
}

ReplayPlan ParseReplayPlan(std::string_view text, std::string_view where) {
  try {
    return Read(json::parse(text));
  } catch (const json::exception& error) {
    throw Error(ErrorCode::kStop, std::string(where) + " cannot be read (" + error.what() +
                                      "); give the replay up with --abandon, then start it again");
  } catch (const Error& error) {
    throw Error(error.code(), std::string(where) + ": " + error.message());
  }
}

std::string ReplayScope(const std::string& name) { return "replay:" + name; }
std::string ReplayBranch(const std::string& name) { return "replay-" + name; }
std::string ReplayPlanProperty(const std::string& name) { return "millrace.replay." + name; }

}  // namespace millrace::land

#include <map>
#include <nlohmann/json.hpp>

#include "app/connector_events.h"
#include "app/connector_host.h"
#include "app/pipeline_gauges.h"

/// What connectors say of themselves to /metrics and to the status.
namespace millrace::app {
namespace {

using nlohmann::ordered_json;

ordered_json DescribeFeeds(const PipelineRunner& runner) {
  ordered_json feeds = ordered_json::object();
  for (const auto& feed : runner.sources()) {
    feeds["source " + std::string(feed->name())] = {
        {"state", ToString(feed->state())}, {"topic", feed->topic()}, {"events", feed->events()}};
  }
  for (const auto& feed : runner.tables()) {
    const auto status = feed->status();
    feeds[feed->title()] = {{"state", ToString(status.state)},      {"records", status.counts.records},
                            {"rows", status.counts.rows},           {"commits", status.counts.commits},
                            {"unread_records", status.lag.records}, {"pending_records", status.pending}};
  }
  return feeds;
}

}  // namespace

ordered_json ConnectorHost::Describe() const {
  ordered_json all = ordered_json::object();
  for (const auto& [name, connector] : Running()) {
    const auto status = connector->Status();
    ordered_json described = {{"type", status.type}, {"state", status.state}};
    if (!status.trace.empty()) described["why"] = status.trace;
    described["tasks"] = ordered_json::array();
    for (const auto& task : status.tasks) {
      described["tasks"].push_back({{"id", task.id}, {"state", task.state}});
      if (!task.trace.empty()) described["tasks"].back()["why"] = task.trace;
    }
    described["feeds"] = ordered_json::object();
    connector->Look([&](const PipelineRunner& runner) { described["feeds"].update(DescribeFeeds(runner)); });
    all[name] = std::move(described);
  }
  return all;
}

void ConnectorHost::SetGauges(const std::vector<event::TopicInfo>& topics, Timestamp now) const {
  auto& metrics = Metrics::Process();
  metrics.Clear(kConnectorUp);
  metrics.Clear(kConnectorTasks);
  for (const auto& [name, connector] : Running()) {
    const auto status = connector->Status();
    std::map<std::string, int> tasks;
    for (const auto& task : status.tasks) ++tasks[task.state];
    for (const auto& [state, count] : tasks) metrics.Set(kConnectorTasks, {name, state}, count);
    metrics.Set(kConnectorUp, {name}, status.state != "FAILED" && !tasks.contains("FAILED") ? 1 : 0);
    connector->Look([&](const PipelineRunner& runner) {
      for (const auto& feed : runner.sources()) SetSourceGauges(*feed);
      for (const auto& feed : runner.tables()) SetTableGauges(*feed, topics, now);
    });
  }
}

}  // namespace millrace::app

#include "app/connector_readers.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "app/plan.h"
#include "base/error.h"
#include "base/log.h"
#include "event/held_readers.h"

namespace millrace::app {
namespace {

/// What is not forgotten now is at the next start.
void Forget(event::Stream& stream, const std::function<bool(const event::ReaderInfo&)>& gone) {
  auto* holds = dynamic_cast<event::HoldsForReaders*>(&stream);
  if (holds == nullptr) return;
  try {
    std::set<std::pair<std::string, std::string>> readers;
    for (const auto& each : stream.ListReaders()) {
      if (gone(each)) readers.emplace(each.reader, each.topic);
    }
    for (const auto& [reader, topic] : readers) holds->ForgetReader(reader, topic);
  } catch (const Error& error) {
    LogWarning("readers of connectors that are gone hold records back until the next start: {}", error.what());
  }
}

/// As FeedMaker names them.
std::string PrefixOf(const PipelineConfig& pipeline, const std::string& connector) {
  return ConnectorPipelineName(pipeline, connector) + "/";
}

}  // namespace

std::string TopicOf(const ConnectorPlan& plan, const ConnectorPlan::Feed& feed) {
  switch (feed.kind) {
    case ConnectorPlan::Feed::Kind::kSource:
      return {};
    case ConnectorPlan::Feed::Kind::kTable: {
      const auto& table = plan.config.tables.at(feed.name);
      return FromTopic(plan.config, table) ? table.from : std::string();
    }
    case ConnectorPlan::Feed::Kind::kDocuments: {
      const auto table = FeedOf(feed.name, plan.config.documents.at(feed.name));
      return FromTopic(plan.config, table) ? table.from : std::string();
    }
  }
  return {};
}

void ForgetReadersOf(event::Stream& stream, const PipelineConfig& pipeline, const std::string& connector) {
  const auto prefix = PrefixOf(pipeline, connector);
  Forget(stream, [&](const auto& each) { return each.reader.starts_with(prefix); });
}

void ForgetReadersBut(event::Stream& stream, const PipelineConfig& pipeline, const std::string& connector,
                      const ConnectorPlan& plan) {
  const auto prefix = PrefixOf(pipeline, connector);
  std::set<std::pair<std::string, std::string>> kept;
  for (const auto& feed : plan.feeds) {
    const bool documents = feed.kind == ConnectorPlan::Feed::Kind::kDocuments;
    kept.emplace(prefix + (documents ? FeedName(feed.name) : feed.name), TopicOf(plan, feed));
  }
  Forget(stream, [&](const auto& each) {
    return each.reader.starts_with(prefix) && !kept.contains({each.reader, each.topic});
  });
}

void ForgetReadersOfOthers(event::Stream& stream, const PipelineConfig& pipeline,
                           const std::vector<std::string>& connectors) {
  const auto one = ConnectorPipelineName(pipeline, "x");
  const auto all = one.substr(0, one.size() - 1);
  std::vector<std::string> prefixes;
  prefixes.reserve(connectors.size());
  for (const auto& connector : connectors) prefixes.push_back(PrefixOf(pipeline, connector));
  Forget(stream, [&](const auto& each) {
    return each.reader.starts_with(all) &&
           std::ranges::none_of(prefixes, [&](const auto& prefix) { return each.reader.starts_with(prefix); });
  });
}

}  // namespace millrace::app

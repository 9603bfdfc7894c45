#include "app/plan.h"

#include <algorithm>
#include <map>

#include "app/rest_proxy_blocks.h"

namespace millrace::app {
event::TopicSpec SpecOf(const std::string& name, const TopicConfig& topic) {
  event::TopicSpec spec;
  spec.name = name;
  spec.partitions = static_cast<int32_t>(topic.partitions);
  if (topic.retention) spec.retention_age = std::chrono::duration_cast<std::chrono::seconds>(*topic.retention);
  if (topic.retention_size) spec.retention_bytes = topic.retention_size->bytes;
  if (topic.replication) spec.replication = static_cast<int>(*topic.replication);
  return spec;
}

std::vector<event::TopicSpec> TopicsOf(const PipelineConfig& pipeline) {
  std::map<std::string, event::TopicSpec> topics;
  for (const auto& [name, topic] : pipeline.topics) topics.emplace(name, SpecOf(name, topic));
  for (const auto& [name, source] : pipeline.sources) {
    if (!source.topic.empty()) topics.try_emplace(source.topic, SpecOf(source.topic, TopicConfig{}));
    if (!source.http_ingest) continue;
    for (const auto& [path, route] : source.http_ingest->routes) {
      topics.try_emplace(route.topic, SpecOf(route.topic, TopicConfig{}));
    }
  }
  for (const auto& name : ProxyTopicNames(pipeline)) topics.try_emplace(name, SpecOf(name, TopicConfig{}));
  std::vector<event::TopicSpec> specs;
  for (auto& [name, spec] : topics) specs.push_back(std::move(spec));
  return specs;
}

std::string FeedName(const std::string& documents) { return "documents." + documents; }

TableConfig FeedOf(const std::string& name, const DocumentsConfig& documents) {
  TableConfig feed;
  static_cast<config::Located&>(feed) = documents;
  feed.from = documents.from.empty() ? name : documents.from;
  feed.start = documents.start;
  feed.on_gap = documents.on_gap;
  feed.freshness = documents.freshness;
  feed.headers = documents.headers;
  return feed;
}

bool FromTopic(const PipelineConfig& pipeline, const TableConfig& table) {
  const auto source = pipeline.sources.find(table.from);
  return source == pipeline.sources.end() || !source->second.topic.empty();
}

}  // namespace millrace::app

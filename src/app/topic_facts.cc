#include "app/topic_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/nearest.h"
#include "config/value_types.h"

namespace millrace::app {
namespace {

nlohmann::json RetentionOf(const event::TopicSpec& spec) {
  std::string text;
  if (spec.retention_age) text = config::FormatDuration(*spec.retention_age);
  if (spec.retention_bytes)
    text += (text.empty() ? "" : ", ") + FormatByteSize(static_cast<uint64_t>(*spec.retention_bytes));
  return text.empty() ? nlohmann::json() : nlohmann::json(text);
}

/// Of bytes, records and offsets.
nlohmann::json IfKnown(int64_t number) { return number < 0 ? nlohmann::json() : nlohmann::json(number); }

int64_t RecordsOf(const event::PartitionInfo& partition) {
  return partition.next_offset < 0 ? -1 : partition.next_offset - partition.first_offset;
}

}  // namespace

event::TopicInfo RequireTopic(event::Stream& stream, const std::string& name) {
  if (auto topic = stream.FindTopic(name)) return *topic;
  std::vector<std::string> names;
  for (const auto& topic : stream.ListTopics()) names.push_back(topic.spec.name);
  throw Error(ErrorCode::kUsage, fmt::format("there is no topic '{}'{}", name, Suggest(name, names)));
}

Listing TopicListing(event::Stream& stream) {
  Listing listing(
      {{"topic"}, {"partitions"}, {"records"}, {"bytes", Listing::Form::kBytes}, {"retention"}, {"lag_max"}});
  const auto readers = stream.ListReaders();
  for (const auto& topic : stream.ListTopics()) {
    int64_t records = 0, bytes = 0;
    for (const auto& partition : topic.partitions) {
      records = RecordsOf(partition) < 0 ? -1 : records + RecordsOf(partition);
      bytes = partition.bytes < 0 ? -1 : bytes + partition.bytes;
    }
    std::map<std::string, int64_t> lags;
    for (const auto& reader : readers) {
      if (reader.topic == topic.spec.name) lags[reader.reader] += reader.lag_records;
    }
    nlohmann::json lag_max;
    for (const auto& [name, lag] : lags) lag_max = std::max(lag_max.is_null() ? 0 : lag_max.get<int64_t>(), lag);
    listing.Add(
        {topic.spec.name, topic.spec.partitions, IfKnown(records), IfKnown(bytes), RetentionOf(topic.spec), lag_max});
  }
  return listing;
}

nlohmann::ordered_json TopicFacts::AsJson() const {
  nlohmann::ordered_json out = {{"topic", name}, {"id", id}, {"retention", retention}};
  out["partitions"] = nlohmann::ordered_json::parse(partitions.AsJson());
  out["readers"] = nlohmann::ordered_json::parse(readers.AsJson());
  return out;
}

TopicFacts DescribeTopic(event::Stream& stream, const std::string& name) {
  const auto topic = RequireTopic(stream, name);
  Listing partitions({{"partition"}, {"first_offset"}, {"next_offset"}, {"records"}, {"bytes", Listing::Form::kBytes}});
  for (const auto& partition : topic.partitions) {
    const bool counted = partition.next_offset >= 0;
    partitions.Add({partition.partition, IfKnown(counted ? partition.first_offset : -1), IfKnown(partition.next_offset),
                    IfKnown(RecordsOf(partition)), IfKnown(partition.bytes)});
  }
  Listing readers({{"reader"}, {"partition"}, {"next_offset"}, {"lag"}});
  for (const auto& reader : stream.ListReaders()) {
    if (reader.topic == name) readers.Add({reader.reader, reader.partition, reader.next_offset, reader.lag_records});
  }
  return {
      .name = name, .id = topic.id, .retention = RetentionOf(topic.spec), .partitions = partitions, .readers = readers};
}

}  // namespace millrace::app

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/block_options.h"
#include "app/config_blocks.h"
#include "app/load_config.h"
#include "app/plan.h"
#include "app/storage.h"
#include "app/text_table.h"
#include "app/topic_tail.h"
#include "app/verbs.h"
#include "base/bytes.h"
#include "base/nearest.h"

namespace millrace::app {
namespace {

OpenedStream Open(const Session& session, StreamUse use) {
  return OpenStreamFor(use, LoadConfigOrDefaults(session.config_paths));
}

event::TopicInfo Require(event::Stream& stream, const std::string& name) {
  if (auto topic = stream.FindTopic(name)) return *topic;
  std::vector<std::string> names;
  for (const auto& topic : stream.ListTopics()) names.push_back(topic.spec.name);
  throw Error(ErrorCode::kUsage, fmt::format("there is no topic '{}'{}", name, Suggest(name, names)));
}

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

ExitCode List(const Session& session) {
  const auto opened = Open(session, StreamUse::kLook);
  const auto& stream = opened.stream;
  Listing listing(
      {{"topic"}, {"partitions"}, {"records"}, {"bytes", Listing::Form::kBytes}, {"retention"}, {"lag_max"}});
  const auto readers = stream->ListReaders();
  for (const auto& topic : stream->ListTopics()) {
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
  listing.Print(session.json, "there are no topics yet; `millrace topics create NAME` makes one");
  return ExitCode::kDone;
}

ExitCode Describe(const Session& session, const std::string& name) {
  const auto opened = Open(session, StreamUse::kLook);
  const auto& stream = opened.stream;
  const auto topic = Require(*stream, name);
  Listing partitions({{"partition"}, {"first_offset"}, {"next_offset"}, {"records"}, {"bytes", Listing::Form::kBytes}});
  for (const auto& partition : topic.partitions) {
    const bool counted = partition.next_offset >= 0;
    partitions.Add({partition.partition, IfKnown(counted ? partition.first_offset : -1), IfKnown(partition.next_offset),
                    IfKnown(RecordsOf(partition)), IfKnown(partition.bytes)});
  }
  Listing readers({{"reader"}, {"partition"}, {"next_offset"}, {"lag"}});
  for (const auto& reader : stream->ListReaders()) {
    if (reader.topic == name) readers.Add({reader.reader, reader.partition, reader.next_offset, reader.lag_records});
  }
  if (session.json) {
    nlohmann::ordered_json out = {{"topic", name}, {"id", topic.id}, {"retention", RetentionOf(topic.spec)}};
    out["partitions"] = nlohmann::ordered_json::parse(partitions.AsJson());
    out["readers"] = nlohmann::ordered_json::parse(readers.AsJson());
    fmt::print("{}\n", out.dump(2));
    return ExitCode::kDone;
  }
  const auto retention = RetentionOf(topic.spec);
  fmt::print("topic      {}\nid         {}\nretention  {}\n\n{}", name, topic.id,
             retention.is_null() ? "for ever" : retention.get<std::string>(), partitions.AsTable());
  if (readers.empty()) {
    fmt::print("\nnobody reads it\n");
  } else {
    fmt::print("\n{}", readers.AsTable());
  }
  return ExitCode::kDone;
}

ExitCode Create(const Session& session, const std::string& name, const config::Node& options) {
  const auto spec = SpecOf(name, ParseOptions(TopicBlock(), options));
  const auto opened = Open(session, StreamUse::kAppend);
  const auto& stream = opened.stream;
  const bool existed = stream->FindTopic(name).has_value();
  stream->EnsureTopic(spec);
  fmt::print(stderr, "{} {}\n", existed ? "there was already a topic" : "created topic", name);
  return ExitCode::kDone;
}

ExitCode Delete(const Session& session, const std::string& name, bool yes) {
  if (!yes) {
    throw Error(ErrorCode::kUsage, fmt::format("deleting '{}' cannot be undone; add --yes to do it", name));
  }
  const auto opened = Open(session, StreamUse::kDelete);
  const auto& stream = opened.stream;
  Require(*stream, name);
  stream->DeleteTopic(name);
  fmt::print(stderr, "deleted topic {}\n", name);
  return ExitCode::kDone;
}

struct TopicArguments {
  std::string name;
  TailOptions tail;
  config::Node options;
  bool yes = false;
};

void AddTail(CLI::App& topics, Session& session, const std::shared_ptr<TopicArguments>& arguments) {
  auto* tail = AddVerb(
      topics, session, "tail", "Print the newest records of a topic",
      [&session, arguments] {
        const auto opened = Open(session, StreamUse::kLook);
        const auto& stream = opened.stream;
        auto options = arguments->tail;
        options.json = session.json;
        TailTopic(*stream, Require(*stream, arguments->name), options);
        return ExitCode::kDone;
      },
      "  millrace topics tail events -n 3\n  millrace topics tail events --follow | jq .type");
  tail->add_option("TOPIC", arguments->name)->required();
  tail->add_option("-n,--records", arguments->tail.records, "How many of each partition [10]")
      ->check(CLI::NonNegativeNumber);
  tail->add_flag("-f,--follow", arguments->tail.follow, "Wait for more");
  tail->add_flag("--json", session.json, "With partition, offset, time and key of each record");
  AddConfigOption(*tail, session);
}

}  // namespace

void AddTopics(CLI::App& root, Session& session) {
  const auto arguments = std::make_shared<TopicArguments>();
  auto* topics = AddVerbGroup(root, "topics", "Topics of the stream: list, describe, tail, create, delete");
  auto* list = AddVerb(*topics, session, "list", "Every topic", [&session] { return List(session); });
  auto* describe = AddVerb(*topics, session, "describe", "Partitions and readers of a topic",
                           [&session, arguments] { return Describe(session, arguments->name); });
  AddTail(*topics, session, arguments);
  auto* create = AddVerb(
      *topics, session, "create", "Make a topic",
      [&session, arguments] { return Create(session, arguments->name, arguments->options); },
      "  millrace topics create clicks --partitions 4 --retention 7d");
  AddBlockOptions(*create, *TopicBlock().info(), arguments->options);
  auto* remove = AddVerb(*topics, session, "delete", "Delete a topic and its records",
                         [&session, arguments] { return Delete(session, arguments->name, arguments->yes); });
  remove->add_flag("--yes", arguments->yes, "Do it");
  for (auto* verb : {describe, create, remove}) verb->add_option("TOPIC", arguments->name)->required();
  for (auto* verb : {list, describe}) AddJsonOption(*verb, session);
  for (auto* verb : {list, describe, create, remove}) AddConfigOption(*verb, session);
}

}  // namespace millrace::app

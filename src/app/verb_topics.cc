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
#include "app/topic_facts.h"
#include "app/topic_tail.h"
#include "app/verbs.h"

namespace millrace::app {
namespace {

OpenedStream Open(const Session& session, StreamUse use) {
  return OpenStreamFor(use, LoadConfigOrDefaults(session.config_paths));
}

ExitCode List(const Session& session) {
  const auto opened = Open(session, StreamUse::kLook);
  TopicListing(*opened.stream).Print(session.json, "there are no topics yet; `millrace topics create NAME` makes one");
  return ExitCode::kDone;
}

ExitCode Describe(const Session& session, const std::string& name) {
  const auto opened = Open(session, StreamUse::kLook);
  const auto topic = DescribeTopic(*opened.stream, name);
  if (session.json) {
    fmt::print("{}\n", topic.AsJson().dump(2));
    return ExitCode::kDone;
  }
  fmt::print("topic      {}\nid         {}\nretention  {}\n\n{}", name, topic.id,
             topic.retention.is_null() ? "for ever" : topic.retention.get<std::string>(), topic.partitions.AsTable());
  if (topic.readers.empty()) {
    fmt::print("\nnobody reads it\n");
  } else {
    fmt::print("\n{}", topic.readers.AsTable());
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
  RequireTopic(*stream, name);
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
        TailTopic(*stream, RequireTopic(*stream, arguments->name), options);
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

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "app/doctor_checks.h"
#include "app/kafka_options.h"
#include "app/kinesis_blocks.h"
#include "app/plan.h"
#include "app/scratch.h"
#include "source/joined_records.h"
#include "stream/kafka/cluster_probe.h"
#include "stream/kinesis/kinesis_stream.h"

namespace millrace::app {
namespace {

struct TopicUse {
  bool read = false;
  bool written = false;
  bool made = false;  // by this pipeline where it is missing
};

/// By name, or by a pattern that begins with '^'.
std::map<std::string, TopicUse> UsesOf(const PipelineConfig& pipeline) {
  std::map<std::string, TopicUse> uses;
  for (const auto& topic : TopicsOf(pipeline)) uses[topic.name].made = true;
  for (const auto& [name, source] : pipeline.sources) {
    if (!source.topic.empty()) uses[source.topic].written = true;
    if (!source.http_ingest) continue;
    for (const auto& [path, route] : source.http_ingest->routes) uses[route.topic].written = true;
  }
  for (const auto& [name, table] : pipeline.tables) {
    if (FromTopic(pipeline, table)) uses[table.from].read = true;
  }
  for (const auto& [name, documents] : pipeline.documents) uses[FeedOf(name, documents).from].read = true;
  return uses;
}

bool Appends(const std::map<std::string, TopicUse>& uses) {
  return std::ranges::any_of(uses, [](const auto& use) { return use.second.written; });
}

void LookAtTopic(stream::ClusterProbe& probe, const std::string& topic, const TopicUse& use, Findings& findings) {
  const auto rights = probe.Rights(topic);
  if (!rights) {
    const auto says = fmt::format("topic {} is not there, or this user is not told of it", topic);
    if (use.made) return findings.Ok(fmt::format("topic {} is not there yet and will be made", topic));
    return findings.Fail(says, fmt::format("make it with `millrace topics create {}`, or grant DESCRIBE on it", topic));
  }
  std::vector<std::string> missing;
  if (!rights->contains("DESCRIBE")) missing.emplace_back("DESCRIBE");
  if (use.read && !rights->contains("READ")) missing.emplace_back("READ");
  if (use.written && !rights->contains("WRITE")) missing.emplace_back("WRITE");
  if (!missing.empty()) {
    return findings.Fail(fmt::format("topic {}: this user lacks {}", topic, fmt::join(missing, " and ")),
                         fmt::format("grant it on the topic (kafka-acls.sh --add --operation {} --topic {})",
                                     fmt::join(missing, " --operation "), topic));
  }
  findings.Ok(fmt::format("topic {}: this user may {}{}{}", topic, use.read ? "read" : "",
                          use.read && use.written ? " and " : "",
                          use.written ? "write"
                          : use.read  ? ""
                                      : "see it"));
}

void LookAtTopics(stream::ClusterProbe& probe, const std::map<std::string, TopicUse>& uses, Findings& findings) {
  for (const auto& [name, use] : uses) {
    if (!name.starts_with('^')) {
      LookAtTopic(probe, name, use, findings);
      continue;
    }
    const auto matching = probe.Matching(name);
    if (matching.empty())
      findings.Warn(fmt::format("no topic matches {} now", name), "see whether the pattern is right");
    for (const auto& topic : matching) LookAtTopic(probe, topic, use, findings);
  }
}

void TryScratchTopic(stream::ClusterProbe& probe, bool appends, Findings& findings, const std::stop_token& stop) {
  try {
    probe.MakeScratchTopic(ScratchWord());
  } catch (const Error& error) {
    if (appends) throw;  // it makes topics of its own for positions
    return findings.Warn(fmt::format("reading was not tried: no scratch topic can be made ({})", error.message()),
                         "nothing, if topics are made by somebody else; else grant CREATE on topics millrace.*");
  }
  const auto record = source::Joined({R"({"millrace":"doctor"})"});
  probe.Write(record);
  std::string ways = "written";
  if (appends) {
    probe.WriteInTransaction(record);
    ways += ", written in a transaction";
  }
  const size_t expected = appends ? 2 : 1;
  const auto found = probe.Read(expected, stop);
  if (found != expected) {
    return findings.Fail(
        fmt::format("of {} records that were written to the scratch topic {} came back", expected, found),
        "grant READ on groups millrace.*, and see the brokers' log");
  }
  findings.Ok(fmt::format("a scratch topic was made, {} and read in a consumer group, and is deleted again", ways));
}

void LookAtKafka(const PipelineConfig& pipeline, Findings& findings, const std::stop_token& stop) {
  const auto uses = UsesOf(pipeline);
  stream::ClusterProbe probe(KafkaOptionsFor(*pipeline.stream.kafka));
  findings.Ok(fmt::format("brokers {} answer and let this client in", fmt::join(probe.Brokers(), ", ")));
  LookAtTopics(probe, uses, findings);
  if (!stop.stop_requested()) TryScratchTopic(probe, Appends(uses), findings, stop);
}

void LookAtKinesis(const PipelineConfig& pipeline, Findings& findings, const std::stop_token& stop) {
  constexpr std::chrono::milliseconds kReadTime{2000};
  stream::KinesisStream stream(KinesisOptionsFor(*pipeline.stream.kinesis, {}));
  for (const auto& [topic, use] : UsesOf(pipeline)) {
    const auto name = pipeline.stream.kinesis->prefix + topic;
    const auto found = stream.FindTopic(topic);
    if (!found && use.made) {
      findings.Ok(fmt::format("stream {} is not there yet and will be made", name));
    } else if (!found) {
      findings.Fail(fmt::format("there is no stream {}", name),
                    fmt::format("make it with `millrace topics create {}`", topic));
    } else {
      const auto reader = stream.OpenReader(topic, event::ReaderOptions{.reader = {}});
      reader->Seek({});
      reader->Read({.bytes_max = size_t{64} << 10, .wait = kReadTime}, stop);
      findings.Ok(fmt::format("stream {} can be described and read{}", name,
                              use.written ? "; writing was not tried, as no scratch stream is made" : ""));
    }
  }
}

}  // namespace

std::vector<DoctorCheck> StreamChecks(const PipelineConfig& pipeline) {
  return {{"stream", [&pipeline](Findings& findings, const std::stop_token& stop) {
             if (pipeline.stream.kafka) return LookAtKafka(pipeline, findings, stop);
             if (pipeline.stream.kinesis) return LookAtKinesis(pipeline, findings, stop);
             findings.Ok("topics are kept in the data directory, which `disk` has looked at");
           }}};
}

}  // namespace millrace::app

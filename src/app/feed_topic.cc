#include "app/feed_topic.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/plan.h"
#include "app/progress.h"
#include "app/signal_stop.h"
#include "app/storage.h"

namespace millrace::app {
namespace {

event::TopicSpec SpecFor(const PipelineConfig& pipeline, event::Stream& stream, const std::string& topic) {
  if (const auto found = stream.FindTopic(topic)) return found->spec;
  for (auto& spec : TopicsOf(pipeline)) {
    if (spec.name == topic) return spec;
  }
  event::TopicSpec spec;
  spec.name = topic;
  return spec;
}

/// The first `rows` records of a batch.
event::EventBatchPtr FirstOf(const event::EventBatchPtr& batch, size_t rows) {
  auto part = std::make_shared<event::EventBatch>(*batch);
  part->records.resize(rows);
  if (!part->keys.empty()) part->keys.resize(rows);
  if (!part->offsets.empty()) part->offsets.resize(rows);
  if (!part->timestamps.empty()) part->timestamps.resize(rows);
  return part;
}

}  // namespace

ExitCode FeedTopic(const PipelineConfig& pipeline, std::unique_ptr<event::Source> source, const std::string& topic,
                   std::optional<int64_t> rows_max) {
  const SignalStop stop;
  const auto opened = OpenStreamFor(StreamUse::kAppend, pipeline);
  const auto& stream = opened.stream;
  stream->EnsureTopic(SpecFor(pipeline, *stream, topic));
  Progress progress("append");
  int64_t count = 0;
  while (!stop.signalled() && (!rows_max || count < *rows_max)) {
    const auto read = source->Read({}, stop.token());
    if (read.state == event::ReadState::kExhausted) break;
    if (read.state != event::ReadState::kBatch) continue;
    auto batch = read.batch;
    if (rows_max && static_cast<int64_t>(batch->size()) > *rows_max - count) {
      batch = FirstOf(batch, static_cast<size_t>(*rows_max - count));
    }
    stream->Append({.topic = topic, .events = batch, .position = std::nullopt, .idempotency_key = {}});
    count += static_cast<int64_t>(batch->size());
    std::optional<double> share;
    if (rows_max && *rows_max > 0) share = static_cast<double>(count) / static_cast<double>(*rows_max);
    progress.Show(count, share);
  }
  fmt::print(stderr, "appended {} events to {}\n", count, topic);
  return stop.signalled() ? ExitCode::kFailed : ExitCode::kDone;
}

}  // namespace millrace::app

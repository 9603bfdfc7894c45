#include "app/pipeline_view.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "app/process_gauges.h"
#include "app/table_why.h"
#include "app/warehouse_store.h"
#include "land/land_events.h"

namespace millrace::app {
namespace {

using nlohmann::ordered_json;

/// The loop goes round ten times a second; retention within it may take a while.
constexpr auto kStuckAfter = std::chrono::seconds(120);
/// A peer that failed a commit for longer makes the pipeline not ready.
constexpr auto kTroubleAfter = std::chrono::seconds(15);

bool IsTrouble(event::WaitKind kind) {
  return kind == event::WaitKind::kOutcomeUnknown || kind == event::WaitKind::kCatalog ||
         kind == event::WaitKind::kStore;
}

ordered_json TimeOrNull(const std::optional<Timestamp>& time) {
  return time ? ordered_json(FormatTimestamp(*time)) : ordered_json();
}

double SecondsSince(const std::optional<Timestamp>& then, Timestamp now) {
  return then ? std::max(std::chrono::duration<double>(now - *then).count(), 0.0) : 0;
}

ordered_json DescribeCommit(const TableStatus::LastCommit& commit) {
  ordered_json rejected = ordered_json::object();
  for (const auto& [cause, count] : commit.landed.rejected) rejected[std::string(event::ToString(cause))] = count;
  return {{"at", FormatTimestamp(commit.at)},
          {"seconds", commit.seconds},
          {"rows", commit.landed.rows},
          {"deletes", commit.landed.deletes},
          {"duplicates", commit.landed.duplicates},
          {"rescued_values", commit.landed.rescued_values},
          {"rejected", std::move(rejected)}};
}

}  // namespace

PipelineView::PipelineView(GaugeSources parts, event::Stream& stream, Lake& lake, const ConnectorHost* connectors)
    : parts_(parts),
      stream_(stream),
      connectors_(connectors),
      ticked_(Clock::System().Steady()),
      stream_probe_("the stream",
                    [this] {
                      auto topics = stream_.ListTopics();
                      const std::lock_guard lock(topics_mutex_);
                      topics_ = std::move(topics);
                    }),
      catalog_probe_("the catalogue", [&lake] { lake.catalog->ListNamespaces(); }),
      lake_probe_("the lake", [&lake] {
        if (!lake.vended) RequireWarehouse(*lake.store);
      }) {}

void PipelineView::ServedAt(std::string url) {
  const std::lock_guard lock(mutex_);
  url_ = std::move(url);
}

bool PipelineView::IntakeEnded(const TableFeed& feed) const {
  const auto& from = feed.from();
  const auto& runner = parts_.runner;
  const bool fed = std::ranges::any_of(runner.sources(), [&](const auto& source) { return source->topic() == from; }) ||
                   std::ranges::any_of(runner.ingests(), [&](const auto& ingest) { return ingest->Feeds(from); });
  return fed && runner.IntakeDone(from);
}

TableSituation PipelineView::SituationOf(const TableFeed& feed, Timestamp now) const {
  TableSituation situation;
  situation.status = feed.status();
  situation.intake_ended = IntakeEnded(feed);
  situation.maintenance = parts_.maintenance.Find(feed.table());
  situation.now = now;
  situation.steady = Clock::System().Steady();
  situation.freshness = feed.freshness();
  return situation;
}

ordered_json PipelineView::DescribeTable(const TableFeed& feed, Timestamp now) const {
  const auto situation = SituationOf(feed, now);
  const auto& status = situation.status;
  const auto why = Explain(situation);
  uint64_t rejected = 0;
  for (const auto& [cause, count] : status.counts.rejected) rejected += count;
  ordered_json table = {{"state", why.state},
                        {"why", why.sentence},
                        {"records", status.counts.records},
                        {"rows", status.counts.rows},
                        {"deletes", status.counts.deletes},
                        {"duplicates", status.counts.duplicates},
                        {"rejected", rejected},
                        {"rescued_values", status.counts.rescued_values},
                        {"commits", status.counts.commits},
                        {"unread_records", status.lag.records},
                        {"pending_records", status.pending},
                        {"landed_records", status.landed.records},
                        {"read_per_second", std::round(status.read_per_second)},
                        {"lag_seconds", SecondsSince(status.oldest_unlanded, now)},
                        {"freshness_seconds", std::chrono::duration<double>(situation.freshness).count()},
                        {"newest_visible", TimeOrNull(status.newest_visible)}};
  table["last_commit"] = status.last_commit ? DescribeCommit(*status.last_commit) : ordered_json();
  if (situation.maintenance) {
    table["data_files"] = situation.maintenance->files;
    table["small_files"] = situation.maintenance->small_files;
  }
  return table;
}

ordered_json PipelineView::Describe() const {
  const auto now = Clock::System().Now();
  ordered_json status = {{"pipeline", parts_.config.name}, {"pid", getpid()}, {"at", FormatTimestamp(now)}};
  {
    const std::lock_guard lock(mutex_);
    if (!url_.empty()) status["server"] = url_;
  }
  status["memory"] = {{"used_bytes", parts_.budget.used()},
                      {"limit_bytes", parts_.budget.limit()},
                      {"pressure", parts_.budget.under_pressure()}};
  status["open_data_files"] = Metrics::Process().Value(land::kOpenDataFiles, {});
  status["sources"] = ordered_json::object();
  for (const auto& feed : parts_.runner.sources()) {
    status["sources"][std::string(feed->name())] = {{"state", feed->paused() ? "paused" : ToString(feed->state())},
                                                    {"topic", feed->topic()},
                                                    {"events", feed->events()},
                                                    {"done", feed->done()}};
    if (auto why = feed->WaitsFor(); !why.empty()) status["sources"][std::string(feed->name())]["why"] = std::move(why);
  }
  for (const auto& ingest : parts_.runner.ingests()) {
    status["sources"][ingest->name()] = {
        {"state", ToString(ingest->done() ? FeedState::kDrained : FeedState::kRunning)},
        {"topics", ingest->topics()},
        {"events", ingest->events()},
        {"done", ingest->done()}};
  }
  status["tables"] = ordered_json::object();
  for (const auto& feed : parts_.runner.tables()) status["tables"][feed->table()] = DescribeTable(*feed, now);
  if (connectors_ != nullptr) status["connectors"] = connectors_->Describe();
  status["not_ready"] = OwnReasons();
  return status;
}

/// A stream that hangs must not take the other metrics along, and one that answers is not asked at every scrape.
std::vector<event::TopicInfo> PipelineView::Topics() {
  if (stream_probe_.Problem()) return {};
  const std::lock_guard lock(topics_mutex_);
  return topics_;
}

std::string PipelineView::EventJson() {
  auto event = Describe();
  event["topics"] = ordered_json::object();
  for (const auto& topic : Topics()) {
    int64_t came = 0, records = 0, bytes = 0;
    for (const auto& partition : topic.partitions) {
      const bool counted = came >= 0 && partition.next_offset >= 0;
      came = counted ? came + partition.next_offset : -1;
      records = counted ? records + partition.next_offset - partition.first_offset : -1;
      bytes = bytes < 0 || partition.bytes < 0 ? -1 : bytes + partition.bytes;
    }
    event["topics"][topic.spec.name] = {
        {"partitions", topic.partitions.size()}, {"came", came}, {"records", records}, {"bytes", bytes}};
  }
  return event.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string PipelineView::MetricsText() {
  const auto topics = Topics();
  SetStreamGauges(topics);
  const auto now = Clock::System().Now();
  SetPipelineGauges(parts_, topics, now);
  if (connectors_ != nullptr) connectors_->SetGauges(topics, now);
  SetProcessGauges();
  return Metrics::Process().Text();
}

std::optional<std::string> PipelineView::Stuck() {
  if (phase_ != Phase::kRunning) return std::nullopt;
  const auto since = Clock::System().Steady() - ticked_.load();
  if (since < kStuckAfter) return std::nullopt;
  return fmt::format("the pipeline has not moved for {}", Span(since));
}

void PipelineView::AddFeedReasons(std::vector<std::string>& reasons) const {
  for (const auto& feed : parts_.runner.sources()) {
    if (feed->state() == FeedState::kRunning || feed->state() == FeedState::kDrained) continue;
    reasons.push_back(fmt::format("source {}: {}", feed->name(), ToString(feed->state())));
  }
  const auto now = Clock::System().Now();
  for (const auto& feed : parts_.runner.tables()) {
    const auto situation = SituationOf(*feed, now);
    const auto& status = situation.status;
    const bool runs = status.state == FeedState::kRunning || status.state == FeedState::kDrained;
    const bool trouble =
        IsTrouble(status.wait.kind) && status.wait.since && situation.steady - *status.wait.since > kTroubleAfter;
    if (!runs || trouble) reasons.push_back(fmt::format("{}: {}", feed->title(), Explain(situation).sentence));
  }
}

std::vector<std::string> PipelineView::OwnReasons() const {
  std::vector<std::string> reasons;
  if (phase_ == Phase::kStarting) reasons.emplace_back("the pipeline is starting");
  if (phase_ == Phase::kEnding) reasons.emplace_back("the pipeline is coming to its end");
  AddFeedReasons(reasons);
  return reasons;
}

std::vector<std::string> PipelineView::NotReady() {
  auto reasons = OwnReasons();
  for (auto* probe : {&stream_probe_, &catalog_probe_, &lake_probe_}) {
    if (auto problem = probe->Problem()) reasons.push_back(std::move(*problem));
  }
  return reasons;
}

std::string PipelineView::StatusJson() {
  return Describe().dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace millrace::app

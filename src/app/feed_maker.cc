#include "app/feed_maker.h"

#include <algorithm>
#include <cstdint>
#include <thread>
#include <utility>

#include "app/document_blocks.h"
#include "app/fixed_start.h"
#include "app/plan.h"
#include "app/registry.h"
#include "app/table_sinks.h"

namespace millrace::app {
namespace {

constexpr int64_t kReadBytesMin = int64_t{64} << 10;
/// A batch that is being read, and one that waits for memory, are not of the budget yet: those of all feeds together
/// are about a quarter of it.
constexpr int64_t kShareOfBudget = 8;
/// Feeds that read much at a time, beside one for each core: its batches are there when a core is free.
constexpr size_t kTurnsBesideCores = 1;
/// Batches of a turn that wait at the same time, at most, and those of a whole turn: about what fills a row group.
constexpr size_t kBatchesQueued = 4;
constexpr int64_t kBatchesATurn = 12;

}  // namespace

FeedMaker::FeedMaker(Parts parts, const RunLimits& limits, std::function<void()> on_commit)
    : parts_(parts), limits_(limits), on_commit_(std::move(on_commit)) {
  const size_t at_once = std::thread::hardware_concurrency() + kTurnsBesideCores;
  if (feeds() <= at_once) return;
  const size_t read_bytes = ReadBytes(kBatchesQueued * at_once);
  turns_ = std::make_shared<ReadTurns>(ReadTurns::Options{
      .at_once = at_once, .read_bytes = read_bytes, .turn_bytes = static_cast<int64_t>(read_bytes) * kBatchesATurn});
}

size_t FeedMaker::feeds() const {
  const auto& config = parts_.config;
  // A source without a topic is read by the feeds of its tables.
  const auto appending =
      std::ranges::count_if(config.sources, [](const auto& named) { return !named.second.topic.empty(); });
  return static_cast<size_t>(appending) + config.tables.size() + config.documents.size();
}

size_t FeedMaker::ReadBytes(size_t feeds) const {
  const auto most = static_cast<int64_t>(event::ReadLimits{}.bytes_max);
  const auto share = parts_.budget.limit() / (kShareOfBudget * static_cast<int64_t>(std::max<size_t>(feeds, 1)));
  return static_cast<size_t>(std::clamp(share, kReadBytesMin, most));
}

void FeedMaker::AddSource(const std::string& name, const SourceConfig& source) const {
  parts_.runner.AddSource(std::make_unique<SourceFeed>(MakeSource(name, source, limits_.until_idle), parts_.stream,
                                                       parts_.budget,
                                                       SourceFeed::Options{.producer = parts_.config.name + "/" + name,
                                                                           .topic = source.topic,
                                                                           .read_bytes = ReadBytes(feeds()),
                                                                           .until_idle = limits_.until_idle,
                                                                           .time = limits_.intake_time}));
}

void FeedMaker::AddTable(const std::string& name, const TableConfig& table) const {
  AddFeed(name, "table " + name, table,
          MakeSink(parts_.config, name, table, parts_.directory, parts_.lake, parts_.budget, !limits_.until_idle));
}

void FeedMaker::AddDocuments(const std::string& name, const DocumentsConfig& documents) const {
  AddFeed(FeedName(name), "documents " + name, FeedOf(name, documents),
          MakeDocumentSink(parts_.config, name, documents, parts_.budget));
}

void FeedMaker::AddFeed(const std::string& name, std::string title, const TableConfig& feed,
                        std::shared_ptr<event::Sink> sink) const {
  TableFeed::Options options;
  options.table = name;
  options.title = std::move(title);
  options.from = feed.from;
  options.freshness = feed.files ? feed.files->buffer_time : feed.freshness;
  if (FromTopic(parts_.config, feed)) {
    options.topic = feed.from;
  } else {
    options.time = limits_.intake_time;
  }
  options.read_bytes = ReadBytes(feeds());
  options.turns = turns_;
  options.settle = limits_.settle;
  if (limits_.until_idle) {
    options.intake_done = [runner = &parts_.runner, topic = feed.from] { return runner->IntakeDone(topic); };
  }
  options.on_commit = on_commit_;
  parts_.runner.AddTable(std::make_unique<TableFeed>(OpenReader(name, feed), std::move(sink), std::move(options)));
}

std::unique_ptr<event::Source> FeedMaker::OpenReader(const std::string& name, const TableConfig& feed) const {
  const auto& config = parts_.config;
  if (FromTopic(config, feed)) {
    auto starts = starts_ ? starts_(name) : event::Positions{};
    starts.merge(FixedStart(config, name, feed, parts_.lake, parts_.stream));
    return parts_.stream.OpenReader(feed.from, {.reader = config.name + "/" + name,
                                                .starts = std::move(starts),
                                                .land_gaps = feed.on_gap == GapWord::kLand,
                                                .drains = limits_.until_idle,
                                                .headers = feed.headers});
  }
  return MakeSource(feed.from, config.sources.at(feed.from), limits_.until_idle);
}

}  // namespace millrace::app

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/engine_options.h"
#include "app/limited_stop.h"
#include "app/opened_lake.h"
#include "app/plan.h"
#include "app/progress.h"
#include "app/replay_ranges.h"
#include "app/signal_stop.h"
#include "app/storage.h"
#include "app/table_sinks.h"
#include "app/text_table.h"
#include "app/verbs.h"
#include "io/digest.h"
#include "land/replay.h"
#include "land/table_sink.h"
#include "refine/maintenance/table_lock.h"

namespace millrace::app {
namespace {

using Stage = land::Replay::Standing::Stage;

constexpr auto kCommitEvery = std::chrono::seconds(30);
/// What a stop leaves for the commit of what was read.
constexpr auto kLastCommit = std::chrono::seconds(20);
constexpr size_t kNameLength = 8;

struct ReplayArguments {
  std::string table;
  std::vector<std::string> ranges;
  std::string from;
  std::string to;
  std::string by = "ingested";
  std::string into;
  std::string name;
  bool append = false;
  bool dry_run = false;
  bool stage = false;
  bool abandon = false;
};

/// Everything a replay works with, opened.
struct Opened {
  OpenedLake lake;
  std::unique_ptr<event::Stream> stream;
  event::TopicInfo topic;
  std::string target;
  const TableConfig* table = nullptr;  // whose options the target is landed with
};

Opened Open(const Session& session, const ReplayArguments& arguments) {
  Opened opened{.lake = OpenLakeOf(session), .stream = nullptr, .topic = {}, .target = {}, .table = nullptr};
  const auto& pipeline = opened.lake.pipeline;
  const auto found = pipeline.tables.find(arguments.table);
  if (found == pipeline.tables.end() || found->second.files || !FromTopic(pipeline, found->second)) {
    throw Error(ErrorCode::kUsage, fmt::format("'{}' is no Iceberg table of this pipeline that is made from a topic; "
                                               "only what a topic still holds can be landed again",
                                               arguments.table));
  }
  opened.target = arguments.into.empty() ? arguments.table : arguments.into;
  const auto other = pipeline.tables.find(opened.target);
  opened.table = other == pipeline.tables.end() ? &found->second : &other->second;
  if (opened.table->files) {
    throw Error(ErrorCode::kUsage, "'" + opened.target + "' is plain files; --into names an Iceberg table");
  }
  opened.stream = OpenStreamFor(StreamUse::kLook, pipeline).stream;
  const auto topic = opened.stream->FindTopic(found->second.from);
  if (!topic) throw Error(ErrorCode::kUsage, "there is no topic '" + found->second.from + "' yet");
  opened.topic = *topic;
  const auto unknown = [](const auto& partition) { return partition.next_offset < 0; };
  if (std::ranges::any_of(opened.topic.partitions, unknown)) {
    throw Error(ErrorCode::kUsage, fmt::format("topic {}: its stream finds no record by offset, so stretches of it "
                                               "cannot be landed again; a table of another name, with `start`, can be",
                                               opened.topic.spec.name));
  }
  return opened;
}

/// The same words name the same replay, so that running a command again goes on with it.
std::string NameOf(const ReplayArguments& arguments, const Opened& opened) {
  if (!arguments.name.empty()) {
    const bool sound = std::ranges::all_of(
        arguments.name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; });
    if (sound && arguments.name.size() <= 64) return arguments.name;
    throw Error(ErrorCode::kUsage, "--name has letters, digits, '-' and '_', at most 64");
  }
  auto ranges = arguments.ranges;
  std::ranges::sort(ranges);
  const auto words = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", opened.topic.id, opened.target, fmt::join(ranges, " "),
                                 arguments.from, arguments.to, arguments.by);
  return io::Hex(io::Sha256(words)).substr(0, kNameLength);
}

land::ReplayPlan PlanOf(const ReplayArguments& arguments, Opened& opened, const std::stop_token& stop) {
  const bool by_time = !arguments.from.empty() || !arguments.to.empty();
  if (by_time == !arguments.ranges.empty()) {
    throw Error(ErrorCode::kUsage, "say what to land again: either PARTITION=BEGIN..END, or --from and --to");
  }
  land::ReplayPlan plan{.topic = opened.topic.spec.name, .ranges = {}};
  if (!by_time) {
    plan.ranges = RangesByOffset(opened.topic, arguments.ranges);
    return plan;
  }
  const auto now = Clock::System().Now();
  TimeRange times;
  if (!arguments.from.empty()) times.from = ParseTime(arguments.from, now);
  if (!arguments.to.empty()) times.to = ParseTime(arguments.to, now);
  const TimeOf by = arguments.by == "event" ? TimeOf::kEvent : TimeOf::kIngested;
  plan.ranges = RangesByTime(*opened.stream, opened.topic, times, by, stop);
  if (by == TimeOf::kEvent) {
    plan.event_times = {times.from.value_or(Timestamp::min()), times.to.value_or(Timestamp::max())};
  }
  if (plan.ranges.empty()) {
    throw Error(ErrorCode::kUsage, fmt::format("topic {} holds no record of these times", opened.topic.spec.name));
  }
  return plan;
}

void Show(const Session& session, const Opened& opened, const land::ReplayPlan& plan, const event::Positions& landed) {
  Listing listing({{"partition"}, {"begin"}, {"end"}, {"records"}, {"landed"}});
  for (const auto& partition : opened.topic.partitions) {
    const auto split = event::TopicSplit(opened.topic.id, partition.partition);
    const auto range = plan.ranges.find(split);
    if (range == plan.ranges.end()) continue;
    const auto at = landed.find(split);
    const int64_t done = at == landed.end() ? 0 : event::OffsetOf(at->second) - range->second.begin;
    listing.Add(
        {partition.partition, range->second.begin, range->second.end, range->second.end - range->second.begin, done});
  }
  listing.Print(session.json, "nothing");
}

/// What landing a stretch again means for the rows that are there.
std::string MeaningOf(const Opened& opened) {
  const auto& key = opened.table->key;
  if (opened.table->upsert) {
    return opened.table->upsert->order_by.empty()
               ? "it holds the last change of each key, and what comes again would stand over what came after it"
               : "changes that are older than the row the table holds are dropped";
  }
  if (key.empty()) return "it has no key: rows of these records that landed before will be there twice";
  return fmt::format("rows whose {} the table holds are dropped as duplicates", fmt::join(key, ", "));
}

void CheckMeaning(const ReplayArguments& arguments, const Opened& opened) {
  if (opened.table->upsert && opened.table->upsert->order_by.empty() && arguments.into.empty()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{}: {}; name the column that orders changes (upsert.order_by), or --into another table",
                            opened.target, MeaningOf(opened)));
  }
  if (!opened.table->key.empty() || arguments.append || !arguments.into.empty()) return;
  throw Error(ErrorCode::kUsage, fmt::format("{}: {}; say --append if that is wanted, or --into another table",
                                             opened.target, MeaningOf(opened)));
}

std::unique_ptr<land::TableSink> SinkOf(land::Replay& replay, const std::string& name, const land::ReplayPlan& plan,
                                        const Opened& opened, const std::filesystem::path& folder, ByteBudget& budget) {
  auto options = TableSinkOptionsFor(opened.lake.pipeline, opened.target, *opened.table, opened.lake.directory);
  options.scope = land::ReplayScope(name);
  options.freshness = kCommitEvery;
  options.key_index_folder = folder / "keys";
  options.leaves_quarantined = true;
  options.table.properties.merge(land::Replay::Properties(name, plan));
  return std::make_unique<land::TableSink>(replay.branch(), std::move(options), budget);
}

land::RangeSource SourceOf(Opened& opened, const land::ReplayPlan& plan) {
  land::RangeSourceOptions options{.ranges = plan.ranges, .ends = {}, .wanted = nullptr};
  for (const auto& partition : opened.topic.partitions) {
    options.ends[event::TopicSplit(opened.topic.id, partition.partition)] = event::OffsetCursor(partition.next_offset);
  }
  if (const auto times = plan.event_times) {
    options.wanted = [times](const event::EventBatch& events, size_t record) {
      return events.timestamp(record) >= times->from && events.timestamp(record) < times->to;
    };
  }
  return {opened.stream->OpenReader(opened.topic.spec.name,
                                    event::ReaderOptions{.reader = {}, .headers = opened.table->headers}),
          std::move(options)};
}

/// False when stopped. What was read is committed to the branch in both cases.
bool Land(event::Sink& sink, event::Source& source, Progress& progress, const std::stop_token& stop) {
  source.Seek(sink.Recover());
  const int64_t all = source.lag().records;
  for (bool more = true; more && !stop.stop_requested();) {
    auto read = source.Read({}, stop);
    if (read.batch) sink.Write(std::move(read.batch), stop);
    more = read.state != event::ReadState::kExhausted;
    if (more && !sink.CommitDue()) continue;
    if (sink.Commit(stop) == event::CommitOutcome::kConflict) {
      source.Seek(sink.Recover());
      more = true;
    }
    const int64_t left = source.lag().records;
    progress.Show(all - left, all == 0 ? 1.0 : static_cast<double>(all - left) / static_cast<double>(all));
  }
  if (stop.stop_requested()) sink.Commit(LimitedStop({}, kLastCommit).token());
  return !stop.stop_requested();
}

std::string Outcome(const event::SinkCounts& counts) {
  uint64_t rejected = 0;
  for (const auto& [cause, count] : counts.rejected) rejected += count;
  auto said = fmt::format("{} records, {} rows", counts.records, counts.rows);
  if (counts.duplicates > 0) said += fmt::format(", {} duplicates dropped", counts.duplicates);
  if (rejected > 0) said += fmt::format(", {} in quarantine", rejected);
  return said;
}

ExitCode Run(Opened& opened, const std::string& name, land::Replay& replay, land::ReplayPlan wanted,
             const ReplayArguments& arguments, const std::stop_token& stop) {
  const auto folder = opened.lake.directory.path() / "replays" / name;
  std::filesystem::create_directories(folder);
  const auto lock = refine::TableLock::TryTake(folder / "lock");
  if (!lock) throw Error(ErrorCode::kUnavailable, "another process works on the replay " + name);
  ByteBudget budget(BufferShare(opened.lake.pipeline));
  for (;;) {
    const auto standing = replay.Begin(std::move(wanted), stop);
    if (standing.stage == Stage::kDone) break;
    wanted = *standing.plan;
    const auto sink = SinkOf(replay, name, wanted, opened, folder, budget);
    auto source = SourceOf(opened, wanted);
    Progress progress("replaying");
    if (!Land(*sink, source, progress, stop)) {
      fmt::print(stderr, "stopped: nothing of it is visible yet; run it again to go on with the replay {}\n", name);
      return ExitCode::kFailed;
    }
    fmt::print(stderr, "{}: {}\n", opened.target, Outcome(sink->counts()));
    if (arguments.stage) {
      fmt::print(stderr, "they are on the branch {}; run it again without --stage to make them part of the table\n",
                 land::ReplayBranch(name));
      return ExitCode::kDone;
    }
    if (replay.Publish(stop) == land::Replay::Published::kDone) break;
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  fmt::print(stderr, "{}: the replay {} is part of the table\n", opened.target, name);
  return ExitCode::kDone;
}

ExitCode Replay(const Session& session, const ReplayArguments& arguments) {
  const SignalStop stop;
  auto opened = Open(session, arguments);
  const auto name = NameOf(arguments, opened);
  land::Replay replay(*opened.lake.lake.catalog,
                      {.table = catalog::ParseTableName(opened.target), .name = name, .key = opened.table->key});
  if (arguments.abandon) {
    replay.Abandon(stop.token());
    fmt::print(stderr, "{}: the replay {} is given up; the table is as it was\n", opened.target, name);
    return ExitCode::kDone;
  }
  const auto standing = replay.Look();
  if (standing.stage == Stage::kDone) {
    fmt::print(stderr, "{}: the replay {} is done and part of the table; --name another lands the same once more\n",
               opened.target, name);
    return ExitCode::kDone;
  }
  auto plan = standing.plan ? *standing.plan : PlanOf(arguments, opened, stop.token());
  if (arguments.dry_run) {
    Show(session, opened, plan, standing.landed);
    fmt::print(stderr, "{}: replay {}; {}\nnothing was changed\n", opened.target, name, MeaningOf(opened));
    return ExitCode::kDone;
  }
  CheckMeaning(arguments, opened);
  return Run(opened, name, replay, std::move(plan), arguments, stop.token());
}

}  // namespace

void AddOffsetsReplay(CLI::App& offsets, Session& session) {
  const auto arguments = std::make_shared<ReplayArguments>();
  auto* verb = AddVerb(
      offsets, session, "replay", "Land a stretch of a topic once more, all of it at once or nothing",
      [&session, arguments] { return Replay(session, *arguments); },
      "  millrace offsets replay silver.events 0=1500..1600 --dry-run           what it would land\n"
      "  millrace offsets replay silver.events 0=1500..1600 1=..200             while `millrace run` goes on\n"
      "  millrace offsets replay silver.events --from 2026-01-02 --to 2026-01-03 --into silver.events_again\n"
      "  millrace offsets replay silver.events --from 6h --stage                onto a branch, to look at it first");
  verb->add_option("TABLE", arguments->table, "A table of the pipeline that is made from a topic")->required();
  verb->add_option("PARTITION=BEGIN..END", arguments->ranges, "Records by offset, END excluded");
  verb->add_option("--from", arguments->from, "Records from this time on: 2026-01-02, 2026-01-02T03:00:00Z, 2h ago");
  verb->add_option("--to", arguments->to, "Records before this time");
  verb->add_option("--by", arguments->by, "Whose time: when the stream took a record, or what its producer said")
      ->check(CLI::IsMember({"ingested", "event"}))
      ->capture_default_str();
  verb->add_option("--into", arguments->into, "Another table, which is made if need be, in place of TABLE");
  verb->add_option("--name", arguments->name, "What it is called [a word made from the others]");
  verb->add_flag("--append", arguments->append, "Of a table without key: rows may be there twice afterwards");
  verb->add_flag("--dry-run", arguments->dry_run, "Say what would be landed and change nothing");
  verb->add_flag("--stage", arguments->stage, "Leave it on its branch for now");
  verb->add_flag("--abandon", arguments->abandon, "Give it up: drop its branch");
  AddJsonOption(*verb, session);
  AddConfigOption(*verb, session);
}

}  // namespace millrace::app

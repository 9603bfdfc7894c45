#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <vector>

#include "app/plan.h"
#include "app/storage.h"
#include "app/table_positions.h"
#include "app/text_table.h"
#include "app/verbs.h"
#include "land/committer.h"
#include "land/positions.h"
#include "land/replay_plan.h"

namespace millrace::app {
namespace {

/// On stderr, the replays that are under way: nothing else shows them before they are done.
void TellReplays(OpenedLake& opened) {
  const std::string prefix = land::ReplayPlanProperty("");
  for (const auto& name : AllTables(*opened.lake.catalog)) {
    const auto loaded = opened.lake.catalog->Load(name);
    if (!loaded) continue;
    for (const auto& [property, text] : loaded->metadata->properties) {
      if (!property.starts_with(prefix)) continue;
      fmt::print(stderr, "{}: the replay {} is under way; give its command again to finish it, or with --abandon\n",
                 catalog::ToString(name), property.substr(prefix.size()));
    }
  }
}

ExitCode Show(const Session& session) {
  auto opened = OpenLakeOf(session);
  const auto stream = OpenStreamIfThere(opened.pipeline, opened.directory);
  Listing listing({{"table"}, {"from"}, {"partition"}, {"position"}, {"lag"}});
  const auto add = [&](const std::vector<TablePosition>& positions) {
    for (const auto& position : positions) {
      listing.Add({position.table, position.origin,
                   position.partition ? nlohmann::json(*position.partition) : nlohmann::json(), position.position,
                   position.lag ? nlohmann::json(*position.lag) : nlohmann::json()});
    }
  };
  add(ReadTablePositions(opened, stream.get()));
  auto code = ExitCode::kDone;
  for (const auto& [name, documents] : opened.pipeline.documents) {
    try {
      add(ReadDocumentPositions(opened, name, stream.get()));
    } catch (const Error& error) {
      // The others are told all the same.
      fmt::print(stderr, "documents.{}: {}\n", name, error.what());
      code = ExitCodeFor(error.code());
    }
  }
  listing.Print(session.json, "this pipeline has no tables that were landed yet");
  TellReplays(opened);
  return code;
}

/// "2=1500" of a table made from a topic, or "<split>=<cursor>" as `show` prints those of sources.
std::pair<event::SplitId, event::Cursor> ParseMove(const std::string& text,
                                                   const std::optional<event::TopicInfo>& topic) {
  const auto equals = text.rfind('=');
  if (equals == std::string::npos || equals == 0) {
    throw Error(ErrorCode::kUsage, "'" + text + "' is not PARTITION=OFFSET; `millrace offsets show` prints both");
  }
  const std::string split = text.substr(0, equals), cursor = text.substr(equals + 1);
  int32_t partition = -1;
  const auto [end, error] = std::from_chars(split.data(), split.data() + split.size(), partition);
  if (error != std::errc() || end != split.data() + split.size()) return {event::SplitId(split), event::Cursor(cursor)};
  const auto there = [&] { return std::ranges::find(topic->partitions, partition, &event::PartitionInfo::partition); };
  if (!topic || there() == topic->partitions.end()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("there is no partition {} to set; `millrace offsets show` prints them", split));
  }
  // Through OffsetOf, so that only what is an offset is stored, in its canonical form.
  const int64_t offset = event::OffsetOf(event::Cursor(cursor));
  if (there()->next_offset >= 0 || offset == 0)
    return {event::TopicSplit(topic->id, partition), event::OffsetCursor(offset)};
  if (cursor.find('@') != std::string::npos) return {event::TopicSplit(topic->id, partition), event::Cursor(cursor)};
  throw Error(ErrorCode::kUsage,
              fmt::format("{0}={1}: its stream finds no record by offset; give a position as `millrace "
                          "offsets show` prints it, or {0}={1}@oldest",
                          partition, offset));
}

/// What the table has stored, the property alone where it was rolled back: the caller is about to say what holds.
event::Positions StoredOrMirrored(const table::TableMetadata& metadata, const std::string& scope) {
  try {
    return land::ReadPositions(metadata, scope).positions;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kStop) throw;
    const auto mirrored = metadata.properties.find(land::PositionsProperty(scope));
    if (mirrored == metadata.properties.end()) throw;
    return land::ParsePositions(mirrored->second, "the table's property");
  }
}

std::optional<event::TopicInfo> TopicOf(const OpenedLake& opened, const TableConfig& feed) {
  if (!FromTopic(opened.pipeline, feed)) return std::nullopt;
  const auto stream = OpenStreamIfThere(opened.pipeline, opened.directory);
  return stream ? stream->FindTopic(feed.from) : std::nullopt;
}

/// The name of a document sink, as `show` has it or alone; empty: it is none.
std::string DocumentsNamed(const PipelineConfig& pipeline, const std::string& name) {
  for (const auto& [documents, config] : pipeline.documents) {
    if (name == FeedName(documents) || (name == documents && !pipeline.tables.contains(name))) return documents;
  }
  return {};
}

/// Documents that are newer than what comes again stay as they are.
ExitCode SetDocuments(const OpenedLake& opened, const std::string& name, const std::vector<std::string>& moves) {
  const auto topic = TopicOf(opened, FeedOf(name, opened.pipeline.documents.at(name)));
  const auto store = DocumentStoreOf(opened.pipeline, name);
  const auto stored = store->ReadPositions();
  event::Positions to;
  for (const auto& move : moves) {
    const auto [split, cursor] = ParseMove(move, topic);
    to[split] = cursor;
  }
  if (!store->MovePositions(stored, to)) {
    throw Error(
        ErrorCode::kUnavailable,
        fmt::format("{}: somebody else moved a position just now; stop who writes these documents, then try again",
                    FeedName(name)));
  }
  fmt::print(stderr, "{}: the next run goes on at {}\n", FeedName(name), fmt::join(moves, ", "));
  return ExitCode::kDone;
}

ExitCode Set(const Session& session, const std::string& name, const std::vector<std::string>& moves) {
  auto opened = OpenLakeOf(session);
  const auto locked = DataDirectory::OpenToWrite(opened.directory.path());
  if (const auto documents = DocumentsNamed(opened.pipeline, name); !documents.empty()) {
    return SetDocuments(opened, documents, moves);
  }
  const auto table = opened.pipeline.tables.find(name);
  if (table == opened.pipeline.tables.end() || table->second.files) {
    throw Error(
        ErrorCode::kUsage,
        "'" + name + "' is no Iceberg table of this pipeline, nor its documents; only those have positions to set");
  }
  const auto loaded = opened.lake.catalog->Load(catalog::ParseTableName(name));
  if (!loaded) throw Error(ErrorCode::kUsage, "nothing has landed in " + name + " yet, so there is no position to set");
  const auto topic = TopicOf(opened, table->second);
  auto positions = StoredOrMirrored(*loaded->metadata, opened.pipeline.name);
  for (const auto& move : moves) {
    const auto [split, cursor] = ParseMove(move, topic);
    positions[split] = cursor;
  }
  land::Committer(*opened.lake.catalog, loaded->name, loaded->metadata->table_uuid)
      .Override(opened.pipeline.name, positions, std::stop_token());
  fmt::print(stderr, "{}: the next run goes on at {}\n", name, fmt::join(moves, ", "));
  return ExitCode::kDone;
}

}  // namespace

void AddOffsets(CLI::App& root, Session& session) {
  auto* offsets = AddVerbGroup(root, "offsets", "Where tables stand in what they are made from");
  auto* show = AddVerb(
      *offsets, session, "show", "Positions as the tables themselves hold them", [&session] { return Show(session); },
      "  millrace offsets show --json");
  AddJsonOption(*show, session);
  AddConfigOption(*show, session);

  struct Arguments {
    std::string table;
    std::vector<std::string> moves;
  };
  const auto arguments = std::make_shared<Arguments>();
  auto* set = AddVerb(
      *offsets, session, "set", "Say where a table goes on, as when it was rolled back or its stream has a gap",
      [&session, arguments] { return Set(session, arguments->table, arguments->moves); },
      "  millrace offsets set silver.events 0=1500 1=1498      go on there; records in between are not landed\n"
      "  millrace offsets set silver.events 0=0                land partition 0 again; a table with a key drops what "
      "it has\n"
      "  millrace offsets set documents.orders 0=0             write documents of partition 0 again; newer ones stay");
  set->add_option("TABLE", arguments->table, "A table, or documents.NAME")->required();
  set->add_option("PARTITION=OFFSET", arguments->moves)->required();
  AddConfigOption(*set, session);
  AddOffsetsReplay(*offsets, session);
}

}  // namespace millrace::app

#include "app/connector_offsets.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/files_table_facts.h"
#include "app/plan.h"
#include "base/error.h"
#include "io/http_call.h"
#include "land/committer.h"

namespace millrace::app {
namespace {

using api::ConnectorOffset;
using io::HttpRefusal;
using nlohmann::json;

constexpr const char* kTopic = "kafka_topic";
constexpr const char* kPartition = "kafka_partition";
constexpr const char* kOffset = "kafka_offset";
constexpr const char* kSource = "source";
constexpr const char* kTable = "table";
constexpr const char* kSplit = "split";
constexpr const char* kPosition = "position";

std::string TextOf(const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

template <typename Number>
std::optional<Number> NumberOf(const json& value) {
  const auto text = TextOf(value);
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool HasText(const json& object, const char* key) { return object.contains(key) && object.at(key).is_string(); }

}  // namespace

bool ConnectorOffsets::OnlySources() const {
  return parts_.plan.config.tables.empty() && parts_.plan.config.documents.empty();
}

event::Positions ConnectorOffsets::Stored(const std::string& table) const {
  const auto& config = parts_.plan.config;
  if (config.tables.at(table).files) return ReadFilesTable(config, table, parts_.lake).positions;
  const auto loaded = parts_.lake.catalog->Load(catalog::ParseTableName(table));
  auto positions = loaded ? land::ReadPositions(*loaded->metadata, config.name).positions : event::Positions{};
  positions.merge(parts_.store.Starts(parts_.connector, table));
  return positions;
}

/// A table that is there holds its positions; one that is not will begin where it is told.
void ConnectorOffsets::Store(const std::string& table, const event::Positions& positions) const {
  const auto& config = parts_.plan.config;
  const auto loaded = parts_.lake.catalog->Load(catalog::ParseTableName(table));
  if (!loaded) return parts_.store.SetStarts(parts_.connector, table, positions);
  land::Committer(*parts_.lake.catalog, loaded->name, loaded->metadata->table_uuid)
      .Override(config.name, positions, std::stop_token());
  parts_.store.SetStarts(parts_.connector, table, {});
}

std::vector<ConnectorOffset> ConnectorOffsets::Read() const {
  const auto& config = parts_.plan.config;
  std::map<std::pair<std::string, int32_t>, int64_t> places;
  std::vector<ConnectorOffset> offsets;
  const auto note = [&](const std::string& topic, int32_t partition, int64_t offset) {
    const auto [place, is_new] = places.try_emplace({topic, partition}, offset);
    place->second = std::min(place->second, offset);
  };
  for (const auto& [name, source] : config.sources) {
    if (source.topic.empty()) continue;
    for (const auto& [split, cursor] : parts_.stream.ProducerPositions(config.name + "/" + name)) {
      if (cursor == event::kStart) continue;
      offsets.push_back({{{kSource, name}, {kSplit, split.value()}}, {{kPosition, cursor.value()}}});
    }
  }
  for (const auto& [name, table] : config.tables) {
    auto stored = Stored(name);
    if (!FromTopic(config, table)) {
      for (const auto& [split, cursor] : stored) {
        offsets.push_back({{{kTable, name}, {kSplit, split.value()}}, {{kPosition, cursor.value()}}});
      }
      continue;
    }
    for (const auto& topic : parts_.stream.MatchTopics(table.from)) {
      for (const auto& partition : topic.partitions) {
        const auto found = stored.find(event::TopicSplit(topic.id, partition.partition));
        if (found != stored.end()) note(topic.spec.name, partition.partition, event::OffsetOf(found->second));
      }
    }
  }
  // A document store keeps its positions where only its sink looks; the stream knows what was acknowledged.
  for (const auto& reader : config.documents.empty() ? std::vector<event::ReaderInfo>{} : parts_.stream.ListReaders()) {
    for (const auto& [name, documents] : config.documents) {
      if (reader.reader != config.name + "/" + FeedName(name)) continue;
      note(reader.topic, reader.partition, reader.next_offset);
    }
  }
  for (const auto& [place, offset] : places) {
    offsets.push_back({{{kTopic, place.first}, {kPartition, place.second}}, {{kOffset, offset}}});
  }
  return offsets;
}

/// As Connect checks them, in its order and words.
std::vector<ConnectorOffsets::Move> ConnectorOffsets::MovesOf(const std::vector<ConnectorOffset>& offsets) const {
  std::vector<Move> moves;
  for (const auto& each : offsets) {
    if (!each.partition.is_object() || !each.partition.contains(kTopic) || !each.partition.contains(kPartition)) {
      throw HttpRefusal(400,
                        "The partition for a sink connector offset must contain the keys 'kafka_topic' and "
                        "'kafka_partition'");
    }
    Move move{.topic = TextOf(each.partition.at(kTopic)), .partition = 0, .offset = std::nullopt};
    const auto partition = NumberOf<int32_t>(each.partition.at(kPartition));
    if (!partition) {
      throw HttpRefusal(400, fmt::format("Failed to parse the following Kafka partition value in the provided offsets: "
                                         "'{}'. Partition values for sink connectors need to be integers.",
                                         TextOf(each.partition.at(kPartition))));
    }
    move.partition = *partition;
    if (!each.offset.is_null()) {
      if (!each.offset.is_object() || !each.offset.contains(kOffset)) {
        throw HttpRefusal(400,
                          "The offset for a sink connector should either be null or contain the key 'kafka_offset'");
      }
      move.offset = NumberOf<int64_t>(each.offset.at(kOffset));
      if (!move.offset) {
        throw HttpRefusal(400, fmt::format("Failed to parse the following Kafka offset value in the provided offsets: "
                                           "'{}'. Offset values for sink connectors need to be integers.",
                                           TextOf(each.offset.at(kOffset))));
      }
    }
    moves.push_back(std::move(move));
  }
  return moves;
}

void ConnectorOffsets::CheckMoves(const std::vector<Move>& moves) const {
  for (const auto& move : moves) {
    const auto topic = parts_.stream.FindTopic(move.topic);
    const auto known = [&] {
      return std::ranges::find(topic->partitions, move.partition, &event::PartitionInfo::partition);
    };
    if (!topic || known() == topic->partitions.end()) {
      throw HttpRefusal(400, fmt::format("there is no partition {} of a topic {}", move.partition, move.topic));
    }
    const bool read = std::ranges::any_of(parts_.plan.config.tables, [&](const auto& table) {
      return std::ranges::any_of(parts_.stream.MatchTopics(table.second.from),
                                 [&](const auto& each) { return each.id == topic->id; });
    });
    if (!read) throw HttpRefusal(400, fmt::format("no table of this connector is made from the topic {}", move.topic));
    const auto& partition = *known();
    if (!move.offset) continue;
    if (partition.next_offset < 0) {
      throw HttpRefusal(400, fmt::format("{}: its stream finds no record by offset", move.topic));
    }
    if (*move.offset < partition.first_offset || *move.offset > partition.next_offset) {
      throw HttpRefusal(
          400, fmt::format("{}, partition {}: has records from {} to {}, so nobody can go on at {}", move.topic,
                           move.partition, partition.first_offset, partition.next_offset, *move.offset));
    }
  }
}

void ConnectorOffsets::RequireSettable() const {
  const auto& config = parts_.plan.config;
  if (!config.documents.empty()) {
    throw HttpRefusal(400,
                      "documents keep their positions in their own store, where they cannot be set; writing them again "
                      "changes nothing: make the connector anew under another name");
  }
  for (const auto& [name, table] : config.tables) {
    if (table.files) {
      throw HttpRefusal(400, fmt::format("{} is a table of plain files, whose names are its positions: they cannot be "
                                         "set; make the connector anew under another name and table",
                                         name));
    }
  }
}

void ConnectorOffsets::MoveTable(const std::string& name, const std::vector<Move>& moves) const {
  auto positions = Stored(name);
  for (const auto& topic : parts_.stream.MatchTopics(parts_.plan.config.tables.at(name).from)) {
    for (const auto& move : moves) {
      if (move.topic != topic.spec.name) continue;
      const auto split = event::TopicSplit(topic.id, move.partition);
      if (move.offset) {
        positions[split] = event::OffsetCursor(*move.offset);
      } else {
        positions.erase(split);
      }
    }
  }
  Store(name, positions);
}

/// An append of nothing, which moves the position alone.
void ConnectorOffsets::MoveProducer(const std::string& source, const event::SplitId& split,
                                    const event::Cursor& to) const {
  const auto producer = parts_.plan.config.name + "/" + source;
  const auto from = event::CursorOf(parts_.stream.ProducerPositions(producer), split);
  if (from == to) return;
  const auto outcome = parts_.stream.Append({.topic = parts_.plan.config.sources.at(source).topic,
                                             .events = nullptr,
                                             .position = event::ProducerPosition{producer, split, from, to},
                                             .idempotency_key = {}});
  if (outcome == event::AppendOutcome::kFenced) throw HttpRefusal(409, "something else moves this source; try again");
}

void ConnectorOffsets::AlterSources(const std::vector<ConnectorOffset>& offsets) const {
  for (const auto& each : offsets) {
    const bool known = each.partition.is_object() && HasText(each.partition, kSource) &&
                       HasText(each.partition, kSplit) &&
                       parts_.plan.config.sources.contains(each.partition.at(kSource).get<std::string>());
    if (!known) throw HttpRefusal(400, "a partition is as GET shows it: the keys 'source' and 'split'");
    if (!each.offset.is_null() && !(each.offset.is_object() && HasText(each.offset, kPosition))) {
      throw HttpRefusal(400, "an offset is null, or has the key 'position' as GET shows it");
    }
  }
  for (const auto& each : offsets) {
    const auto to = each.offset.is_null() ? std::string() : each.offset.at(kPosition).get<std::string>();
    MoveProducer(each.partition.at(kSource).get<std::string>(),
                 event::SplitId(each.partition.at(kSplit).get<std::string>()), event::Cursor(to));
  }
}

void ConnectorOffsets::Alter(const std::vector<ConnectorOffset>& offsets) const {
  if (OnlySources()) return AlterSources(offsets);
  const auto moves = MovesOf(offsets);
  RequireSettable();
  CheckMoves(moves);
  for (const auto& [name, table] : parts_.plan.config.tables) MoveTable(name, moves);
}

void ConnectorOffsets::Reset() const {
  const auto& config = parts_.plan.config;
  RequireSettable();
  for (const auto& [name, source] : config.sources) {
    if (source.topic.empty()) continue;
    for (const auto& [split, cursor] : parts_.stream.ProducerPositions(config.name + "/" + name)) {
      MoveProducer(name, split, event::kStart);
    }
  }
  for (const auto& [name, table] : config.tables) Store(name, {});
}

}  // namespace millrace::app

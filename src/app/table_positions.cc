#include "app/table_positions.h"

#include "app/document_blocks.h"
#include "app/files_table_facts.h"
#include "app/fixed_start.h"
#include "app/plan.h"
#include "land/committer.h"

namespace millrace::app {
namespace {

event::Positions StoredPositions(OpenedLake& opened, const std::string& name, const TableConfig& table) {
  if (table.files) return ReadFilesTable(opened.pipeline, name, opened.lake).positions;
  const auto loaded = opened.lake.catalog->Load(catalog::ParseTableName(name));
  if (!loaded) return {};
  return land::ReadPositions(*loaded->metadata, opened.pipeline.name).positions;
}

void AddTopicPositions(const std::string& name, const event::TopicInfo& topic, const event::Positions& starts,
                       event::Positions& stored, std::vector<TablePosition>& out) {
  for (const auto& partition : topic.partitions) {
    const auto split = event::TopicSplit(topic.id, partition.partition);
    const auto found = stored.find(split);
    const auto start = starts.find(split);
    auto cursor = event::OffsetCursor(partition.first_offset);
    if (found != stored.end()) {
      cursor = found->second;
    } else if (start != starts.end()) {
      cursor = start->second;
    }
    const int64_t offset = event::OffsetOf(cursor);
    std::optional<int64_t> lag;
    if (partition.next_offset >= 0) lag = partition.next_offset - offset;
    // What a stream says behind its offset is needed to set it.
    const bool bare = cursor.value().find('@') == std::string::npos;
    out.push_back({name, topic.spec.name, partition.partition, bare ? std::to_string(offset) : cursor.value(), lag});
    stored.erase(split);
  }
}

void AddPositions(OpenedLake& opened, const std::string& name, const TableConfig& table, event::Stream* stream,
                  event::Positions stored, std::vector<TablePosition>& out) {
  if (stream != nullptr && FromTopic(opened.pipeline, table)) {
    const auto starts = ReadFixedStart(opened.pipeline, name, table, opened.lake);
    for (const auto& topic : stream->MatchTopics(table.from)) AddTopicPositions(name, topic, starts, stored, out);
  }
  // Splits of sources, and of incarnations of a topic that are gone.
  for (const auto& [split, cursor] : stored)
    out.push_back({name, split.value(), std::nullopt, cursor.value(), std::nullopt});
}

}  // namespace

std::vector<TablePosition> ReadTablePositions(OpenedLake& opened, event::Stream* stream) {
  std::vector<TablePosition> out;
  for (const auto& [name, table] : opened.pipeline.tables) {
    AddPositions(opened, name, table, stream, StoredPositions(opened, name, table), out);
  }
  return out;
}

std::vector<TablePosition> ReadDocumentPositions(OpenedLake& opened, const std::string& documents,
                                                 event::Stream* stream) {
  std::vector<TablePosition> out;
  AddPositions(opened, FeedName(documents), FeedOf(documents, opened.pipeline.documents.at(documents)), stream,
               DocumentStoreOf(opened.pipeline, documents)->ReadPositions(), out);
  return out;
}

std::unique_ptr<document::DocumentStore> DocumentStoreOf(const PipelineConfig& pipeline, const std::string& documents) {
  auto config = pipeline.documents.at(documents);
  if (config.dynamodb) config.dynamodb->create = false;
  return MakeDocumentStore(pipeline, documents, config);
}

}  // namespace millrace::app

#include "app/files_columns.h"

#include <arrow/type.h>

#include <algorithm>
#include <array>
#include <utility>

#include "app/files_block.h"
#include "app/files_table_facts.h"
#include "base/bytes.h"
#include "decode/json_decoder.h"
#include "land/files_levels.h"
#include "land/files_plan.h"
#include "land/files_schemas.h"
#include "land/header_json.h"
#include "source/http_ingest/unpack.h"

namespace millrace::app {
namespace {

constexpr int64_t kSampleBytesMax = int64_t{256} << 20;
constexpr double kExpansionMax = 1000;
constexpr size_t kSampleRecordsMax = 10'000;

/// What JsonLineWriter puts in front.
const std::array<std::pair<const char*, schema::Primitive>, 6> kOrigin = {{
    {"_topic", schema::Primitive::kString},
    {"_partition", schema::Primitive::kInt},
    {"_offset", schema::Primitive::kLong},
    {"_event_time", schema::Primitive::kString},
    {"_ingested_at", schema::Primitive::kString},
    {"_key", schema::Primitive::kString},
}};

/// As land::AppendHeadersJson writes them.
schema::Field HeadersColumn() {
  const auto text = schema::PrimitiveType{.kind = schema::Primitive::kString};
  schema::StructType header;
  for (const auto* name : {"key", "value", "value_base64"}) header.fields.push_back({.name = name, .type = text});
  schema::Field element{.name = "element", .type = std::move(header)};
  return {.name = std::string(land::kHeadersName),
          .type = schema::ListType{.element = std::make_shared<const schema::Field>(std::move(element))}};
}

schema::Schema WithoutOurs(schema::Schema columns, bool headers) {
  std::erase_if(columns.fields, [headers](const schema::Field& field) {
    return field.name == event::kRescuedColumn || (headers && field.name == land::kHeadersName) ||
           std::ranges::any_of(kOrigin, [&](const auto& ours) { return field.name == ours.first; });
  });
  return columns;
}

std::string CompressionWord(const TableConfig& table) {
  const auto compression = FilesEncodingOf(table).compression;
  return compression == land::FilesCompression::kNone ? std::string() : std::string(land::ToString(compression));
}

/// The first lines of a text.
event::EventBatch LinesOf(std::shared_ptr<const PaddedBuffer> text) {
  event::EventBatch lines;
  const auto all = text->view();
  for (size_t at = 0; at < all.size() && lines.records.size() < kSampleRecordsMax;) {
    const auto end = std::min(all.find('\n', at), all.size());
    lines.records.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(end - at)});
    at = end + 1;
  }
  lines.payload = std::move(text);
  return lines;
}

}  // namespace

FilesColumns::FilesColumns(const std::optional<schema::Schema>& known, bool origin, bool headers)
    : origin_(origin), headers_(headers) {
  decode::JsonDecoderOptions options;
  options.infer_timestamps = false;
  if (known) {
    auto columns = WithoutOurs(*known, headers);
    if (!columns.fields.empty()) options.columns = schema::ToArrow(columns);
  }
  if (origin)
    for (const auto& [name, kind] : kOrigin) options.reserved_names.insert(name);
  if (headers) options.reserved_names.emplace(land::kHeadersName);
  decoder_ = std::make_unique<decode::JsonDecoder>(std::move(options));
}

void FilesColumns::Learn(const event::EventBatch& events) {
  if (events.size() > 0) decoder_->Decode(events);
}

std::optional<schema::Schema> FilesColumns::columns() const {
  const auto learnt = decoder_->schema();
  if (learnt == nullptr && !origin_) return std::nullopt;
  schema::Schema columns;
  if (origin_)
    for (const auto& [name, kind] : kOrigin)
      columns.fields.push_back({.name = name, .type = schema::PrimitiveType{.kind = kind}});
  if (headers_) columns.fields.push_back(HeadersColumn());
  if (learnt != nullptr) {
    auto own = WithoutOurs(schema::FromArrow(*learnt), headers_);
    for (auto& field : own.fields) columns.fields.push_back(std::move(field));
  }
  if (columns.fields.empty()) return std::nullopt;
  return columns;
}

namespace {

void AddLevels(const FilesConfig& files, query::ExportedTable& table) {
  for (const auto& level : land::FolderLevelsOf(files.path)) table.levels.emplace_back(level.name, level.literal);
}

std::optional<query::ExportedTable> ExportedParquet(const PipelineConfig& pipeline, const std::string& table,
                                                    const FilesPlace& place) {
  land::FilesSchemas schemas(*place.store, land::FilesSchemasFolder(land::PlansFolder(place.prefix, place.owner)));
  const auto newest = schemas.Newest();
  if (!newest) return std::nullopt;
  query::ExportedTable found{
      .name = catalog::ParseTableName(table), .schema = newest->schema, .location = UriOf(place), .parquet = true};
  found.in_glue = pipeline.tables.at(table).files->glue.has_value();
  AddLevels(*pipeline.tables.at(table).files, found);
  return found;
}

}  // namespace

std::optional<query::ExportedTable> ExportedFiles(const PipelineConfig& pipeline, const std::string& table,
                                                  Lake& lake) {
  const auto& files = *pipeline.tables.at(table).files;
  if (files.encoding == FilesEncoding::kAvro) return std::nullopt;
  if (files.record != FilesRecordWord::kOrigin && files.record != FilesRecordWord::kJson) return std::nullopt;
  const auto place = FilesPlaceOf(pipeline, table, lake, FilesUse::kRead);
  if (files.encoding == FilesEncoding::kParquet) return ExportedParquet(pipeline, table, place);
  const auto root = UriOf(place);
  std::string newest;
  ForEachFile(pipeline, table, lake, [&](const std::string& uri, int64_t, int64_t) {
    if (uri.find("/_", root.size()) == std::string::npos) newest = uri;  // not one of what was refused
  });
  const auto key = newest.empty() ? std::nullopt : place.store->KeyOf(newest);
  const auto packed = key ? place.store->Get(*key) : std::nullopt;
  if (!packed) return std::nullopt;
  query::ExportedTable found{.name = catalog::ParseTableName(table),
                             .compression = CompressionWord(pipeline.tables.at(table))};
  FilesColumns columns(std::nullopt, files.record == FilesRecordWord::kOrigin, pipeline.tables.at(table).headers);
  const auto text = source::Unpack(*packed, found.compression.empty() ? "identity" : found.compression,
                                   {.bytes_max = kSampleBytesMax, .expansion_max = kExpansionMax});
  columns.Learn(LinesOf(text));
  const auto learnt = columns.columns();
  if (!learnt) return std::nullopt;
  found.schema = *learnt;
  found.location = root;
  found.in_glue = files.glue.has_value();
  AddLevels(files, found);
  return found;
}

}  // namespace millrace::app

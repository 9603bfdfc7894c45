#include "land/files_column_chunk.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "land/arrow_compute.h"
#include "land/arrow_status.h"
#include "land/column_text.h"
#include "land/conform.h"
#include "land/frozen_contract.h"
#include "land/metadata_columns.h"
#include "land/schema_authority.h"

namespace millrace::land {
namespace {

constexpr int64_t kBlockRecords = 65'536;
/// Each time the columns are the table's. More often than this, decoder and table do not understand each other.
constexpr int kDecodesMax = 4;

/// _ingested_at of records that came in several batches.
std::shared_ptr<arrow::RecordBatch> WithArrivals(const std::shared_ptr<arrow::RecordBatch>& rows,
                                                 const RecordBlock& block, const std::vector<uint32_t>& record_of_row) {
  const int at = rows->schema()->GetFieldIndex("_ingested_at");
  const auto& field = rows->schema()->field(at);
  arrow::TimestampBuilder builder(field->type(), arrow::default_memory_pool());
  Check(builder.Reserve(rows->num_rows()), "times of arrival");
  for (int64_t row = 0; row < rows->num_rows(); ++row) {
    const auto record = record_of_row.empty() ? static_cast<size_t>(row) : record_of_row[static_cast<size_t>(row)];
    builder.UnsafeAppend(block.arrivals()[record].time_since_epoch().count());
  }
  return ValueOf(rows->SetColumn(at, field, ValueOf(builder.Finish(), "times of arrival")), "times of arrival");
}

}  // namespace

FilesColumnChunk::FilesColumnChunk(std::string pipeline, FilesEncoding encoding, event::Cursor begin,
                                   const FilesColumns& columns, const std::vector<PlannedColumns>* planned)
    : FilesChunk(std::move(pipeline), std::move(encoding), std::move(begin)),
      columns_(columns),
      planned_(planned == nullptr ? std::vector<PlannedColumns>() : *planned),
      is_again_(planned != nullptr),
      block_records_(plan_.encoding.file_rows > 0 ? std::min(plan_.encoding.file_rows, kBlockRecords) : kBlockRecords) {
  StartCompute();
}

FilesColumnChunk::~FilesColumnChunk() = default;

void FilesColumnChunk::Add(const event::EventBatch& events, size_t first, size_t last, const OnAdded&) {
  if (first == last) return;
  Note(events, first, last);
  for (size_t i = first; i < last; ++i) {
    if (blocks_.empty() || blocks_.back().full()) blocks_.emplace_back(block_records_);
    blocks_.back().Append(events, i);
    raw_bytes_ += static_cast<int64_t>(events.record(i).size());
  }
}

void FilesColumnChunk::Settle(bool all, const OnAdded& on_added) {
  for (; !blocks_.empty() && (all || blocks_.front().full()); blocks_.pop_front()) Process(blocks_.front(), on_added);
}

FilesColumnChunk::DecodedBlock FilesColumnChunk::DecodeBy(FilesSchemaPtr schema, const RecordBlock& block,
                                                          const event::EventBatch& events) const {
  const bool origin = encoding().record == FilesRecord::kOrigin;
  const MetadataColumns metadata({.origin = origin, .headers = encoding().headers});
  const auto decoder = columns_.decoder();
  if (schema) decoder->Adopt(metadata.Without(*schema->columns));
  DecodedBlock made{.decoded = decoder->Decode(events), .schema = std::move(schema)};
  StopIfFrozen(events, made.decoded);
  auto& rows = made.decoded.rows;
  if (!rows || rows->num_rows() == 0) return made;
  // Of records alone the column of what did not fit is there once there was something.
  const int rescued = rows->schema()->GetFieldIndex(std::string(event::kRescuedColumn));
  if (!origin && rescued >= 0 && rows->column(rescued)->null_count() == rows->num_rows()) {
    rows = ValueOf(rows->RemoveColumn(rescued), "rows of a file");
  }
  rows = metadata.AddTo(*rows, events, made.decoded.record_of_row);
  if (origin) rows = WithArrivals(rows, block, made.decoded.record_of_row);
  return made;
}

FilesColumnChunk::DecodedBlock FilesColumnChunk::Decode(const RecordBlock& block, const event::EventBatch& events) {
  auto schema = schema_;
  if (is_again_) {
    const auto planned = std::ranges::find(planned_, events.offset(0), &PlannedColumns::from_offset);
    if (planned != planned_.end()) schema = columns_.schemas->At(planned->version);
  } else if (!schema) {
    schema = columns_.schemas->Newest();
  }
  for (int decodes = 1;; ++decodes) {
    auto made = DecodeBy(schema, block, events);
    const auto& rows = made.decoded.rows;
    if (!rows || rows->num_rows() == 0) return made;
    if (schema && Fits(*rows->schema(), *schema->columns)) return made;
    if (is_again_) {
      throw Error(
          ErrorCode::kStop,
          fmt::format("topic {} partition {} offset {}: the records do not have the columns that were planned "
                      "before the crash; give the table back the `format`, `columns` and `contract` it had then",
                      events.topic, events.partition, events.offset(0)));
    }
    if (decodes == kDecodesMax) {
      throw Error(ErrorCode::kInternal, "rows and files do not come together: rows have " + rows->schema()->ToString() +
                                            ", files have " + (schema ? schema->columns->ToString() : "nothing"));
    }
    schema = columns_.schemas->Require(*rows->schema());
  }
}

void FilesColumnChunk::Use(const FilesSchemaPtr& schema, int64_t from_offset) {
  if (!schema || schema == schema_) return;
  CloseAll();
  schema_ = schema;
  chosen_ = {};
  plan_.columns.push_back({from_offset, schema->version});
}

void FilesColumnChunk::Process(const RecordBlock& block, const OnAdded& on_added) {
  const auto events = block.Batch();
  auto made = Decode(block, *events);
  Added added{.blank = made.decoded.blank,
              .rescued_values = made.decoded.rescued_values,
              .rejects = std::move(made.decoded.rejects)};
  Use(made.schema, events->offset(0));  // what was rejected was by it, too
  if (made.decoded.rows && made.decoded.rows->num_rows() > 0) {
    made.decoded.rows = Conform(made.decoded.rows, schema_->columns);
    Route(made.decoded, block, *events, added);
    Append(made.decoded.rows);
  }
  on_added(*events, added);
}

FilesColumnChunk::OpenObject& FilesColumnChunk::ObjectFor(const std::string& folder, const From& from) {
  if (const auto current = current_.find(folder); current != current_.end()) {
    auto& object = open_.at(current->second);
    if (!IsFull(object.file->written_bytes(), object.rows, object.first_time, from)) return object;
    object.closing = true;
    current_.erase(current);
  }
  if (current_.size() >= static_cast<size_t>(encoding().open_files_max)) {
    const auto oldest = std::ranges::min_element(current_, {}, [](const auto& entry) { return entry.second; });
    open_.at(oldest->second).closing = true;
    current_.erase(oldest);
  }
  const size_t number = Plan(folder, from);
  current_.emplace(folder, number);
  auto& object = open_[number];
  object.folder = folder;
  object.first_time = from.time;
  object.file = MakeColumnFile(plan_.objects[number].key, encoding(), schema_->columns, chosen_);
  return object;
}

void FilesColumnChunk::GiveRow(const std::string& folder, const From& from, int64_t row) {
  auto& object = ObjectFor(folder, from);
  object.waiting.push_back(row);
  CountRow(++object.rows);
}

void FilesColumnChunk::Route(const event::Decoded& decoded, const RecordBlock& records, const event::EventBatch& events,
                             Added& added) {
  const auto& rows = *decoded.rows;
  const auto& record_of_row = decoded.record_of_row;
  const bool holds = columns_.rejects != nullptr && columns_.rejects->holds_any();
  ColumnTexts texts(rows);
  FolderOf folders(path_);
  int64_t row = 0;
  const MemberOf member = [&](const std::string& name) { return texts.Of(name, row); };
  for (; row < rows.num_rows(); ++row) {
    const size_t record = record_of_row.empty() ? static_cast<size_t>(row) : record_of_row[static_cast<size_t>(row)];
    if (holds) {
      if (const auto cause = columns_.rejects->Holds(events.split, events.offset(record))) {
        added.rejects.push_back({static_cast<uint32_t>(record), *cause, "it is in quarantine"});
        continue;
      }
    }
    const auto& folder = folders.Of({.topic = events.topic,
                                     .partition = events.partition,
                                     .ingested = records.arrivals()[record],
                                     .event = events.timestamp(record)},
                                    member);
    if (!folders.missing().empty()) {
      added.rejects.push_back(MissingFolder(record, folders.missing()));
      continue;
    }
    ++added.rows;
    GiveRow(folder, {events.offset(record), events.timestamp(record)}, row);
  }
}

void FilesColumnChunk::Append(const std::shared_ptr<arrow::RecordBatch>& rows) {
  for (auto& [number, object] : open_) {
    const auto indices = std::exchange(object.waiting, {});
    const auto count = static_cast<int64_t>(indices.size());
    if (count == rows->num_rows()) {
      object.file->Append(rows);
    } else if (count > 0) {
      const auto taken = std::make_shared<arrow::Int64Array>(count, arrow::Buffer::Wrap(indices));
      object.file->Append(
          ValueOf(arrow::compute::Take(rows, arrow::Datum(taken), arrow::compute::TakeOptions::NoBoundsCheck()),
                  "rows of a file")
              .record_batch());
    }
  }
  for (auto object = open_.begin(); object != open_.end();) {
    object = object->second.closing ? Close(object) : std::next(object);
  }
}

FilesColumnChunk::OpenObjects::iterator FilesColumnChunk::Close(OpenObjects::iterator object) {
  auto& [number, closed] = *object;
  Fill(number, closed.rows, std::move(*closed.file).Finish());
  return open_.erase(object);
}

void FilesColumnChunk::CloseAll() {
  current_.clear();
  for (auto object = open_.begin(); object != open_.end();) object = Close(object);
}

bool FilesColumnChunk::all_full() const { return full_ > 0 && partial_ == 0 && blocks_.empty(); }

int64_t FilesColumnChunk::held_bytes() const {
  int64_t bytes = filled_bytes();
  for (const auto& block : blocks_) bytes += block.held_bytes();
  for (const auto& [number, object] : open_) bytes += object.file->held_bytes();
  return bytes;
}

}  // namespace millrace::land

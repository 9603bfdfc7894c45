#include "land/lane.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "land/arrow_status.h"

namespace millrace::land {
namespace {

/// A batch is decoded again when the table's columns turn out otherwise; each time they are the table's. More often
/// than this, decoder and table do not understand each other.
constexpr int kDecodesMax = 4;

uint32_t RecordOf(const event::Decoded& decoded, size_t row) {
  return decoded.record_of_row.empty() ? static_cast<uint32_t>(row) : decoded.record_of_row[row];
}

}  // namespace

Lane::Lane(const LaneContext& context, std::unique_ptr<event::Decoder> decoder, std::string file_prefix)
    : context_(context), decoder_(std::move(decoder)), file_prefix_(std::move(file_prefix)) {}

void Lane::Adopt(TableViewPtr view) {
  if (view == view_) return;
  decoder_->Adopt(context_.metadata_columns.Without(*view->columns));
  // Files are written under one schema and one spec; what is open under the old one is closed.
  const bool same = view_ && view_->table.metadata->current_schema_id == view->table.metadata->current_schema_id &&
                    view_->table.metadata->default_spec_id == view->table.metadata->default_spec_id;
  if (!same) FinishWriter();
  view_ = std::move(view);
}

event::Decoded Lane::DecodeFitting(const event::EventBatch& events) {
  for (int decodes = 1;; ++decodes) {
    if (auto seen = context_.authority.view()) Adopt(std::move(seen));
    event::Decoded decoded = decoder_->Decode(events);
    if (!decoded.rows || decoded.rows->num_rows() == 0) return decoded;
    arrow::FieldVector fields = decoded.rows->schema()->fields();
    for (auto& field : context_.metadata_columns.fields()) fields.push_back(std::move(field));
    const arrow::Schema wanted(std::move(fields));
    if (view_ && Fits(wanted, *view_->columns)) return decoded;
    if (decodes == kDecodesMax) {
      throw Error(ErrorCode::kInternal, "rows and table do not come together: rows have " + wanted.ToString() +
                                            ", the table has " + (view_ ? view_->columns->ToString() : "nothing"));
    }
    Adopt(context_.authority.Require(wanted, context_.stop));
    if (Fits(wanted, *view_->columns)) return decoded;
  }
}

void Lane::Keep(const std::vector<bool>& wanted, event::Decoded& decoded) {
  if (std::ranges::all_of(wanted, [](bool keep) { return keep; })) return;
  std::vector<uint32_t> records;
  std::vector<int64_t> rows;
  for (size_t row = 0; row < wanted.size(); ++row) {
    if (!wanted[row]) continue;
    rows.push_back(static_cast<int64_t>(row));
    records.push_back(RecordOf(decoded, row));
  }
  const auto indices =
      std::make_shared<arrow::Int64Array>(static_cast<int64_t>(rows.size()), arrow::Buffer::Wrap(rows));
  decoded.rows =
      ValueOf(arrow::compute::Take(decoded.rows, arrow::Datum(indices), arrow::compute::TakeOptions::NoBoundsCheck()),
              "dropping rows")
          .record_batch();
  decoded.record_of_row = std::move(records);
}

void Lane::DropHeld(const event::EventBatch& events, event::Decoded& decoded) {
  if (!context_.rejects.holds_any() || !decoded.rows) return;
  std::vector<bool> wanted(static_cast<size_t>(decoded.rows->num_rows()), true);
  for (size_t row = 0; row < wanted.size(); ++row) {
    const uint32_t record = RecordOf(decoded, row);
    const auto cause = context_.rejects.Holds(events.split, events.offset(record));
    if (!cause) continue;
    wanted[row] = false;
    ++counts_.rejected[*cause];
  }
  Keep(wanted, decoded);
}

void Lane::DropDuplicates(uint64_t sequence, event::Decoded& decoded) {
  if (context_.key.empty()) return;
  std::vector<KeyHash> keys;
  std::vector<bool> wanted;
  if (decoded.rows && decoded.rows->num_rows() > 0) {
    const auto hashes = HashKeys(*decoded.rows, context_.key);
    for (size_t row = 0; row < hashes.size(); ++row) {
      wanted.push_back(hashes[row].has_value());
      if (hashes[row]) {
        keys.push_back(*hashes[row]);
      } else {
        decoded.rejects.push_back({.record = RecordOf(decoded, row),
                                   .cause = event::RejectCause::kMissingKey,
                                   .detail = "a key column is null"});
      }
    }
  }
  // Called for every batch, even without a key: the next batch waits for this one's turn to pass.
  const std::vector<bool> fresh = context_.claim(sequence, keys);
  size_t next = 0;
  for (size_t row = 0; row < wanted.size(); ++row) {
    if (!wanted[row] || fresh[next++]) continue;
    wanted[row] = false;
    ++counts_.duplicates;
  }
  if (!wanted.empty()) Keep(wanted, decoded);
}

void Lane::WriteRows(const event::EventBatch& events, const event::Decoded& decoded) {
  if (!decoded.rows || decoded.rows->num_rows() == 0) return;
  if (!writer_) {
    DataFileWriterOptions options = context_.writer;
    options.file_prefix = file_prefix_ + "-" + std::to_string(++writers_);
    writer_ = std::make_unique<DataFileWriter>(context_.catalog.store(), view_->table.metadata, std::move(options),
                                               context_.budget);
  }
  const bool plain = context_.metadata_columns.fields().empty();
  writer_->Write(plain ? decoded.rows : context_.metadata_columns.AddTo(*decoded.rows, events, decoded.record_of_row));
  counts_.rows += static_cast<uint64_t>(decoded.rows->num_rows());
}

void Lane::Process(uint64_t sequence, const event::EventBatch& events) {
  if (events.gap) {
    context_.rejects.AddGap(events);
    counts_.missing += static_cast<uint64_t>(events.gap->end_offset - events.gap->first_offset);
  }
  event::Decoded decoded = events.size() == 0 ? event::Decoded{} : DecodeFitting(events);
  DropHeld(events, decoded);
  DropDuplicates(sequence, decoded);
  if (!decoded.rejects.empty()) context_.rejects.Add(events, decoded.rejects);
  WriteRows(events, decoded);
  counts_.records += events.size();
  counts_.blank += decoded.blank;
  counts_.rescued_values += decoded.rescued_values;
  for (const auto& reject : decoded.rejects) ++counts_.rejected[reject.cause];
}

void Lane::Relieve() {
  if (writer_) writer_->Relieve();
}

void Lane::FinishWriter() {
  if (!writer_) return;
  auto files = std::move(*writer_).Finish();
  writer_.reset();
  for (auto& file : files) {
    finished_bytes_ += file.file_size_in_bytes;
    files_.push_back(std::move(file));
  }
}

std::vector<table::DataFile> Lane::Finish() {
  FinishWriter();
  finished_bytes_ = 0;
  return std::exchange(files_, {});
}

event::SinkCounts Lane::TakeCounts() { return std::exchange(counts_, {}); }

void Lane::Discard() noexcept {
  auto& store = context_.catalog.store();
  try {
    if (writer_) {
      for (const auto& key : writer_->closed_keys()) store.Delete(key);
    }
    for (const auto& file : files_) {
      if (const auto key = store.KeyOf(file.file_path)) store.Delete(*key);
    }
  } catch (const std::exception& error) {
    LogWarning("data files that no commit names stay until maintenance removes them: {}", error.what());
  }
  writer_.reset();
  files_.clear();
  finished_bytes_ = 0;
}

}  // namespace millrace::land

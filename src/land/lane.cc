#include "land/lane.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "land/arrow_compute.h"
#include "land/arrow_status.h"
#include "land/column_at.h"
#include "land/frozen_contract.h"
#include "land/through_outage.h"
#include "land/upsert/row_index.h"

namespace millrace::land {
namespace {

/// A batch is decoded again when the table's columns turn out otherwise; each time they are the table's. More often
/// than this, decoder and table do not understand each other.
constexpr int kDecodesMax = 4;

uint32_t RecordOf(const std::vector<uint32_t>& record_of_row, size_t row) {
  return record_of_row.empty() ? static_cast<uint32_t>(row) : record_of_row[row];
}

/// Drops rows: they and their records shrink together.
void Keep(const std::vector<bool>& wanted, std::shared_ptr<arrow::RecordBatch>& rows,
          std::vector<uint32_t>& record_of_row) {
  if (std::ranges::all_of(wanted, [](bool keep) { return keep; })) return;
  std::vector<uint32_t> records;
  std::vector<int64_t> kept;
  for (size_t row = 0; row < wanted.size(); ++row) {
    if (!wanted[row]) continue;
    kept.push_back(static_cast<int64_t>(row));
    records.push_back(RecordOf(record_of_row, row));
  }
  const auto indices =
      std::make_shared<arrow::Int64Array>(static_cast<int64_t>(kept.size()), arrow::Buffer::Wrap(kept));
  rows = ValueOf(arrow::compute::Take(rows, arrow::Datum(indices), arrow::compute::TakeOptions::NoBoundsCheck()),
                 "dropping rows")
             .record_batch();
  record_of_row = std::move(records);
}

void RejectMissing(const std::vector<std::optional<KeyHash>>& keys, const std::vector<uint32_t>& record_of_row,
                   std::vector<event::Reject>& rejects) {
  for (size_t row = 0; row < keys.size(); ++row) {
    if (keys[row]) continue;
    rejects.push_back({.record = RecordOf(record_of_row, row),
                       .cause = event::RejectCause::kMissingKey,
                       .detail = "a key column is null"});
  }
}

}  // namespace

Lane::Lane(const LaneContext& context, std::unique_ptr<event::Decoder> decoder, std::string file_prefix)
    : context_(context), decoder_(std::move(decoder)), file_prefix_(std::move(file_prefix)) {
  StartCompute();
}

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
    Adopt(ThroughOutage(
        context_.authority.name(), [&] { return context_.authority.Require(wanted, context_.stop); }, context_.clock,
        context_.board, context_.stop));
    if (Fits(wanted, *view_->columns)) return decoded;
  }
}

void Lane::DropHeld(const event::EventBatch& events, event::Decoded& decoded) {
  if (!context_.rejects.holds_any()) return;
  const auto drop = [&](std::shared_ptr<arrow::RecordBatch>& rows, std::vector<uint32_t>& records) {
    if (!rows) return;
    std::vector<bool> wanted(static_cast<size_t>(rows->num_rows()), true);
    for (size_t row = 0; row < wanted.size(); ++row) {
      const auto cause = context_.rejects.Holds(events.split, events.offset(RecordOf(records, row)));
      if (!cause) continue;
      wanted[row] = false;
      ++counts_.rejected[*cause];
    }
    Keep(wanted, rows, records);
  };
  drop(decoded.rows, decoded.record_of_row);
  drop(decoded.deletes, decoded.record_of_delete);
}

void Lane::DropDuplicates(uint64_t sequence, event::Decoded& decoded) {
  std::vector<KeyHash> keys;
  std::vector<bool> wanted;
  if (decoded.rows && decoded.rows->num_rows() > 0) {
    const auto hashes = HashKeys(*decoded.rows, context_.key);
    RejectMissing(hashes, decoded.record_of_row, decoded.rejects);
    for (const auto& hash : hashes) {
      wanted.push_back(hash.has_value());
      if (hash) keys.push_back(*hash);
    }
  }
  // Called for every batch, even without a key: the next batch waits for this one's turn to pass.
  std::vector<bool> fresh;
  context_.in_turn(sequence, [&] { fresh = context_.keys->Claim(keys); });
  size_t next = 0;
  for (size_t row = 0; row < wanted.size(); ++row) {
    if (!wanted[row] || fresh[next++]) continue;
    wanted[row] = false;
    ++counts_.duplicates;
  }
  if (!wanted.empty()) Keep(wanted, decoded.rows, decoded.record_of_row);
}

Upserts::Keyed Lane::KeysOf(const std::shared_ptr<arrow::RecordBatch>& rows, const std::vector<uint32_t>& records,
                            std::vector<event::Reject>& rejects) const {
  Upserts::Keyed keyed;
  if (!rows || rows->num_rows() == 0) return keyed;
  keyed.batch = rows;
  keyed.keys = HashKeys(*rows, context_.key);
  RejectMissing(keyed.keys, records, rejects);
  const auto& order_by = context_.upserts->options().order_by;
  const auto order = order_by.empty() ? nullptr : FindColumn(*rows, order_by);
  if (order) keyed.orders = OrderOf(*order);
  for (size_t row = 0; row < keyed.keys.size(); ++row) keyed.records.push_back(RecordOf(records, row));
  return keyed;
}

std::vector<uint32_t> Lane::TakeInTurn(const event::EventBatch& events, event::Decoded& decoded) {
  if (decoded.early_deletes > 0 && context_.authority.view()) {
    // The rows they delete came earlier, and what came earlier has had its turn: the table is there now.
    decoded = DecodeFitting(events);
    StopIfFrozen(events, decoded);
    DropHeld(events, decoded);
  }
  const auto rows = KeysOf(decoded.rows, decoded.record_of_row, decoded.rejects);
  const auto deletes = KeysOf(decoded.deletes, decoded.record_of_delete, decoded.rejects);
  const auto taken = context_.upserts->Take(rows, deletes);
  counts_.duplicates += taken.superseded;
  counts_.deletes += decoded.early_deletes;  // still no table: there is nothing to delete
  for (size_t i = 0; i < deletes.keys.size(); ++i) {
    if (deletes.keys[i] && !std::ranges::binary_search(rows.records, deletes.records[i])) ++counts_.deletes;
  }
  if (!decoded.rows) return {};
  std::vector<bool> wanted;
  std::vector<uint32_t> numbers;
  for (const uint32_t number : taken.numbers) {
    wanted.push_back(number != Upserts::Taken::kNotWritten);
    if (wanted.back()) numbers.push_back(number);
  }
  Keep(wanted, decoded.rows, decoded.record_of_row);
  return numbers;
}

void Lane::WriteRows(const event::EventBatch& events, const event::Decoded& decoded,
                     std::span<const uint32_t> numbers) {
  if (!decoded.rows || decoded.rows->num_rows() == 0) return;
  if (!writer_) {
    DataFileWriterOptions options = context_.writer;
    options.file_prefix = file_prefix_ + "-" + std::to_string(++writers_);
    if (context_.upserts != nullptr) {
      options.on_closed = [upserts = context_.upserts](const table::DataFile& file, std::vector<uint32_t> of_rows) {
        upserts->Wrote(file, std::move(of_rows));
      };
    }
    writer_ = std::make_unique<DataFileWriter>(context_.catalog.store(), view_->table.metadata, std::move(options),
                                               context_.budget);
  }
  const bool plain = context_.metadata_columns.fields().empty();
  writer_->Write(plain ? decoded.rows : context_.metadata_columns.AddTo(*decoded.rows, events, decoded.record_of_row),
                 numbers);
  counts_.rows += static_cast<uint64_t>(decoded.rows->num_rows());
}

void Lane::Process(uint64_t sequence, const event::EventBatch& events) {
  if (events.gap) {
    context_.rejects.AddGap(events);
    counts_.missing += static_cast<uint64_t>(events.gap->end_offset - events.gap->first_offset);
  }
  event::Decoded decoded;
  if (events.size() > 0) {
    const BusyTimer timer(times_.decode);
    decoded = DecodeFitting(events);
  }
  StopIfFrozen(events, decoded);
  DropHeld(events, decoded);
  std::vector<uint32_t> numbers;
  if (context_.upserts != nullptr) {
    context_.in_turn(sequence, [&] { numbers = TakeInTurn(events, decoded); });
  } else if (context_.keys != nullptr) {
    DropDuplicates(sequence, decoded);
  }
  if (!decoded.rejects.empty()) context_.rejects.Add(events, decoded.rejects);
  {
    const BusyTimer timer(times_.encode);
    WriteRows(events, decoded, numbers);
  }
  counts_.records += events.size();
  counts_.blank += decoded.blank;
  counts_.rescued_values += decoded.rescued_values;
  for (const auto& reject : decoded.rejects) ++counts_.rejected[reject.cause];
}

void Lane::Relieve() {
  if (writer_) writer_->Relieve();
}

void Lane::Rest() {
  const BusyTimer timer(times_.encode);
  if (writer_) writer_->Rest();
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
  const BusyTimer timer(times_.encode);
  FinishWriter();
  finished_bytes_ = 0;
  return std::exchange(files_, {});
}

event::SinkCounts Lane::TakeCounts() { return std::exchange(counts_, {}); }
LaneTimes Lane::TakeTimes() { return std::exchange(times_, {}); }

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

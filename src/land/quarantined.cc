#include "land/quarantined.h"

#include <arrow/api.h>

#include <tuple>
#include <utility>

#include "land/header_column.h"
#include "land/remaining_rows.h"
#include "schema/schema.h"

namespace millrace::land {
namespace {

/// A column of a batch by name, typed; null where the table has none.
template <typename Array>
const Array* Column(const arrow::RecordBatch& rows, const char* name) {
  const auto column = rows.GetColumnByName(name);
  return column == nullptr ? nullptr : static_cast<const Array*>(column.get());
}

std::string TextAt(const arrow::StringArray& column, int64_t row) { return std::string(column.GetView(row)); }

Timestamp TimeAt(const arrow::TimestampArray& column, int64_t row) {
  return Timestamp(std::chrono::microseconds(column.Value(row)));
}

/// The columns of one Arrow batch that make a record.
class Rows {
 public:
  explicit Rows(const arrow::RecordBatch& rows)
      : record_(Column<arrow::BinaryArray>(rows, "record")),
        topic_(Column<arrow::StringArray>(rows, "topic")),
        partition_(Column<arrow::Int32Array>(rows, "partition")),
        offset_(Column<arrow::Int64Array>(rows, "offset")),
        cause_(Column<arrow::StringArray>(rows, "cause")),
        target_(Column<arrow::StringArray>(rows, "table")),
        ingested_at_(Column<arrow::TimestampArray>(rows, "ingested_at")),
        split_(Column<arrow::StringArray>(rows, "split")),
        scope_(Column<arrow::StringArray>(rows, "scope")),
        key_(Column<arrow::BinaryArray>(rows, "key")),
        headers_(Column<arrow::ListArray>(rows, "headers")),
        event_time_(Column<arrow::TimestampArray>(rows, "event_time")),
        replayed_at_(Column<arrow::TimestampArray>(rows, "replayed_at")) {}

  bool IsMeant(int64_t row, const QuarantineFilter& filter) const {
    const bool waits = record_->IsValid(row) && (replayed_at_ == nullptr || replayed_at_->IsNull(row));
    return waits && target_->GetView(row) == filter.target &&
           (filter.causes.empty() || filter.causes.contains(TextAt(*cause_, row)));
  }
  auto OriginOf(int64_t row) const {
    return std::tuple(TextAt(*topic_, row), partition_->Value(row), TextAt(*split_, row), ingested_at_->Value(row));
  }
  QuarantinedPlace PlaceOf(int64_t row) const {
    return {TextAt(*scope_, row), event::SplitId(TextAt(*split_, row)), offset_->Value(row)};
  }
  std::string CauseOf(int64_t row) const { return TextAt(*cause_, row); }

  /// The records of `rows`, all of one origin.
  std::shared_ptr<event::EventBatch> Events(const std::vector<int64_t>& rows) const {
    auto events = std::make_shared<event::EventBatch>();
    std::string records, keys, headers;
    const auto span = [](const std::string& text, size_t size) {
      return event::Span{static_cast<uint32_t>(text.size()), static_cast<uint32_t>(size)};
    };
    for (const int64_t row : rows) {
      const auto record = record_->GetView(row);
      events->records.push_back(span(records, record.size()));
      records.append(record).push_back('\n');
      const auto key = key_ != nullptr && key_->IsValid(row) ? key_->GetView(row) : std::string_view();
      events->keys.push_back(span(keys, key.size()));
      keys.append(key);
      const auto block = headers_ != nullptr ? HeaderBlockAt(*headers_, row) : std::string();
      events->headers.push_back(span(headers, block.size()));
      headers.append(block);
      events->offsets.push_back(offset_->Value(row));
      const bool timed = event_time_ != nullptr && event_time_->IsValid(row);
      events->timestamps.push_back(TimeAt(timed ? *event_time_ : *ingested_at_, row));
    }
    events->payload = PaddedBuffer::CopyOf(records);
    if (headers.empty()) {
      events->headers.clear();
    } else {
      events->header_payload = PaddedBuffer::CopyOf(headers);
    }
    if (keys.empty()) {
      events->keys.clear();
    } else {
      events->key_payload = PaddedBuffer::CopyOf(keys);
    }
    events->ingested_at = TimeAt(*ingested_at_, rows.front());
    events->topic = TextAt(*topic_, rows.front());
    events->partition = partition_->Value(rows.front());
    return events;
  }

 private:
  const arrow::BinaryArray* record_;
  const arrow::StringArray* topic_;
  const arrow::Int32Array* partition_;
  const arrow::Int64Array* offset_;
  const arrow::StringArray* cause_;
  const arrow::StringArray* target_;
  const arrow::TimestampArray* ingested_at_;
  const arrow::StringArray* split_;
  const arrow::StringArray* scope_;
  const arrow::BinaryArray* key_;
  const arrow::ListArray* headers_;
  const arrow::TimestampArray* event_time_;
  const arrow::TimestampArray* replayed_at_;
};

}  // namespace

struct QuarantinedRecords::State {
  io::ObjectStore& store;
  std::shared_ptr<const table::TableMetadata> metadata;
  QuarantineFilter filter;
  std::shared_ptr<arrow::Schema> columns = nullptr;
  SnapshotFiles files{store, metadata};
  size_t next_file = 0;
  std::unique_ptr<RemainingRows> rows = nullptr;

  std::vector<QuarantinedBatch> Meant(const arrow::RecordBatch& batch) const {
    const Rows from(batch);
    std::map<decltype(from.OriginOf(0)), std::vector<int64_t>> origins;
    for (int64_t row = 0; row < batch.num_rows(); ++row) {
      if (from.IsMeant(row, filter)) origins[from.OriginOf(row)].push_back(row);
    }
    std::vector<QuarantinedBatch> batches;
    for (const auto& [origin, rows_of_it] : origins) {
      QuarantinedBatch one{.events = from.Events(rows_of_it), .places = {}, .causes = {}};
      for (const int64_t row : rows_of_it) {
        one.places.push_back(from.PlaceOf(row));
        one.causes.push_back(from.CauseOf(row));
      }
      batches.push_back(std::move(one));
    }
    return batches;
  }
};

QuarantinedRecords::QuarantinedRecords(io::ObjectStore& store, std::shared_ptr<const table::TableMetadata> metadata,
                                       QuarantineFilter filter)
    : state_(new State{.store = store, .metadata = std::move(metadata), .filter = std::move(filter)}) {
  state_->columns = schema::ToArrow(state_->metadata->schema());
}

QuarantinedRecords::~QuarantinedRecords() = default;

std::vector<QuarantinedBatch> QuarantinedRecords::Next() {
  State& state = *state_;
  for (;;) {
    if (!state.rows) {
      const auto& files = state.files.data();
      if (state.next_file == files.size()) return {};
      state.rows = std::make_unique<RemainingRows>(state.store, state.files, files[state.next_file++], state.columns);
    }
    const auto batch = state.rows->Next();
    if (!batch) {
      state.rows.reset();
      continue;
    }
    if (auto meant = state.Meant(*batch); !meant.empty()) return meant;
  }
}

}  // namespace millrace::land

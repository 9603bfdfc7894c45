#include "land/quarantine_rows.h"

#include <arrow/api.h>

#include <string_view>

#include "land/arrow_status.h"
#include "land/header_column.h"

namespace millrace::land {
namespace {

constexpr const char* kDoing = "quarantine rows";

std::shared_ptr<arrow::DataType> Time() { return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"); }

/// Appends rows, a value a column, in the order of QuarantineColumns.
class RowBuilder {
 public:
  explicit RowBuilder(const QuarantineOptions& options)
      : target_(catalog::ToString(options.target)),
        scope_(options.scope),
        builder_(ValueOf(arrow::RecordBatchBuilder::Make(QuarantineColumns(), arrow::default_memory_pool()), kDoing)) {}

  void Reject(const event::EventBatch& events, const event::Reject& reject) {
    const auto key = events.key(reject.record);
    Check(Column<arrow::BinaryBuilder>(0)->Append(events.record(reject.record)), kDoing);
    Place(events, events.offset(reject.record));
    Cause(reject.cause, reject.detail);
    Origin(events, events.arrival(reject.record));
    key.empty() ? Null(10) : Check(Column<arrow::BinaryBuilder>(10)->Append(key), kDoing);
    Moment(11, events.timestamp(reject.record));
    Null(12);
    NotReplayed();
    AppendHeaders(events.header_block(reject.record), *Column<arrow::ListBuilder>(15));
  }

  void Gap(const event::EventBatch& events, int64_t first_offset) {
    Null(0);
    Place(events, first_offset);
    Cause(event::RejectCause::kGap, events.gap->why);
    Origin(events, events.ingested_at);
    Null(10);
    Null(11);
    Check(Column<arrow::Int64Builder>(12)->Append(events.gap->end_offset), kDoing);
    NotReplayed();
    Null(15);
  }

  void Broken(const BrokenRow& broken, const std::string& attempt, Timestamp at) {
    Check(Column<arrow::BinaryBuilder>(0)->Append(broken.row), kDoing);
    for (const int place : {1, 2, 3}) Null(place);
    Text(4, broken.rule);
    Text(5, broken.rules);
    Text(6, target_);
    Moment(7, at);
    Text(8, attempt);
    Text(9, scope_);
    for (const int unknown : {10, 11, 12, 15}) Null(unknown);
    NotReplayed();
  }

  std::shared_ptr<arrow::RecordBatch> Finish() { return ValueOf(builder_->Flush(), kDoing); }

 private:
  template <typename Builder>
  Builder* Column(int number) {
    return builder_->GetFieldAs<Builder>(number);
  }
  void Null(int number) { Check(builder_->GetField(number)->AppendNull(), kDoing); }
  void Text(int number, std::string_view value) { Check(Column<arrow::StringBuilder>(number)->Append(value), kDoing); }
  void Moment(int number, Timestamp time) {
    Check(Column<arrow::TimestampBuilder>(number)->Append(time.time_since_epoch().count()), kDoing);
  }

  void Place(const event::EventBatch& events, int64_t offset) {
    Text(1, events.topic);
    Check(Column<arrow::Int32Builder>(2)->Append(events.partition), kDoing);
    Check(Column<arrow::Int64Builder>(3)->Append(offset), kDoing);
  }
  void Cause(event::RejectCause cause, std::string_view detail) {
    Text(4, event::ToString(cause));
    Text(5, detail);
  }
  void Origin(const event::EventBatch& events, Timestamp arrival) {
    Text(6, target_);
    Moment(7, arrival);
    Text(8, events.split.value());
    Text(9, scope_);
  }
  void NotReplayed() {
    Null(13);
    Null(14);
  }

  const std::string target_;
  const std::string scope_;
  std::unique_ptr<arrow::RecordBatchBuilder> builder_;
};

}  // namespace

std::shared_ptr<arrow::Schema> QuarantineColumns() {
  return arrow::schema({arrow::field("record", arrow::binary()), arrow::field("topic", arrow::utf8()),
                        arrow::field("partition", arrow::int32()), arrow::field("offset", arrow::int64()),
                        arrow::field("cause", arrow::utf8()), arrow::field("detail", arrow::utf8()),
                        arrow::field("table", arrow::utf8()), arrow::field("ingested_at", Time()),
                        arrow::field("split", arrow::utf8()), arrow::field("scope", arrow::utf8()),
                        arrow::field("key", arrow::binary()), arrow::field("event_time", Time()),
                        arrow::field("end_offset", arrow::int64()), arrow::field("replayed_at", Time()),
                        arrow::field("replay", arrow::utf8()), arrow::field("headers", HeadersType())});
}

std::shared_ptr<arrow::RecordBatch> RejectedRows(const event::EventBatch& events,
                                                 const std::vector<event::Reject>& rejects,
                                                 const QuarantineOptions& options) {
  RowBuilder rows(options);
  for (const auto& reject : rejects) rows.Reject(events, reject);
  return rows.Finish();
}

std::shared_ptr<arrow::RecordBatch> BrokenRows(const std::vector<BrokenRow>& rows, const std::string& attempt,
                                               Timestamp at, const QuarantineOptions& options) {
  RowBuilder builder(options);
  for (const auto& row : rows) builder.Broken(row, attempt, at);
  return builder.Finish();
}

std::shared_ptr<arrow::RecordBatch> GapRow(const event::EventBatch& events, int64_t first_offset,
                                           const QuarantineOptions& options) {
  RowBuilder rows(options);
  rows.Gap(events, first_offset);
  return rows.Finish();
}

}  // namespace millrace::land

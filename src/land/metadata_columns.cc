#include "land/metadata_columns.h"

#include <arrow/api.h>

#include <string>
#include <utility>

#include "land/arrow_status.h"
#include "land/header_column.h"

namespace millrace::land {
namespace {

std::shared_ptr<arrow::DataType> Time() { return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"); }

template <typename Builder>
std::shared_ptr<arrow::Array> Finish(Builder& builder) {
  return ValueOf(builder.Finish(), "metadata columns");
}

template <typename Builder, typename ValueAt>
std::shared_ptr<arrow::Array> Build(Builder&& builder, int64_t rows, ValueAt&& value_at) {
  Check(builder.Reserve(rows), "metadata columns");
  for (int64_t row = 0; row < rows; ++row) builder.UnsafeAppend(value_at(static_cast<size_t>(row)));
  return Finish(builder);
}

std::shared_ptr<arrow::Array> Keys(const event::EventBatch& events, const std::vector<size_t>& records) {
  arrow::BinaryBuilder builder;
  Check(builder.Reserve(static_cast<int64_t>(records.size())), "metadata columns");
  for (const size_t record : records) {
    const auto key = events.key(record);
    Check(key.empty() ? builder.AppendNull() : builder.Append(key), "metadata columns");
  }
  return Finish(builder);
}

std::shared_ptr<arrow::Array> Headers(const event::EventBatch& events, const std::vector<size_t>& records) {
  std::unique_ptr<arrow::ArrayBuilder> builder;
  Check(arrow::MakeBuilder(arrow::default_memory_pool(), HeadersType(), &builder), "metadata columns");
  auto& list = static_cast<arrow::ListBuilder&>(*builder);
  Check(list.Reserve(static_cast<int64_t>(records.size())), "metadata columns");
  for (const size_t record : records) AppendHeaders(events.header_block(record), list);
  return Finish(list);
}

std::shared_ptr<arrow::Array> Constant(const std::shared_ptr<arrow::Scalar>& value, int64_t rows) {
  return ValueOf(arrow::MakeArrayFromScalar(*value, rows), "metadata columns");
}

}  // namespace

arrow::FieldVector MetadataColumns::fields() const {
  arrow::FieldVector fields;
  if (wanted_.origin) {
    fields = {arrow::field("_topic", arrow::utf8()),   arrow::field("_partition", arrow::int32()),
              arrow::field("_offset", arrow::int64()), arrow::field("_event_time", Time()),
              arrow::field("_ingested_at", Time()),    arrow::field("_key", arrow::binary())};
  }
  if (wanted_.headers) fields.push_back(arrow::field("_headers", HeadersType()));
  return fields;
}

std::shared_ptr<arrow::Schema> MetadataColumns::Without(const arrow::Schema& schema) const {
  const arrow::FieldVector added = fields();
  arrow::FieldVector kept;
  for (const auto& field : schema.fields()) {
    bool ours = false;
    for (const auto& other : added) ours = ours || other->name() == field->name();
    if (!ours) kept.push_back(field);
  }
  return arrow::schema(std::move(kept), schema.metadata());
}

std::shared_ptr<arrow::RecordBatch> MetadataColumns::AddTo(const arrow::RecordBatch& rows,
                                                           const event::EventBatch& events,
                                                           const std::vector<uint32_t>& record_of_row) const {
  const int64_t count = rows.num_rows();
  std::vector<size_t> records(static_cast<size_t>(count));
  for (size_t row = 0; row < records.size(); ++row) records[row] = record_of_row.empty() ? row : record_of_row[row];
  arrow::FieldVector all = rows.schema()->fields();
  for (auto& field : fields()) all.push_back(std::move(field));
  arrow::ArrayVector columns = rows.columns();
  if (wanted_.origin) AddOrigin(events, records, columns);
  if (wanted_.headers) columns.push_back(Headers(events, records));
  return arrow::RecordBatch::Make(arrow::schema(std::move(all)), count, std::move(columns));
}

void MetadataColumns::AddOrigin(const event::EventBatch& events, const std::vector<size_t>& records,
                                arrow::ArrayVector& columns) {
  const auto count = static_cast<int64_t>(records.size());
  const auto micros = [](Timestamp time) { return time.time_since_epoch().count(); };
  columns.push_back(Constant(arrow::MakeScalar(events.topic), count));
  columns.push_back(Constant(arrow::MakeScalar(events.partition), count));
  columns.push_back(Build(arrow::Int64Builder(), count, [&](size_t row) { return events.offset(records[row]); }));
  columns.push_back(Build(arrow::TimestampBuilder(Time(), arrow::default_memory_pool()), count,
                          [&](size_t row) { return micros(events.timestamp(records[row])); }));
  if (events.arrived_one_by_one) {
    columns.push_back(columns.back());
  } else {
    columns.push_back(Constant(std::make_shared<arrow::TimestampScalar>(micros(events.ingested_at), Time()), count));
  }
  columns.push_back(Keys(events, records));
}

}  // namespace millrace::land

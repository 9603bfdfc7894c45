#include "decode/json_decoder.h"

#include <arrow/array/data.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/error.h"
#include "decode/arrow_columns.h"
#include "decode/column.h"
#include "decode/infer.h"
#include "decode/json_scan.h"
#include "decode/record_reader.h"
#include "decode/structural_index.h"

namespace millrace::decode {

using event::Decoded;
using event::EventBatch;
using event::RejectCause;

namespace {

/// Records are indexed together up to this many bytes, so that their tokens stay in the second cache level.
constexpr size_t kWindowBytes = size_t{128} << 10;

size_t CountNames(const Column& column) {
  size_t count = column.children.size();
  for (const auto& child : column.children) count += CountNames(*child);
  return count;
}

}  // namespace

/// The column tree, and the walk over a batch that fills it.
class JsonDecoder::Impl {
 public:
  explicit Impl(JsonDecoderOptions options) : options_(std::move(options)) {
    if (options_.depth_max < 1 || options_.depth_max > 1024) {
      throw Error(ErrorCode::kConfig, "the nesting limit of JSON must be from 1 to 1024");
    }
    if (options_.columns) Adopt(*options_.columns);
  }

  Decoded Decode(const EventBatch& events);
  void Adopt(const arrow::Schema& schema);
  std::shared_ptr<arrow::Schema> schema() const { return schema_; }

 private:
  void ReadWindow(const EventBatch& events, size_t first, size_t last);
  void ReadRecord(const EventBatch& events, size_t index, size_t window);
  void Infer(const EventBatch& events, size_t from);
  void Reject(size_t record, RejectCause cause, std::string detail);
  Decoded Finish(const EventBatch& events);
  void RefreshSchema();
  size_t WindowEnd(const EventBatch& events, size_t first) const;
  bool TooLarge(const EventBatch& events, size_t index) const {
    return static_cast<int64_t>(events.records[index].size) > options_.record_bytes_max;
  }

  JsonDecoderOptions options_;
  std::unique_ptr<Column> root_ = std::make_unique<Column>("", ColumnKind::kStruct, nullptr);
  std::unique_ptr<Column> rescued_ =
      std::make_unique<Column>(std::string(event::kRescuedColumn), ColumnKind::kString, nullptr);
  std::unique_ptr<RecordReader> reader_ = std::make_unique<RecordReader>(options_, *root_, *rescued_);
  StructuralIndex index_;
  std::shared_ptr<arrow::Schema> schema_;
  size_t names_ = 0;
  bool may_infer_ = true;
  Decoded decoded_;
};

Decoded JsonDecoder::Impl::Decode(const EventBatch& events) {
  if (events.payload && events.payload->size() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    throw Error(ErrorCode::kInternal, "a batch of over 2 GiB came to be decoded; lower the read size of its source");
  }
  decoded_ = {};
  root_->Begin();
  rescued_->Begin();
  reader_->counts() = {};
  may_infer_ = true;
  reader_->set_may_infer(true);
  reader_->set_columns_open(schema_ == nullptr);
  for (size_t first = 0; first < events.size();) {
    const size_t last = events.newline_joined ? WindowEnd(events, first) : first + 1;
    ReadWindow(events, first, last);
    first = last;
  }
  return Finish(events);
}

size_t JsonDecoder::Impl::WindowEnd(const EventBatch& events, size_t first) const {
  const size_t begin = events.records[first].begin;
  size_t last = first + 1;
  while (last < events.size() && !TooLarge(events, last) &&
         events.records[last].begin + size_t{events.records[last].size} - begin <= kWindowBytes) {
    ++last;
  }
  return last;
}

void JsonDecoder::Impl::ReadWindow(const EventBatch& events, size_t first, size_t last) {
  if (last == first + 1 && TooLarge(events, first)) {
    Reject(first, RejectCause::kTooLarge,
           fmt::format("is {} bytes long, the limit is {}", events.records[first].size, options_.record_bytes_max));
    return;
  }
  const size_t begin = events.records[first].begin;
  const size_t end = events.records[last - 1].begin + size_t{events.records[last - 1].size};
  const std::string_view text(events.payload->data() + begin, end - begin);
  const auto result = text.empty() ? StructuralIndex::Result::kEmpty : index_.Build(text);
  if (result == StructuralIndex::Result::kOk) {
    reader_->SetText(text, index_.tokens(), index_.count());
    for (size_t record = first; record < last; ++record) ReadRecord(events, record, begin);
  } else if (result == StructuralIndex::Result::kEmpty) {
    decoded_.blank += static_cast<uint32_t>(last - first);
  } else if (last - first > 1) {
    // One bad record spoils the tokens of its neighbours: each one for itself.
    for (size_t record = first; record < last; ++record) ReadWindow(events, record, record + 1);
  } else if (result == StructuralIndex::Result::kInvalidUtf8) {
    Reject(first, RejectCause::kInvalidUtf8, "is not UTF-8");
  } else if (result == StructuralIndex::Result::kTooLarge) {
    Reject(first, RejectCause::kTooLarge, "is longer than a JSON document can be");
  } else {
    Reject(first, RejectCause::kMalformed, "has a string without an end or with raw control characters");
  }
}

void JsonDecoder::Impl::ReadRecord(const EventBatch& events, size_t index, size_t window) {
  const size_t begin = events.records[index].begin - window;
  const size_t end = begin + events.records[index].size;
  auto result = reader_->Read(begin, end);
  if (result == RecordReader::Result::kInfer) {
    Infer(events, index);
    result = reader_->Read(begin, end);
  }
  switch (result) {
    case RecordReader::Result::kRow:
      decoded_.record_of_row.push_back(static_cast<uint32_t>(index));
      return;
    case RecordReader::Result::kBlank:
      ++decoded_.blank;
      return;
    case RecordReader::Result::kReject:
    case RecordReader::Result::kInfer:
      Reject(index, reader_->reject().cause, reader_->reject().detail);
      return;
  }
}

void JsonDecoder::Impl::Infer(const EventBatch& events, size_t from) {
  Observer observer({.depth_max = options_.depth_max,
                     .members_max = static_cast<size_t>(options_.columns_max),
                     .name_bytes_max = static_cast<size_t>(options_.name_bytes_max),
                     .timestamps = options_.infer_timestamps});
  for (size_t record = from; record < events.size(); ++record) {
    if (!TooLarge(events, record)) observer.Look(events.record(record));
  }
  names_ = MergeObserved(observer.root(), *root_, names_, static_cast<size_t>(options_.columns_max));
  reader_->counts().schema_changed = true;
  reader_->set_tree_columns(names_);
  reader_->set_may_infer(false);
}

void JsonDecoder::Impl::Reject(size_t record, RejectCause cause, std::string detail) {
  decoded_.rejects.push_back({static_cast<uint32_t>(record), cause, std::move(detail)});
}

Decoded JsonDecoder::Impl::Finish(const EventBatch& events) {
  const int64_t rows = root_->length;
  auto& counts = reader_->counts();
  if (counts.schema_changed && (rows > 0 || schema_)) RefreshSchema();
  decoded_.rescued_values = counts.rescued_values;
  decoded_.unknown_columns = std::move(counts.unknown_columns);
  if (decoded_.record_of_row.size() == events.size()) decoded_.record_of_row.clear();
  if (rows > 0) {
    if (!schema_) RefreshSchema();
    std::vector<std::shared_ptr<arrow::ArrayData>> columns;
    for (auto& column : root_->children) {
      if (column->Emitted()) columns.push_back(FinishColumn(*column, rows));
    }
    columns.push_back(FinishColumn(*rescued_, rows));
    decoded_.rows = arrow::RecordBatch::Make(schema_, rows, std::move(columns));
  }
  return std::move(decoded_);
}

void JsonDecoder::Impl::RefreshSchema() {
  arrow::FieldVector fields;
  for (const auto& column : root_->children) {
    if (column->Emitted()) fields.push_back(FieldOf(*column));
  }
  fields.push_back(FieldOf(*rescued_));
  schema_ = arrow::schema(std::move(fields));
}

void JsonDecoder::Impl::Adopt(const arrow::Schema& schema) {
  auto root = std::make_unique<Column>("", ColumnKind::kStruct, nullptr);
  AddColumns(schema, options_.json_columns, *root);
  root_ = std::move(root);
  const auto rescued = schema.GetFieldByName(std::string(event::kRescuedColumn));
  rescued_->metadata = rescued ? rescued->metadata() : nullptr;
  reader_ = std::make_unique<RecordReader>(options_, *root_, *rescued_);
  names_ = CountNames(*root_);
  reader_->set_tree_columns(names_);
  RefreshSchema();
}

JsonDecoder::JsonDecoder(JsonDecoderOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
JsonDecoder::~JsonDecoder() = default;

Decoded JsonDecoder::Decode(const EventBatch& events) { return impl_->Decode(events); }
std::shared_ptr<arrow::Schema> JsonDecoder::schema() const { return impl_->schema(); }
void JsonDecoder::Adopt(std::shared_ptr<arrow::Schema> schema) { impl_->Adopt(*schema); }

}  // namespace millrace::decode

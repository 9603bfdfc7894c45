#include "decode/json_decoder.h"

#include <arrow/array/data.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/error.h"
#include "decode/arrow_columns.h"
#include "decode/column.h"
#include "decode/infer.h"
#include "decode/record_reader.h"
#include "decode/structural_index.h"

namespace millrace::decode {

using event::Decoded;
using event::EventBatch;
using event::RejectCause;

namespace {

/// Records are indexed together up to this many bytes, so that their tokens stay in the second cache level.
constexpr size_t kWindowBytes = size_t{128} << 10;
/// Buffers are made for a batch of so many times the last one's size.
constexpr double kLessMax = 0.0625;
constexpr double kMoreMax = 16;

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
  struct Window;
  void ReadWindow(const EventBatch& events, const Window& window);
  void ReadAlone(const EventBatch& events, size_t index);
  void ReadRecord(const EventBatch& events, size_t index, size_t begin);
  void Infer(const EventBatch& events, size_t from);
  void Reject(size_t record, RejectCause cause, std::string detail);
  Decoded Finish(const EventBatch& events);
  void RefreshSchema();
  Window JoinedWindow(const EventBatch& events, size_t first) const;
  Window GatheredWindow(const EventBatch& events, size_t first);
  double TimesTheLast(const EventBatch& events);
  bool TooLarge(const EventBatch& events, size_t index) const {
    return static_cast<int64_t>(events.records[index].size) > options_.record_bytes_max;
  }

  JsonDecoderOptions options_;
  std::unique_ptr<Column> root_ = std::make_unique<Column>("", ColumnKind::kStruct, nullptr);
  std::unique_ptr<Column> rescued_ =
      std::make_unique<Column>(std::string(event::kRescuedColumn), ColumnKind::kString, nullptr);
  std::unique_ptr<RecordReader> reader_ = std::make_unique<RecordReader>(options_, *root_, *rescued_);
  StructuralIndex index_;
  std::shared_ptr<PaddedBuffer> gathered_;
  std::shared_ptr<arrow::Schema> schema_;
  size_t names_ = 0;
  size_t last_records_ = 0;  // of the last batch
  Decoded decoded_;
};

/// Neighbouring records in one text whose tokens are found at once.
struct JsonDecoder::Impl::Window {
  size_t first = 0;
  size_t last = 0;  // behind the last record
  std::string_view text;
  bool gathered = false;  // copied together, each followed by a newline
};

/// How large a batch is beside the last one, within reason: buffers that are too small grow by copying.
double JsonDecoder::Impl::TimesTheLast(const EventBatch& events) {
  const size_t last = std::exchange(last_records_, events.size());
  if (last == 0) return 1;
  return std::clamp(static_cast<double>(events.size()) / static_cast<double>(last), kLessMax, kMoreMax);
}

Decoded JsonDecoder::Impl::Decode(const EventBatch& events) {
  if (events.payload && events.payload->size() > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    throw Error(ErrorCode::kInternal, "a batch of over 2 GiB came to be decoded; lower the read size of its source");
  }
  decoded_ = {};
  const Column::Coming coming{.times = TimesTheLast(events), .bytes = events.bytes()};
  root_->Begin(coming);
  rescued_->Begin(coming);
  reader_->counts() = {};
  reader_->set_may_infer(true);
  reader_->set_columns_open(schema_ == nullptr);
  for (size_t first = 0; first < events.size();) {
    const Window window = events.newline_joined ? JoinedWindow(events, first) : GatheredWindow(events, first);
    ReadWindow(events, window);
    first = window.last;
  }
  index_.Rest();
  return Finish(events);
}

JsonDecoder::Impl::Window JsonDecoder::Impl::JoinedWindow(const EventBatch& events, size_t first) const {
  const auto end_of = [&](size_t index) { return events.records[index].begin + size_t{events.records[index].size}; };
  const size_t begin = events.records[first].begin;
  size_t last = first + 1;
  while (last < events.size() && end_of(last) - begin <= kWindowBytes && !TooLarge(events, last)) ++last;
  return {.first = first, .last = last, .text = {events.payload->data() + begin, end_of(last - 1) - begin}};
}

JsonDecoder::Impl::Window JsonDecoder::Impl::GatheredWindow(const EventBatch& events, size_t first) {
  if (!gathered_) gathered_ = PaddedBuffer::Allocate(kWindowBytes);
  size_t size = 0;
  size_t last = first;
  for (; last < events.size() && size + events.records[last].size < kWindowBytes && !TooLarge(events, last); ++last) {
    const auto record = events.record(last);
    std::memcpy(gathered_->data() + size, record.data(), record.size());
    size += record.size();
    gathered_->data()[size++] = '\n';
  }
  if (last <= first + 1) return {.first = first, .last = first + 1, .text = events.record(first)};
  gathered_->Resize(size);
  return {.first = first, .last = last, .text = gathered_->view(), .gathered = true};
}

void JsonDecoder::Impl::ReadWindow(const EventBatch& events, const Window& window) {
  if (window.last - window.first == 1) return ReadAlone(events, window.first);
  const auto result = index_.Build(window.text);
  if (result != StructuralIndex::Result::kOk && result != StructuralIndex::Result::kEmpty) {
    // One bad record spoils the tokens of its neighbours: each one for itself.
    for (size_t record = window.first; record < window.last; ++record) ReadAlone(events, record);
    return;
  }
  if (result == StructuralIndex::Result::kEmpty) {
    decoded_.blank += static_cast<uint32_t>(window.last - window.first);
    return;
  }
  reader_->SetText(window.text, index_.tokens(), index_.count());
  size_t gathered_begin = 0;
  const size_t joined_begin = events.records[window.first].begin;
  for (size_t record = window.first; record < window.last; ++record) {
    ReadRecord(events, record, window.gathered ? gathered_begin : events.records[record].begin - joined_begin);
    gathered_begin += events.records[record].size + size_t{1};
  }
}

void JsonDecoder::Impl::ReadAlone(const EventBatch& events, size_t index) {
  const auto text = events.record(index);
  if (TooLarge(events, index)) {
    return Reject(index, RejectCause::kTooLarge,
                  fmt::format("is {} bytes long, the limit is {}", text.size(), options_.record_bytes_max));
  }
  switch (text.empty() ? StructuralIndex::Result::kEmpty : index_.Build(text)) {
    case StructuralIndex::Result::kOk:
      reader_->SetText(text, index_.tokens(), index_.count());
      return ReadRecord(events, index, 0);
    case StructuralIndex::Result::kEmpty:
      ++decoded_.blank;
      return;
    case StructuralIndex::Result::kInvalidUtf8:
      return Reject(index, RejectCause::kInvalidUtf8, "is not UTF-8");
    case StructuralIndex::Result::kTooLarge:
      return Reject(index, RejectCause::kTooLarge, "is longer than a JSON document can be");
    case StructuralIndex::Result::kMalformed:
      return Reject(index, RejectCause::kMalformed, "has a string without an end or with raw control characters");
  }
}

void JsonDecoder::Impl::ReadRecord(const EventBatch& events, size_t index, size_t begin) {
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
      return Reject(index, reader_->reject().cause, reader_->reject().detail);
  }
}

void JsonDecoder::Impl::Infer(const EventBatch& events, size_t from) {
  Observer observer({.depth_max = options_.depth_max,
                     .members_max = static_cast<size_t>(options_.columns_max),
                     .name_bytes_max = static_cast<size_t>(options_.name_bytes_max),
                     .timestamps = options_.infer_timestamps});
  for (size_t record = from; record < events.size(); ++record) {
    if (!TooLarge(events, record) && IsUtf8(events.record(record))) observer.Look(events.record(record));
  }
  names_ = MergeObserved(observer.root(), *root_, names_, options_);
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
    decoded_.rows = FinishRows(schema_, *root_, *rescued_);
  }
  return std::move(decoded_);
}

void JsonDecoder::Impl::RefreshSchema() { schema_ = SchemaOf(*root_, *rescued_); }

void JsonDecoder::Impl::Adopt(const arrow::Schema& schema) {
  auto root = std::make_unique<Column>("", ColumnKind::kStruct, nullptr);
  AddColumns(schema, options_.json_columns, *root);
  root->ExpectAs(*root_);
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

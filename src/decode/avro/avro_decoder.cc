#include "decode/avro/avro_decoder.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <deque>
#include <optional>
#include <set>
#include <utility>

#include "base/error.h"
#include "decode/arrow_columns.h"
#include "decode/avro/avro_plan.h"
#include "decode/avro/avro_reader.h"
#include "decode/schema_verdicts.h"
#include "schema/avro/avro_encode.h"

namespace millrace::decode {

using event::Decoded;
using event::EventBatch;
using event::RejectCause;
using schema::AvroSchema;
using schema::AvroType;

namespace {

/// What is made of one writer's schema.
struct Writer {
  std::optional<AvroPlan> plan;
  std::string unusable;  // why its records cannot be read; empty: they can
};

/// A default that does not fit would show at the first record that needs it.
void CheckDefaults(const AvroType& type, std::set<const AvroType*>& seen) {
  if (!seen.insert(&type).second) return;
  for (const auto* branch : type.branches) CheckDefaults(*branch, seen);
  if (type.items != nullptr) CheckDefaults(*type.items, seen);
  for (const auto& field : type.fields) {
    CheckDefaults(*field.type, seen);
    if (field.fallback) schema::EncodeAvroDefault(*field.fallback, *field.type);
  }
}

}  // namespace

class AvroDecoder::Impl {
 public:
  explicit Impl(AvroDecoderOptions options);

  Decoded Decode(const EventBatch& events);
  void Adopt(const arrow::Schema& schema);
  std::shared_ptr<arrow::Schema> schema() const { return schema_; }

 private:
  void ReadRecord(const EventBatch& events, size_t index);
  Writer& WriterAt(size_t number);
  bool MakePlan(const AvroType& type, Writer& writer);
  AvroPlanOptions PlanOptions(bool columns_open) const;
  void Reject(size_t record, RejectCause cause, std::string detail);
  Decoded Finish(const EventBatch& events);
  void RefreshSchema();

  AvroDecoderOptions options_;
  std::unique_ptr<Column> root_ = std::make_unique<Column>("", ColumnKind::kStruct, nullptr);
  std::unique_ptr<Column> rescued_ =
      std::make_unique<Column>(std::string(event::kRescuedColumn), ColumnKind::kString, nullptr);
  std::unique_ptr<AvroReader> reader_;
  std::shared_ptr<arrow::Schema> schema_;
  AvroFrames frames_;
  std::deque<Writer> writers_;        // by the number that frames_ gives them
  std::optional<AvroSchema> wanted_;  // what readers want
  uint64_t generation_ = 1;           // of the columns that plans are for
  bool columns_open_ = true;
  size_t names_ = 0;
  Decoded decoded_;
};

AvroDecoder::Impl::Impl(AvroDecoderOptions options)
    : options_(std::move(options)), frames_(options_.framing, options_.known_schemas, options_.schemas) {
  for (const auto& text : options_.known_schemas) {
    try {
      wanted_ = AvroSchema::Parse(text);
      std::set<const AvroType*> seen;
      CheckDefaults(wanted_->root(), seen);
    } catch (const Error& error) {
      throw Error(ErrorCode::kConfig, error.message());
    }
  }
  reader_ = std::make_unique<AvroReader>(
      AvroReader::Options{.contract = options_.contract, .depth_max = options_.depth_max}, *root_, *rescued_);
  if (options_.columns) Adopt(*options_.columns);
  if (!wanted_) return;
  bool changed = false, stale = false;
  try {
    MakeAvroPlan(wanted_->root(), PlanOptions(true), *root_, names_, changed, stale);
  } catch (const Error& error) {
    throw Error(ErrorCode::kConfig, "the schema that readers want cannot be a row: " + error.message());
  }
  RefreshSchema();
}

AvroPlanOptions AvroDecoder::Impl::PlanOptions(bool columns_open) const {
  return {.contract = options_.contract,
          .columns_open = columns_open,
          .reserved_names = options_.reserved_names,
          .columns_max = static_cast<size_t>(options_.columns_max),
          .reader = wanted_ ? &wanted_->root() : nullptr};
}

Decoded AvroDecoder::Impl::Decode(const EventBatch& events) {
  decoded_ = {};
  frames_.NextBatch();
  root_->Begin();
  rescued_->Begin();
  reader_->rescued_values = 0;
  reader_->unknown_columns.clear();
  columns_open_ = schema_ == nullptr;
  for (size_t record = 0; record < events.size(); ++record) ReadRecord(events, record);
  return Finish(events);
}

void AvroDecoder::Impl::ReadRecord(const EventBatch& events, size_t index) {
  const auto message = events.record(index);
  if (message.empty()) {
    ++decoded_.blank;
    return;
  }
  if (static_cast<int64_t>(message.size()) > options_.record_bytes_max) {
    return Reject(index, RejectCause::kTooLarge,
                  fmt::format("is {} bytes long, the limit is {}", message.size(), options_.record_bytes_max));
  }
  const auto frame = frames_.Find(message);
  if (!frame) return Reject(index, RejectCause::kMalformed, frames_.why());
  Writer& writer = WriterAt(frame->writer);
  const bool planned = writer.plan && writer.plan->generation == generation_;
  if (!planned) [[unlikely]] {
    const auto& known = frames_.writer(frame->writer);
    if (!known.schema) return Reject(index, RejectCause::kMalformed, Capped(known.unusable));
    if (!writer.unusable.empty() || !MakePlan(known.schema->root(), writer)) {
      return Reject(index, RejectCause::kMalformed, Capped(writer.unusable));
    }
  }
  if (reader_->Read(*writer.plan, message.substr(frame->prefix))) {
    decoded_.record_of_row.push_back(static_cast<uint32_t>(index));
  } else {
    Reject(index, reader_->reject().cause, reader_->reject().detail);
  }
}

Writer& AvroDecoder::Impl::WriterAt(size_t number) {
  if (number >= writers_.size()) writers_.resize(number + 1);
  return writers_[number];
}

bool AvroDecoder::Impl::MakePlan(const AvroType& type, Writer& writer) {
  bool changed = false, stale = false;
  try {
    writer.plan = MakeAvroPlan(type, PlanOptions(columns_open_), *root_, names_, changed, stale);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kData) throw;
    writer.plan.reset();
    writer.unusable = "its schema cannot be a row: " + error.message();
  }
  // Also what came to nothing may have changed the columns.
  if (stale) ++generation_;
  if (writer.plan) writer.plan->generation = generation_;
  reader_->schema_changed = reader_->schema_changed || changed;
  return writer.plan.has_value();
}

void AvroDecoder::Impl::Reject(size_t record, RejectCause cause, std::string detail) {
  decoded_.rejects.push_back({static_cast<uint32_t>(record), cause, std::move(detail)});
}

Decoded AvroDecoder::Impl::Finish(const EventBatch& events) {
  const int64_t rows = root_->length;
  if (reader_->schema_changed && (rows > 0 || schema_)) {
    RefreshSchema();
    reader_->schema_changed = false;
  }
  decoded_.rescued_values = reader_->rescued_values;
  decoded_.unknown_columns = std::move(reader_->unknown_columns);
  if (decoded_.record_of_row.size() == events.size()) decoded_.record_of_row.clear();
  if (rows > 0) {
    if (!schema_) RefreshSchema();
    decoded_.rows = FinishRows(schema_, *root_, *rescued_);
  }
  return std::move(decoded_);
}

void AvroDecoder::Impl::RefreshSchema() { schema_ = SchemaOf(*root_, *rescued_); }

void AvroDecoder::Impl::Adopt(const arrow::Schema& schema) {
  auto root = std::make_unique<Column>("", ColumnKind::kStruct, nullptr);
  AddColumns(schema, options_.json_columns, *root);
  root_ = std::move(root);
  const auto rescued = schema.GetFieldByName(std::string(event::kRescuedColumn));
  rescued_->metadata = rescued ? rescued->metadata() : nullptr;
  reader_ = std::make_unique<AvroReader>(
      AvroReader::Options{.contract = options_.contract, .depth_max = options_.depth_max}, *root_, *rescued_);
  names_ = CountNames(*root_);
  ++generation_;
  RefreshSchema();
}

AvroDecoder::AvroDecoder(AvroDecoderOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
AvroDecoder::~AvroDecoder() = default;

Decoded AvroDecoder::Decode(const EventBatch& events) { return impl_->Decode(events); }
std::shared_ptr<arrow::Schema> AvroDecoder::schema() const { return impl_->schema(); }
void AvroDecoder::Adopt(std::shared_ptr<arrow::Schema> schema) { impl_->Adopt(*schema); }

}  // namespace millrace::decode

#include "decode/protobuf/protobuf_decoder.h"

#include <arrow/type.h>
#include <fmt/format.h>

#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "decode/avro/avro_change_decoder.h"
#include "decode/avro/avro_decoder.h"
#include "decode/made_schemas.h"
#include "decode/part_of_batch.h"
#include "decode/protobuf/protobuf_transcoder.h"
#include "decode/schema_verdicts.h"
#include "schema/protobuf/protobuf_avro.h"
#include "schema/protobuf/protobuf_schema.h"

namespace millrace::decode {

using event::Decoded;
using event::EventBatch;
using event::RejectCause;
using schema::ProtobufSchema;

namespace {

/// What the records of one batch may come to as Avro; a span cannot say more.
constexpr size_t kBatchBytesMax = size_t{2} << 30;

/// Messages of one type.
struct Writer {
  std::optional<ProtobufTranscoder> transcoder;
  int32_t id = 0;        // of its Avro schema
  std::string unusable;  // why its messages cannot be read; empty: they can
};

}  // namespace

class ProtobufDecoder::Impl {
 public:
  explicit Impl(ProtobufDecoderOptions options);

  Decoded Decode(const EventBatch& events);
  void Adopt(std::shared_ptr<arrow::Schema> schema) { rows_->Adopt(std::move(schema)); }
  std::shared_ptr<arrow::Schema> schema() const { return rows_->schema(); }

 private:
  /// Appends a message as Avro. False: why_ says why not.
  bool Transcode(std::string_view message, std::string& out);
  /// Takes off what stands before a message; null: why_ says why there is none.
  Writer* WriterOf(std::string_view& message);
  const ProtobufSchema* Registered(int32_t id);
  void Prepare(Writer& writer, const google::protobuf::Descriptor& message);
  void TranscodeKeys(const EventBatch& events, PartOfBatch& part);
  bool Fail(RejectCause cause, std::string detail);

  ProtobufDecoderOptions options_;
  SchemaVerdicts verdicts_;
  std::shared_ptr<MadeSchemas> made_ = std::make_shared<MadeSchemas>();
  std::optional<ProtobufSchema> given_;
  Writer plain_;  // of messages without a frame
  std::unordered_map<int32_t, std::optional<ProtobufSchema>> registered_;
  std::map<std::pair<int32_t, schema::MessageIndexes>, Writer> writers_;
  std::unique_ptr<event::Decoder> rows_;
  event::Reject why_;
};

ProtobufDecoder::Impl::Impl(ProtobufDecoderOptions options)
    : options_(std::move(options)), verdicts_(options_.schemas, schema::SchemaKind::kProtobuf) {
  AvroDecoderOptions rows;
  rows.contract = options_.contract;
  rows.columns = options_.columns;
  rows.json_columns = options_.json_columns;
  rows.reserved_names = options_.reserved_names;
  rows.reserved_names.insert(schema::kUnknownFields);
  rows.schemas = made_;
  rows.depth_max = options_.depth_max;
  rows.columns_max = options_.columns_max;
  if (!options_.files.empty()) {
    const auto main = std::move(options_.files.back());
    options_.files.pop_back();
    try {
      given_ = ProtobufSchema::Parse(main.text, options_.files);
    } catch (const Error& error) {
      throw Error(ErrorCode::kConfig, fmt::format("{}: {}", main.name, error.message()));
    }
    const auto* const message = given_->Find(options_.message);
    if (message == nullptr) {
      throw Error(ErrorCode::kConfig, options_.message.empty()
                                          ? fmt::format("{} has no message", main.name)
                                          : fmt::format("{} has no message {}", main.name, options_.message));
    }
    Prepare(plain_, *message);
    if (!plain_.unusable.empty()) throw Error(ErrorCode::kConfig, fmt::format("{}: {}", main.name, plain_.unusable));
    rows.known_schemas = {made_->Find(plain_.id)->text};
  } else if (options_.schemas == nullptr) {
    throw Error(ErrorCode::kConfig, "Protobuf messages that name no registry's schema need a .proto file");
  }
  if (options_.changes) {
    rows_ = std::make_unique<AvroChangeDecoder>(*options_.changes, std::move(rows));
  } else {
    rows_ = std::make_unique<AvroDecoder>(std::move(rows));
  }
}

void ProtobufDecoder::Impl::Prepare(Writer& writer, const google::protobuf::Descriptor& message) {
  try {
    writer.id = made_->Add(schema::AvroSchemaFor(message));
  } catch (const Error& error) {
    writer.unusable = fmt::format("its schema cannot be a row: {}", error.message());
    return;
  }
  writer.transcoder.emplace(message, ProtobufTranscoder::Limits{.record_bytes_max = options_.record_bytes_max,
                                                                .depth_max = options_.depth_max});
}

const ProtobufSchema* ProtobufDecoder::Impl::Registered(int32_t id) {
  auto known = registered_.find(id);
  if (known == registered_.end()) {
    const auto& verdict = verdicts_.Of(id);
    if (!verdict.schema) {
      Fail(RejectCause::kMalformed, verdict.why);
      return nullptr;
    }
    known = registered_.emplace(id, std::nullopt).first;
    try {
      known->second = ProtobufSchema::Parse(verdict.schema->text, verdict.schema->references);
    } catch (const Error&) {  // told below, to each of its messages
    }
  }
  if (known->second) return &*known->second;
  Fail(RejectCause::kMalformed, fmt::format("is of schema {}, which is no Protobuf schema that can be read", id));
  return nullptr;
}

Writer* ProtobufDecoder::Impl::WriterOf(std::string_view& message) {
  if (options_.schemas == nullptr) return &plain_;
  const auto id = schema::SchemaIdOf(message);
  if (!id) {
    Fail(RejectCause::kMalformed, WhyNotFramed(message));
    return nullptr;
  }
  message.remove_prefix(schema::kSchemaPrefixBytes);
  auto indexes = schema::TakeMessageIndexes(message);
  if (!indexes) {
    Fail(RejectCause::kMalformed, "does not say which message of its schema it is");
    return nullptr;
  }
  if (const auto known = writers_.find({*id, *indexes}); known != writers_.end()) return &known->second;
  const auto* const schema = Registered(*id);
  if (schema == nullptr) return nullptr;
  const auto* const type = schema->At(*indexes);
  if (type == nullptr) {
    Fail(RejectCause::kMalformed, fmt::format("is of a message that schema {} does not have", *id));
    return nullptr;
  }
  Writer& writer = writers_[{*id, std::move(*indexes)}];
  Prepare(writer, *type);
  return &writer;
}

bool ProtobufDecoder::Impl::Transcode(std::string_view message, std::string& out) {
  if (static_cast<int64_t>(message.size()) > options_.record_bytes_max) {
    return Fail(RejectCause::kTooLarge,
                fmt::format("is {} bytes long, the limit is {}", message.size(), options_.record_bytes_max));
  }
  Writer* const writer = WriterOf(message);
  if (writer == nullptr) return false;
  if (!writer->unusable.empty()) return Fail(RejectCause::kMalformed, writer->unusable);
  const size_t size = out.size();
  out += schema::SchemaPrefix(writer->id);
  if (!writer->transcoder->Write(message, out)) {
    out.resize(size);
    return Fail(writer->transcoder->reject().cause, writer->transcoder->reject().detail);
  }
  if (out.size() <= kBatchBytesMax) return true;
  out.resize(size);
  return Fail(RejectCause::kTooLarge, "has more than a batch can hold; lower the read size of its source");
}

Decoded ProtobufDecoder::Impl::Decode(const EventBatch& events) {
  verdicts_.NextBatch();
  PartOfBatch part(events);
  std::string bytes;
  for (uint32_t record = 0; record < events.size(); ++record) {
    const auto begin = bytes.size();
    if (events.records[record].size > 0 && !Transcode(events.record(record), bytes)) {
      part.Reject(record, why_.cause, Capped(why_.detail));
    } else {
      part.Take(record, {static_cast<uint32_t>(begin), static_cast<uint32_t>(bytes.size() - begin)});
    }
  }
  part.SetPayload(PaddedBuffer::CopyOf(bytes));
  if (options_.changes && options_.schemas != nullptr && !events.keys.empty()) TranscodeKeys(events, part);
  auto decoded = rows_->Decode(part.events());
  return std::move(part).Whole(std::move(decoded));
}

/// Keys that are messages become Avro, as far as records without a value need them; others stay what they are.
void ProtobufDecoder::Impl::TranscodeKeys(const EventBatch& events, PartOfBatch& part) {
  std::string bytes;
  std::vector<event::Span> spans;
  for (const uint32_t record : part.records()) {
    const auto begin = bytes.size();
    const auto key = events.key(record);
    const auto id = schema::SchemaIdOf(key);
    if (!id || !verdicts_.Of(*id).schema || !Transcode(key, bytes)) bytes += key;
    spans.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(bytes.size() - begin)});
  }
  part.SetKeys(PaddedBuffer::CopyOf(bytes), std::move(spans));
}

bool ProtobufDecoder::Impl::Fail(RejectCause cause, std::string detail) {
  why_ = {.record = 0, .cause = cause, .detail = std::move(detail)};
  return false;
}

ProtobufDecoder::ProtobufDecoder(ProtobufDecoderOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
ProtobufDecoder::~ProtobufDecoder() = default;

Decoded ProtobufDecoder::Decode(const EventBatch& events) { return impl_->Decode(events); }
std::shared_ptr<arrow::Schema> ProtobufDecoder::schema() const { return impl_->schema(); }
void ProtobufDecoder::Adopt(std::shared_ptr<arrow::Schema> schema) { impl_->Adopt(std::move(schema)); }

}  // namespace millrace::decode

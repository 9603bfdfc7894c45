#include "decode/avro/avro_change_decoder.h"

#include <arrow/api.h>
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/error.h"
#include "decode/avro/avro_parts.h"
#include "decode/change_columns.h"
#include "schema/avro/avro_encode.h"
#include "schema/avro/avro_print.h"
#include "schema/json_object.h"
#include "schema/protobuf/protobuf_avro.h"

namespace millrace::decode {

using event::Decoded;
using event::EventBatch;
using event::RejectCause;
using schema::AvroSchema;
using schema::AvroType;
using Fields = std::vector<AvroParts::Field>;

namespace {

/// Of an envelope's schema, the record that is the row.
const AvroType& RowOf(const AvroType& envelope) {
  for (const auto& field : envelope.fields) {
    if (field.name != "after") continue;
    if (field.type->kind == AvroType::Kind::kRecord) return *field.type;
    for (const auto* branch : field.type->branches) {
      if (branch->kind == AvroType::Kind::kRecord) return *branch;
    }
  }
  throw Error(ErrorCode::kConfig, "the schema that readers want is no envelope of changes: it has no record `after`");
}

/// What the rows are read by: schemas made here.
AvroDecoderOptions RowOptions(AvroDecoderOptions options, const ChangeForm& form,
                              std::shared_ptr<schema::SchemaLookup> made) {
  options.framing = AvroFraming::kConfluent;
  options.schemas = std::move(made);
  if (options.known_schemas.empty() || form.envelope == ChangeForm::Envelope::kNone) return options;
  const auto wanted = AvroSchema::Parse(options.known_schemas.back());
  options.known_schemas = {schema::PrintAvro(RowOf(wanted.root()))};
  return options;
}

/// What JSON is encoded as for a column.
const char* TextTypeOf(const arrow::DataType& column) {
  switch (column.id()) {
    case arrow::Type::INT32:
    case arrow::Type::INT64:
      return "long";
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
      return "double";
    case arrow::Type::BOOL:
      return "boolean";
    default:
      return "string";
  }
}

bool IsRecord(const std::optional<AvroPiece>& piece) {
  return piece && Resolved(*piece).type->kind == AvroType::Kind::kRecord;
}

}  // namespace

class AvroChangeDecoder::Impl {
 public:
  Impl(ChangeForm form, AvroDecoderOptions rows)
      : form_(form),
        reader_(std::move(form)),
        limits_(rows),
        frames_(rows.framing, rows.known_schemas, rows.schemas),
        rows_(RowOptions(std::move(rows), form_, made_)) {
    if (limits_.framing == AvroFraming::kConfluent) {
      key_frames_.emplace(AvroFraming::kConfluent, std::vector<std::string>(), limits_.schemas);
    }
  }

  Decoded Decode(const EventBatch& events);
  std::shared_ptr<arrow::Schema> schema() const { return rows_.schema(); }
  void Adopt(std::shared_ptr<arrow::Schema> schema) { rows_.Adopt(std::move(schema)); }

 private:
  /// A key to delete, as pieces of the records, good while these are.
  struct Delete {
    uint32_t record = 0;
    Fields fields;
    bool by_text = false;  // what its key means depends on the type of the column, which the rows may bring
  };

  void TakeApart(const EventBatch& events, uint32_t record);
  void Take(const EventBatch& events, uint32_t record, const AvroPiece& piece);
  void TakeEnvelope(const EventBatch& events, uint32_t record, const AvroPiece& envelope);
  Fields AddedOf(const AvroPiece& envelope) const;
  bool KeyChanged(const AvroPiece& before, const AvroPiece& after) const;
  /// The columns of the key, and of the order, in a record; nullopt: one of the key is not there.
  std::optional<Fields> KeyOf(const AvroPiece& from, const AvroPiece* envelope) const;
  void AddOrder(const std::optional<AvroPiece>& from, const AvroPiece* envelope, Fields& fields) const;
  void DeleteByKey(std::string_view key, uint32_t record, const AvroPiece* envelope);
  bool KnowKey();
  bool ReadText(std::string_view key, Delete& one, std::deque<std::string>& bytes);
  void DecodeDeletes(const EventBatch& events, const std::vector<uint32_t>& of_row, Decoded& decoded);
  void Reject(uint32_t record, RejectCause cause, std::string detail) {
    rejects_.push_back({record, cause, Capped(std::move(detail))});
  }

  const ChangeForm form_;
  const ChangeReader reader_;  // of keys that are text
  const AvroDecoderOptions limits_;
  AvroFrames frames_;
  std::optional<AvroFrames> key_frames_;  // nullopt: keys are text
  std::shared_ptr<MadeSchemas> made_ = std::make_shared<MadeSchemas>();
  std::shared_ptr<MadeSchemas> made_keys_ = std::make_shared<MadeSchemas>();
  AvroParts row_parts_{*made_};
  AvroParts delete_parts_{*made_keys_};
  AvroDecoder rows_;
  std::shared_ptr<arrow::Schema> key_of_;  // the schema of rows that `keys_` was made for
  std::unique_ptr<AvroDecoder> keys_;      // null: the columns of the key are not known
  std::vector<AvroSchema> text_types_;     // of the columns of the key
  bool text_key_ = false;

  std::vector<Delete> deletes_;
  std::vector<event::Reject> rejects_;
  uint32_t blank_ = 0;
};

void AvroChangeDecoder::Impl::TakeApart(const EventBatch& events, uint32_t record) {
  const auto message = events.record(record);
  const auto key = events.key(record);
  if (message.empty()) return key.empty() ? void(++blank_) : DeleteByKey(key, record, nullptr);
  if (static_cast<int64_t>(message.size()) > limits_.record_bytes_max) {
    return Reject(record, RejectCause::kTooLarge,
                  fmt::format("is {} bytes long, the limit is {}", message.size(), limits_.record_bytes_max));
  }
  const auto frame = frames_.Find(message);
  if (!frame) return Reject(record, RejectCause::kMalformed, frames_.why());
  const auto& writer = frames_.writer(frame->writer);
  if (!writer.schema) return Reject(record, RejectCause::kMalformed, writer.unusable);
  Take(events, record, {&writer.schema->root(), message.substr(frame->prefix)});
}

void AvroChangeDecoder::Impl::Take(const EventBatch& events, uint32_t record, const AvroPiece& piece) {
  if (form_.envelope == ChangeForm::Envelope::kDebezium) return TakeEnvelope(events, record, piece);
  const auto operation = form_.operation.empty() ? std::nullopt : FindPiece(piece, form_.operation);
  if (!operation || !IsDelete(WordOf(*operation), form_.delete_values)) return row_parts_.Add(record, piece, {});
  auto key = KeyOf(piece, nullptr);
  if (!key) return Reject(record, RejectCause::kMissingKey, "deletes, and a column of the key is not there");
  deletes_.push_back({record, *std::move(key)});
}

void AvroChangeDecoder::Impl::TakeEnvelope(const EventBatch& events, uint32_t record, const AvroPiece& envelope) {
  const auto op = FindPiece(envelope, "op");
  const auto operation = op ? WordOf(*op) : std::string();
  const auto before = FindPiece(envelope, "before");
  auto old = IsRecord(before) ? KeyOf(*before, &envelope) : std::nullopt;
  if (operation == "d") {
    if (!old) return DeleteByKey(events.key(record), record, &envelope);
    deletes_.push_back({record, *std::move(old)});
    return;
  }
  if (operation != "c" && operation != "r" && operation != "u") {
    return Reject(record, RejectCause::kOperation, std::string(WhyNotApplied(operation)));
  }
  const auto after = FindPiece(envelope, "after");
  if (!IsRecord(after)) return Reject(record, RejectCause::kOperation, "has no record as `after`");
  row_parts_.Add(record, Resolved(*after), AddedOf(envelope));
  if (old && KeyChanged(*before, *after)) deletes_.push_back({record, *std::move(old)});
}

Fields AvroChangeDecoder::Impl::AddedOf(const AvroPiece& envelope) const {
  Fields added;
  for (const auto& path : form_.add_fields) {
    if (const auto piece = FindPiece(envelope, path)) added.emplace_back(AddedColumn(path), *piece);
  }
  // What a Protobuf message holds beyond its schema, wherever in the envelope.
  if (const auto unknown = FindPiece(envelope, schema::kUnknownFields)) {
    added.emplace_back(schema::kUnknownFields, *unknown);
  }
  return added;
}

bool AvroChangeDecoder::Impl::KeyChanged(const AvroPiece& before, const AvroPiece& after) const {
  return std::ranges::any_of(form_.key, [&](const std::string& path) {
    const auto old = FindPiece(before, path), now = FindPiece(after, path);
    return old && !IsNull(*old) && (!now || Resolved(*old).bytes != Resolved(*now).bytes);
  });
}

void AvroChangeDecoder::Impl::AddOrder(const std::optional<AvroPiece>& from, const AvroPiece* envelope,
                                       Fields& fields) const {
  if (form_.order_by.empty() || std::ranges::find(form_.key, form_.order_by) != form_.key.end()) return;
  auto order = from ? FindPiece(*from, form_.order_by) : std::nullopt;
  for (const auto& path : form_.add_fields) {
    if (envelope != nullptr && AddedColumn(path) == form_.order_by) order = FindPiece(*envelope, path);
  }
  if (order && !IsNull(*order)) fields.emplace_back(form_.order_by, *order);
}

std::optional<Fields> AvroChangeDecoder::Impl::KeyOf(const AvroPiece& from, const AvroPiece* envelope) const {
  Fields fields;
  for (const auto& path : form_.key) {
    const auto piece = FindPiece(from, path);
    if (!piece || IsNull(*piece)) return std::nullopt;
    fields.emplace_back(path, *piece);
  }
  AddOrder(from, envelope, fields);
  return fields;
}

void AvroChangeDecoder::Impl::DeleteByKey(std::string_view key, uint32_t record, const AvroPiece* envelope) {
  if (key.empty()) {
    return Reject(record, RejectCause::kMissingKey, "deletes, and neither `before` nor the record's key has the key");
  }
  if (!key_frames_ || !schema::SchemaIdOf(key)) {
    Delete by_text{.record = record, .fields = {}, .by_text = true};
    AddOrder(std::nullopt, envelope, by_text.fields);
    deletes_.push_back(std::move(by_text));
    return;
  }
  const auto frame = key_frames_->Find(key);
  if (!frame) return Reject(record, RejectCause::kMissingKey, "deletes, and its key " + key_frames_->why());
  const auto& writer = key_frames_->writer(frame->writer);
  if (!writer.schema) return Reject(record, RejectCause::kMissingKey, "deletes, and its key " + writer.unusable);
  const AvroPiece piece{&writer.schema->root(), key.substr(frame->prefix)};
  std::optional<Fields> fields;
  if (IsRecord(piece)) {
    fields = KeyOf(piece, envelope);
  } else if (form_.key.size() == 1 && !IsNull(piece)) {
    fields = Fields{{form_.key.front(), piece}};
    AddOrder(std::nullopt, envelope, *fields);
  }
  if (!fields) return Reject(record, RejectCause::kMissingKey, "deletes, and its key lacks a column of the key");
  deletes_.push_back({record, *std::move(fields)});
}

/// The columns of the key, and of the order, as the rows have them.
bool AvroChangeDecoder::Impl::KnowKey() {
  const auto schema = rows_.schema();
  if (schema == nullptr) return false;
  if (schema == key_of_) return keys_ != nullptr;
  key_of_ = schema;
  keys_.reset();
  auto columns = DeleteColumns(*schema, form_);
  if (!columns) return false;
  text_types_.clear();
  for (const auto& field : columns->fields()) {
    text_types_.push_back(AvroSchema::Parse(fmt::format("\"{}\"", TextTypeOf(*field->type()))));
  }
  text_key_ = columns->field(0)->type()->id() == arrow::Type::STRING;
  AvroDecoderOptions options;
  options.contract = {.columns = schema::ContractMode::kDiscardValue, .types = schema::ContractMode::kDiscardValue};
  options.columns = std::move(columns);
  options.schemas = made_keys_;
  options.record_bytes_max = limits_.record_bytes_max;
  options.depth_max = limits_.depth_max;
  options.columns_max = limits_.columns_max;
  keys_ = std::make_unique<AvroDecoder>(std::move(options));
  return true;
}

/// The columns of a key that is text. False: rejected.
bool AvroChangeDecoder::Impl::ReadText(std::string_view key, Delete& one, std::deque<std::string>& bytes) {
  auto change = reader_.ReadTombstone(key, text_key_);
  if (change.reject) {
    Reject(one.record, change.reject->cause, change.reject->detail);
    return false;
  }
  const auto document = schema::MaybeParseJson(change.deletes);
  try {
    for (size_t i = 0; i < form_.key.size(); ++i) {
      if (!document || !document->contains(form_.key[i])) throw Error(ErrorCode::kData, "is no JSON");
      const auto& value = document->at(form_.key[i]);
      const auto& type = text_types_[i].root();
      schema::AvroEncoder encoder;
      const bool other = type.kind == AvroType::Kind::kString && !value.is_string();
      schema::EncodeAvro(other ? nlohmann::json(value.dump()) : value, type, encoder);
      one.fields.insert(one.fields.begin() + static_cast<ptrdiff_t>(i),
                        {form_.key[i], {&type, bytes.emplace_back(encoder.bytes())}});
    }
  } catch (const Error& error) {
    Reject(one.record, RejectCause::kMissingKey, fmt::format("deletes, and its key {}", error.message()));
    return false;
  }
  return true;
}

void AvroChangeDecoder::Impl::DecodeDeletes(const EventBatch& events, const std::vector<uint32_t>& of_row,
                                            Decoded& decoded) {
  if (deletes_.empty()) return;
  if (!KnowKey()) {
    for (const auto& one : deletes_) decoded.early_deletes += std::ranges::binary_search(of_row, one.record) ? 0 : 1;
    return;
  }
  std::deque<std::string> bytes;
  for (auto& one : deletes_) {
    if (one.by_text && !ReadText(events.key(one.record), one, bytes)) continue;
    delete_parts_.Add(one.record, {}, one.fields);
  }
  if (delete_parts_.empty()) return;
  const auto of_document = delete_parts_.records();
  Decoded keys = keys_->Decode(delete_parts_.Take());
  Renumber(of_document, keys);
  std::ranges::move(keys.rejects, std::back_inserter(rejects_));
  decoded.deletes = std::move(keys.rows);
  decoded.record_of_delete = std::move(keys.record_of_row);
}

Decoded AvroChangeDecoder::Impl::Decode(const EventBatch& events) {
  frames_.NextBatch();
  if (key_frames_) key_frames_->NextBatch();
  deletes_.clear();
  rejects_.clear();
  blank_ = 0;
  for (uint32_t record = 0; record < events.size(); ++record) {
    try {
      TakeApart(events, record);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kData) throw;
      Reject(record, RejectCause::kMalformed, error.message());
    }
  }
  const auto of_row = row_parts_.records();
  Decoded decoded = rows_.Decode(row_parts_.Take());
  Renumber(of_row, decoded);
  decoded.blank += blank_;
  DecodeDeletes(events, of_row, decoded);
  std::ranges::move(rejects_, std::back_inserter(decoded.rejects));
  std::ranges::stable_sort(decoded.rejects, {}, &event::Reject::record);
  return decoded;
}

AvroChangeDecoder::AvroChangeDecoder(ChangeForm form, AvroDecoderOptions rows)
    : impl_(std::make_unique<Impl>(std::move(form), std::move(rows))) {}

AvroChangeDecoder::~AvroChangeDecoder() = default;

Decoded AvroChangeDecoder::Decode(const EventBatch& events) { return impl_->Decode(events); }
std::shared_ptr<arrow::Schema> AvroChangeDecoder::schema() const { return impl_->schema(); }
void AvroChangeDecoder::Adopt(std::shared_ptr<arrow::Schema> schema) { impl_->Adopt(std::move(schema)); }

}  // namespace millrace::decode

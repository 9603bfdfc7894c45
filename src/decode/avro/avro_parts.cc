#include "decode/avro/avro_parts.h"

#include "schema/avro/avro_print.h"

namespace millrace::decode {

using schema::AvroType;

int32_t AvroParts::SchemaFor(const AvroType* base, const std::vector<Field>& more) {
  std::vector<std::pair<std::string, const AvroType*>> fields;
  for (const auto& [name, piece] : more) fields.emplace_back(name, piece.type);
  const auto [made, fresh] = made_.try_emplace({base, fields}, 0);
  if (!fresh) return made->second;
  AvroType type;
  type.kind = AvroType::Kind::kRecord;
  if (base != nullptr) type = *base;
  // Under another name than its own, which records within it may still mean.
  if (!more.empty()) type.name += "__part";
  for (const auto& [name, of] : fields) {
    auto& field = type.fields.emplace_back();
    field.name = name;
    field.type = of;
  }
  return made->second = schemas_->Add(schema::PrintAvro(type));
}

void AvroParts::Add(uint32_t record, const AvroPiece& base, const std::vector<Field>& more) {
  const size_t begin = bytes_.size();
  bytes_ += schema::SchemaPrefix(SchemaFor(base.type, more));
  bytes_ += base.bytes;
  for (const auto& [name, piece] : more) bytes_ += piece.bytes;
  spans_.push_back({.begin = static_cast<uint32_t>(begin), .size = static_cast<uint32_t>(bytes_.size() - begin)});
  records_.push_back(record);
}

event::EventBatch AvroParts::Take() {
  event::EventBatch batch;
  batch.payload = PaddedBuffer::CopyOf(bytes_);
  batch.records = std::move(spans_);
  bytes_.clear();
  spans_.clear();
  records_.clear();
  return batch;
}

}  // namespace millrace::decode

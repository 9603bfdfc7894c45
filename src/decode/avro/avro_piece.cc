#include "decode/avro/avro_piece.h"

#include "schema/avro/avro_codec.h"

namespace millrace::decode {

using schema::AvroType;

AvroPiece Resolved(const AvroPiece& piece) {
  static const AvroType kNull;
  AvroPiece at = piece;
  while (at.type->kind == AvroType::Kind::kUnion) {
    schema::AvroDecoder decoder(at.bytes);
    const auto* const branch = decoder.Resolve(*at.type);
    at = {branch == nullptr ? &kNull : branch, decoder.rest()};
  }
  return at;
}

std::optional<AvroPiece> FindPiece(const AvroPiece& record, std::string_view path) {
  const auto at = Resolved(record);
  if (at.type->kind != AvroType::Kind::kRecord) return std::nullopt;
  schema::AvroDecoder decoder(at.bytes);
  for (const auto& field : at.type->fields) {
    const auto before = decoder.rest();
    decoder.Skip(*field.type);
    if (!path.starts_with(field.name)) continue;
    const AvroPiece piece{field.type, before.substr(0, before.size() - decoder.rest().size())};
    if (path.size() == field.name.size()) return piece;
    if (path[field.name.size()] != '.') continue;
    if (const auto found = FindPiece(piece, path.substr(field.name.size() + 1))) return found;
  }
  return std::nullopt;
}

std::string WordOf(const AvroPiece& piece) {
  const auto at = Resolved(piece);
  schema::AvroDecoder decoder(at.bytes);
  switch (at.type->kind) {
    case AvroType::Kind::kString:
      return std::string(decoder.ByteString(*at.type));
    case AvroType::Kind::kBoolean:
      return decoder.Boolean(*at.type) ? "true" : "false";
    case AvroType::Kind::kInt:
    case AvroType::Kind::kLong:
      return std::to_string(decoder.Integer(*at.type));
    case AvroType::Kind::kEnum: {
      const auto symbol = static_cast<uint64_t>(decoder.Long());
      return symbol < at.type->symbols.size() ? at.type->symbols[symbol] : std::string();
    }
    case AvroType::Kind::kNull:
    case AvroType::Kind::kFloat:
    case AvroType::Kind::kDouble:
    case AvroType::Kind::kBytes:
    case AvroType::Kind::kFixed:
    case AvroType::Kind::kRecord:
    case AvroType::Kind::kArray:
    case AvroType::Kind::kMap:
    case AvroType::Kind::kUnion:
      return {};
  }
  return {};
}

bool IsNull(const AvroPiece& piece) { return Resolved(piece).type->kind == AvroType::Kind::kNull; }

}  // namespace millrace::decode

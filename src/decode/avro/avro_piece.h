#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "schema/avro/avro_schema.h"

namespace millrace::decode {

/// A value within an Avro record: its type as the schema has it, a union maybe, and its bytes.
struct AvroPiece {
  const schema::AvroType* type = nullptr;
  std::string_view bytes;
};

/// The branch of a union that was written, and its bytes; any other piece is itself. Error kData when it is damaged.
AvroPiece Resolved(const AvroPiece& piece);

/// What stands at a dotted path within a record, through unions; a name may itself hold dots. nullopt: there is no such
/// field, or no record on the way to it. Error kData when the record is damaged.
std::optional<AvroPiece> FindPiece(const AvroPiece& record, std::string_view path);

/// What a piece that says a word says: text, a symbol, true and false, whole numbers; empty: something else, or null.
std::string WordOf(const AvroPiece& piece);

/// A null, which may be a branch of a union.
bool IsNull(const AvroPiece& piece);

}  // namespace millrace::decode

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "decode/avro/avro_piece.h"
#include "decode/made_schemas.h"
#include "event/event_batch.h"

namespace millrace::decode {

/// Records of schemas made here, one after the other, for an AvroDecoder that looks them up in `schemas`; and the
/// record that each was taken from.
class AvroParts {
 public:
  explicit AvroParts(MadeSchemas& schemas) : schemas_(&schemas) {}

  using Field = std::pair<std::string, AvroPiece>;

  /// A record whose fields are those of `base` (a record, or no piece) and then `more`.
  void Add(uint32_t record, const AvroPiece& base, const std::vector<Field>& more);

  bool empty() const { return spans_.empty(); }
  /// What was added since, as a batch; starts over.
  event::EventBatch Take();
  const std::vector<uint32_t>& records() const { return records_; }

 private:
  int32_t SchemaFor(const schema::AvroType* base, const std::vector<Field>& more);

  MadeSchemas* schemas_;
  /// By the type of the base, names and types of the fields behind it. Types live as long as who knows writers.
  std::map<std::pair<const schema::AvroType*, std::vector<std::pair<std::string, const schema::AvroType*>>>, int32_t>
      made_;
  std::string bytes_;
  std::vector<event::Span> spans_;
  std::vector<uint32_t> records_;
};

}  // namespace millrace::decode

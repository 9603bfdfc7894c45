#pragma once

#include <arrow/api.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "event/decoder.h"
#include "schema/evolution.h"
#include "schema/registry/registry.h"

/// What the targets of decoders have in common whose messages name their schema by a registry's number.
namespace millrace::fuzz {

inline void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

/// Schemas by the numbers 0, 1, 2 ...
class Shelf final : public schema::SchemaLookup {
 public:
  Shelf(schema::SchemaKind kind, const std::vector<std::string>& texts) {
    for (const auto& text : texts) {
      const auto id = static_cast<int32_t>(schemas_.size());
      schemas_[id] = std::make_shared<const schema::RegisteredSchema>(
          schema::RegisteredSchema{.id = id, .kind = kind, .text = text});
    }
  }
  schema::RegisteredSchemaPtr Find(int32_t id) override {
    const auto found = schemas_.find(id);
    return found == schemas_.end() ? nullptr : found->second;
  }

 private:
  std::map<int32_t, schema::RegisteredSchemaPtr> schemas_;
};

/// By the low four bits of a byte.
inline schema::Contract ContractOf(uint8_t byte) {
  return {.columns = static_cast<schema::ContractMode>(byte & 3),
          .types = static_cast<schema::ContractMode>(byte >> 2 & 3)};
}

struct Messages {
  std::string payload;
  std::vector<event::Span> records;
};

/// `input` in pieces of `step` bytes, each a message of the schema that its first byte names; `header` comes between.
inline Messages Cut(std::string_view input, size_t step, std::string_view header) {
  Messages cut;
  for (size_t at = 0; at < input.size(); at += step) {
    const auto begin = static_cast<uint32_t>(cut.payload.size());
    cut.payload += std::string("\0\0\0\0", 4) + static_cast<char>(static_cast<uint8_t>(input[at]) % 3);
    cut.payload += header;
    cut.payload += input.substr(at, step);
    cut.records.push_back({begin, static_cast<uint32_t>(cut.payload.size()) - begin});
  }
  return cut;
}

/// How many rows there are.
inline int64_t Decode(event::Decoder& decoder, std::string_view payload, const std::vector<event::Span>& records) {
  event::EventBatch batch;
  batch.payload = PaddedBuffer::CopyOf(payload);
  batch.records = records;
  const auto decoded = decoder.Decode(batch);
  const int64_t rows = decoded.rows ? decoded.rows->num_rows() : 0;
  Require(static_cast<size_t>(rows) + decoded.rejects.size() + decoded.blank == records.size(), "records are lost");
  if (!decoded.rows) return 0;
  const auto valid = decoded.rows->ValidateFull();
  Require(valid.ok(), valid.ToString().c_str());
  return rows;
}

/// One message a batch says the same as all in one, where the contract lets columns and types evolve.
template <typename Decoder, typename Options>
void CheckTogetherAndApart(const Options& options, const Messages& messages) {
  Decoder together(options), apart(options);
  const auto rows = Decode(together, messages.payload, messages.records);
  if (together.schema()) apart.Adopt(together.schema());
  int64_t alone = 0;
  for (const auto& record : messages.records) alone += Decode(apart, messages.payload, {record});
  const bool evolves = options.contract.columns == schema::ContractMode::kEvolve &&
                       options.contract.types == schema::ContractMode::kEvolve;
  Require(!evolves || rows == alone, "one by one there are other rows than together");
}

}  // namespace millrace::fuzz

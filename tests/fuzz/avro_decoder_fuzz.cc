// Any bytes, as messages behind the numbers of a few schemas and of one made of the input itself: every message is a
// row or a reject, what lands is valid, and one message a batch says the same as all in one.
#include <arrow/api.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "decode/avro/avro_decoder.h"

namespace {

using millrace::decode::AvroDecoder;
using millrace::decode::AvroDecoderOptions;
using millrace::event::EventBatch;
using millrace::schema::ContractMode;
using millrace::schema::RegisteredSchema;
using millrace::schema::RegisteredSchemaPtr;

constexpr const char* kFirst =
    R"({"type":"record","name":"R","fields":[{"name":"i","type":"int"},{"name":"l","type":["null","long"]},)"
    R"({"name":"s","type":"string"},{"name":"b","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},)"
    R"({"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},{"name":"t","type":{"type":"record","name":"T",)"
    R"("fields":[{"name":"next","type":["null","T"]}]}},{"name":"m","type":{"type":"map","values":{"type":"array",)"
    R"("items":["null","double","string"]}}},{"name":"f","type":{"type":"fixed","name":"F","size":3}}]})";
constexpr const char* kSecond =
    R"({"type":"record","name":"R","fields":[{"name":"i","type":"long"},{"name":"s","type":["int","string"]},)"
    R"({"name":"e","type":"boolean"},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},)"
    R"({"name":"m","type":{"type":"map","values":"string"}},{"name":"n","type":{"type":"array","items":"null"}}]})";

class Shelf final : public millrace::schema::SchemaLookup {
 public:
  explicit Shelf(std::string_view text) {
    Put(0, kFirst);
    Put(1, kSecond);
    Put(2, std::string(text));
  }
  RegisteredSchemaPtr Find(int32_t id) override {
    const auto found = schemas_.find(id);
    return found == schemas_.end() ? nullptr : found->second;
  }

 private:
  void Put(int32_t id, std::string text) {
    schemas_[id] = std::make_shared<const RegisteredSchema>(RegisteredSchema{.id = id, .text = std::move(text)});
  }
  std::map<int32_t, RegisteredSchemaPtr> schemas_;
};

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

int64_t Decode(AvroDecoder& decoder, std::string_view payload, const std::vector<millrace::event::Span>& records) {
  EventBatch batch;
  batch.payload = millrace::PaddedBuffer::CopyOf(payload);
  batch.records = records;
  const auto decoded = decoder.Decode(batch);
  const int64_t rows = decoded.rows ? decoded.rows->num_rows() : 0;
  Require(static_cast<size_t>(rows) + decoded.rejects.size() + decoded.blank == records.size(), "records are lost");
  if (!decoded.rows) return 0;
  const auto valid = decoded.rows->ValidateFull();
  Require(valid.ok(), valid.ToString().c_str());
  return rows;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto cut = std::min(input.find('\n'), input.size());
  AvroDecoderOptions options{.depth_max = 8, .columns_max = 40};
  options.schemas = std::make_shared<Shelf>(input.substr(0, cut));
  options.contract = {.columns = static_cast<ContractMode>(data[0] & 3),
                      .types = static_cast<ContractMode>(data[0] >> 2 & 3)};
  std::string payload;
  std::vector<millrace::event::Span> records;
  const size_t step = 1 + data[1] % 40;
  for (size_t at = cut; at < input.size(); at += step) {
    const auto begin = static_cast<uint32_t>(payload.size());
    payload += std::string("\0\0\0\0", 4) + static_cast<char>(at % 3);
    payload += input.substr(at, step);
    records.push_back({begin, static_cast<uint32_t>(payload.size()) - begin});
  }
  AvroDecoder together(options), apart(options);
  const auto rows = Decode(together, payload, records);
  if (together.schema()) apart.Adopt(together.schema());
  int64_t alone = 0;
  for (const auto& record : records) alone += Decode(apart, payload, {record});
  const bool evolves =
      options.contract.columns == ContractMode::kEvolve && options.contract.types == ContractMode::kEvolve;
  Require(!evolves || rows == alone, "one by one there are other rows than together");
  return 0;
}

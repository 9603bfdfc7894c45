// Any bytes, as messages behind the numbers of a few schemas and of one made of the input itself: every message is a
// row or a reject, what lands is valid, and one message a batch says the same as all in one.
#include "decode/avro/avro_decoder.h"

#include "messages.h"

namespace {

using namespace millrace::fuzz;
using millrace::decode::AvroDecoder;
using millrace::decode::AvroDecoderOptions;
using millrace::schema::SchemaKind;

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto cut = std::min(input.find('\n'), input.size());
  AvroDecoderOptions options{.depth_max = 8, .columns_max = 40};
  options.schemas = std::make_shared<Shelf>(
      SchemaKind::kAvro, std::vector<std::string>{kFirst, kSecond, std::string(input.substr(0, cut))});
  options.contract = ContractOf(data[0]);
  const Messages messages = Cut(input.substr(cut), 1 + data[1] % 40, "");
  CheckTogetherAndApart<AvroDecoder>(options, messages);
  return 0;
}

// Any bytes, as messages of two schemas and of one made of the input itself: every message is a row, a reject or
// blank, what lands is valid, and one message a batch says the same as all in one.
#include "decode/protobuf/protobuf_decoder.h"

#include "messages.h"

namespace {

using namespace millrace::fuzz;
using millrace::decode::ProtobufDecoder;
using millrace::decode::ProtobufDecoderOptions;
using millrace::schema::SchemaKind;

constexpr const char* kFirst =
    R"(syntax = "proto3"; import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto";)"
    R"(message R { int32 i = 1; sint64 l = 2; string s = 3; bytes b = 4; E e = 5; T t = 6; map<string, double> m = 7;)"
    R"(repeated fixed32 f = 8; oneof o { bool y = 9; float z = 10; } google.protobuf.Timestamp at = 11;)"
    R"(google.protobuf.Int64Value w = 12; enum E { A = 0; B = 1; } message T { T next = 1; repeated string n = 2; } })";
constexpr const char* kSecond =
    R"(syntax = "proto2"; message R { required int64 i = 1; optional string l = 2; optional group G = 3 {)"
    R"(optional int32 s = 1; } repeated double b = 4 [packed = true]; optional bool t = 6; })";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto cut = std::min(input.find('\n'), input.size());
  ProtobufDecoderOptions options{.depth_max = 8, .columns_max = 60};
  options.schemas = std::make_shared<Shelf>(
      SchemaKind::kProtobuf, std::vector<std::string>{kFirst, kSecond, std::string(input.substr(0, cut))});
  options.contract = ContractOf(data[0]);
  // The schema's number, then which message of it: the first.
  const Messages messages = Cut(input.substr(cut), 1 + data[1] % 40, std::string_view("\0", 1));
  CheckTogetherAndApart<ProtobufDecoder>(options, messages);
  return 0;
}

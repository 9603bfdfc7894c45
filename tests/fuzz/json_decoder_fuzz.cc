// Any bytes, as records one a line: every record is a row, a reject or blank; joined and apart agree; what is called
// malformed is so by another parser's word, and what lands is JSON by it.
#include <arrow/api.h>

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "decode/json_decoder.h"

namespace {

using millrace::decode::JsonDecoder;
using millrace::decode::JsonDecoderOptions;
using millrace::event::Decoded;
using millrace::event::EventBatch;
using millrace::event::RejectCause;
using millrace::schema::ContractMode;

void Require(bool holds, const char* what, std::string_view record = {}) {
  if (holds) return;
  std::fprintf(stderr, "%s: %.*s\n", what, static_cast<int>(record.size()), record.data());
  std::abort();
}

EventBatch BatchOf(std::string_view lines, bool joined) {
  EventBatch batch;
  std::string payload;
  for (size_t at = 0; at <= lines.size();) {
    const auto end = std::min(lines.find('\n', at), lines.size());
    batch.records.push_back({static_cast<uint32_t>(payload.size()), static_cast<uint32_t>(end - at)});
    payload += lines.substr(at, end - at);
    if (joined) payload += '\n';
    at = end + 1;
  }
  batch.payload = millrace::PaddedBuffer::CopyOf(payload);
  batch.newline_joined = joined;
  return batch;
}

JsonDecoderOptions OptionsOf(uint8_t choice) {
  JsonDecoderOptions options{.depth_max = 8, .columns_max = 20, .name_bytes_max = 40};
  options.contract.columns = static_cast<ContractMode>(choice & 3);
  options.contract.types = static_cast<ContractMode>(choice >> 2 & 3);
  if ((choice & 16) != 0) {
    using namespace arrow;
    const auto uuid = KeyValueMetadata::Make({"iceberg.type"}, {"uuid"});
    options.columns =
        arrow::schema({field("i", int32()), field("f", float32()), field("d", decimal128(9, 2)),
                       field("t", timestamp(TimeUnit::MICRO, "UTC")), field("l", timestamp(TimeUnit::MICRO)),
                       field("u", fixed_size_binary(16), true, uuid), field("x", binary()),
                       field("y", fixed_size_binary(3)), field("a", date32()), field("b", time64(TimeUnit::MICRO)),
                       field("j", utf8()), field("m", map(utf8(), int64())), field("r", int64(), (choice & 32) != 0),
                       field("s", struct_({field("l", list(list(float64())))}))});
    options.json_columns = {"j"};
  }
  return options;
}

void CheckVerdicts(const EventBatch& batch, const Decoded& decoded) {
  const size_t rows = decoded.rows ? static_cast<size_t>(decoded.rows->num_rows()) : 0;
  Require(rows + decoded.rejects.size() + decoded.blank == batch.size(), "records are lost or doubled");
  if (decoded.rows) {
    const auto valid = decoded.rows->ValidateFull();
    Require(valid.ok(), valid.ToString().c_str());
  }
  for (const auto& reject : decoded.rejects) {
    const auto record = batch.record(reject.record);
    // A NUL ends the text to that parser, and it passes over a byte order mark, which RFC 8259 lets nobody send.
    const bool foreign = record.find('\0') != record.npos || record.starts_with("\xEF\xBB\xBF");
    const bool json = !foreign && nlohmann::json::accept(record);
    if (reject.cause == RejectCause::kMalformed || reject.cause == RejectCause::kInvalidUtf8) {
      Require(!json, "refused as malformed, but is JSON", record);
    }
  }
  for (size_t row = 0; row < rows; ++row) {
    const auto record = batch.record(decoded.record_of_row.empty() ? row : decoded.record_of_row[row]);
    // That parser refuses half pairs of surrogates and numbers that overflow a double, which are JSON to RFC 8259.
    const bool beyond =
        record.find("\\u") != record.npos || record.find_first_of("eE") != record.npos || record.size() > 300;
    Require(beyond || nlohmann::json::accept(record), "landed, but is no JSON", record);
  }
  if (!decoded.rows) return;
  const auto& rescued = static_cast<const arrow::StringArray&>(*decoded.rows->columns().back());
  for (int64_t row = 0; row < rescued.length(); ++row) {
    if (rescued.IsNull(row)) continue;
    const auto text = rescued.GetView(row);
    const bool beyond = text.find("\\u") != text.npos || text.find_first_of("eE") != text.npos || text.size() > 300;
    Require(beyond || nlohmann::json::accept(text), "_rescued is no JSON", text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view lines(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto middle = std::min(lines.find("\n\n"), lines.size());
  JsonDecoder joined(OptionsOf(data[0])), apart(OptionsOf(data[0]));
  for (const auto part : {lines.substr(0, middle), lines.substr(middle), lines}) {
    const auto batch = BatchOf(part, true);
    const auto first = joined.Decode(batch);
    const auto second = apart.Decode(BatchOf(part, false));
    CheckVerdicts(batch, first);
    Require((first.rows == nullptr) == (second.rows == nullptr), "joined and apart disagree on rows", part);
    Require(first.rows == nullptr ||
                first.rows->Equals(*second.rows, true, arrow::EqualOptions::Defaults().nans_equal(true)),
            "joined and apart disagree on values", part);
    Require(first.rejects.size() == second.rejects.size(), "joined and apart disagree on rejects", part);
    if (joined.schema()) joined.Adopt(joined.schema());
    if (apart.schema()) apart.Adopt(apart.schema());
  }
  return 0;
}

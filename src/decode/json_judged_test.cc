#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "contract/decoder_contract.h"
#include "decode/json_decoder.h"
#include "judge/python.h"

namespace millrace::decode {
namespace {

using event::Decoded;
using event::EventBatch;
using testing::HasSubstr;

void WriteRows(const arrow::RecordBatch& rows, const std::string& path) {
  auto out = arrow::io::FileOutputStream::Open(path).ValueOrDie();
  auto writer = arrow::ipc::MakeStreamWriter(out, rows.schema()).ValueOrDie();
  ASSERT_TRUE(writer->WriteRecordBatch(rows).ok());
  ASSERT_TRUE(writer->Close().ok());
  ASSERT_TRUE(out->Close().ok());
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

/// Decodes the lines in batches of `batch_records` and has Python compare; returns its counts.
std::string Judged(JsonDecoder& decoder, const std::string& input, size_t batch_records, bool joined) {
  const judge::Folder folder;
  judge::Spill(folder.File("input"), input);
  const auto lines = Lines(input);
  std::string verdicts, files;
  for (size_t begin = 0; begin < lines.size(); begin += batch_records) {
    const std::vector<std::string> part(
        lines.begin() + static_cast<ptrdiff_t>(begin),
        lines.begin() + static_cast<ptrdiff_t>(std::min(begin + batch_records, lines.size())));
    const auto decoded = event::DecodeChecked(decoder, part, joined);
    std::vector<std::string> verdict(part.size(), "blank");
    const size_t rows = decoded.rows ? static_cast<size_t>(decoded.rows->num_rows()) : 0;
    for (size_t row = 0; row < rows; ++row) {
      verdict[decoded.record_of_row.empty() ? row : decoded.record_of_row[row]] = "row";
    }
    for (const auto& reject : decoded.rejects) verdict[reject.record] = ToString(reject.cause);
    for (const auto& word : verdict) verdicts += word + "\n";
    if (rows == 0) continue;
    const auto file = folder.File(fmt::format("rows-{}.arrow", begin));
    WriteRows(*decoded.rows, file);
    files += " " + file;
  }
  judge::Spill(folder.File("verdicts"), verdicts);
  return judge::Python("json_rows.py", folder.File("input") + " " + folder.File("verdicts") + files);
}

TEST(JsonJudgedTest, RealEventsComeOutAsTheyWentIn) {
  const auto events = judge::Slurp(std::string(MILLRACE_SOURCE_DIR) + "/examples/data/github_events.ndjson");
  for (const size_t batch : {800, 37}) {
    JsonDecoder decoder({});
    EXPECT_THAT(Judged(decoder, events, batch, batch == 800), HasSubstr("row=800"));
  }
}

TEST(JsonJudgedTest, DriftingRecordsComeOutAsTheyWentIn) {
  for (const auto& [seed, batch] : std::vector<std::pair<int, size_t>>{{1, 2000}, {2, 100}, {3, 7}}) {
    const auto corpus = judge::Python("json_corpus.py", fmt::format("{} 2000", seed));
    JsonDecoder decoder({});
    EXPECT_THAT(Judged(decoder, corpus, batch, batch != 100), HasSubstr("duplicate_key="));
  }
}

TEST(JsonJudgedTest, DeclaredColumnsLoseNothingEither) {
  const auto corpus = judge::Python("json_corpus.py", "5 2000");
  using namespace arrow;
  const auto columns = arrow::schema({field("id", int32()), field("n", float64()), field("price", float64()),
                                      field("at", timestamp(TimeUnit::MICRO, "UTC")), field("type", utf8()),
                                      field("o", struct_({field("id", int64()), field("list", list(int32()))}))});
  for (const auto types : {schema::ContractMode::kEvolve, schema::ContractMode::kDiscardValue}) {
    for (const auto mode : {schema::ContractMode::kEvolve, schema::ContractMode::kDiscardValue}) {
      JsonDecoder decoder({.contract = {.columns = mode, .types = types}, .columns = columns});
      EXPECT_THAT(Judged(decoder, corpus, 300, true), HasSubstr("rescued="));
    }
  }
}

TEST(JsonJudgedTest, KeepsTheDecoderContract) {
  event::DecoderInput input;
  input.good = Lines(judge::Slurp(std::string(MILLRACE_SOURCE_DIR) + "/examples/data/github_events.ndjson"));
  input.good.resize(100);
  input.bad = {
      "{\"a\":",          "[]", "{\"a\":\"\xFF\"}", "{\"id\":\"1\",\"id\":\"2\"}", "{\"id\":\"1\" \"x\":2}", "\"",
      "{\"id\":\"\x01\"}"};
  for (const bool joined : {true, false}) {
    input.joined = joined;
    event::CheckDecoderContract([] { return std::make_unique<JsonDecoder>(JsonDecoderOptions{}); }, input);
  }
}

}  // namespace
}  // namespace millrace::decode

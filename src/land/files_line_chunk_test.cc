#include "land/files_line_chunk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "event/stream.h"

namespace millrace::land {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

event::EventBatch Batch(const std::vector<std::string>& records, int64_t first = 0) {
  event::EventBatch batch;
  std::string joined;
  for (const auto& record : records) {
    batch.records.push_back({static_cast<uint32_t>(joined.size()), static_cast<uint32_t>(record.size())});
    joined += record;
    batch.timestamps.push_back(Timestamp(std::chrono::minutes(batch.records.size())));
  }
  batch.payload = PaddedBuffer::CopyOf(joined);
  batch.base_offset = first;
  batch.topic = "orders";
  batch.partition = 3;
  batch.split = event::TopicSplit("6c8f2f5e-0000-4000-8000-000000000001", 3);
  batch.begin = event::OffsetCursor(first);
  batch.end = event::OffsetCursor(first + static_cast<int64_t>(records.size()));
  batch.ingested_at = ParseTimestamp("2026-03-01T23:30:00Z").value();
  return batch;
}

FilesEncoding Encoding() {
  FilesEncoding encoding;
  encoding.path = "{topic}/partition={partition}";
  encoding.name = "{topic}+{partition}+{offset:5}";
  encoding.extension = ".json";
  encoding.compression = FilesCompression::kNone;
  encoding.record = FilesRecord::kJson;
  return encoding;
}

/// Name of each object and what is in it.
std::vector<std::string> Made(const FilesEncoding& encoding, const std::vector<std::string>& records,
                              std::vector<event::Reject>* rejects = nullptr) {
  const auto batch = Batch(records);
  FilesLineChunk chunk("p", encoding, event::kStart);
  chunk.Add(batch, 0, batch.size(), [&](const event::EventBatch&, const FilesChunk::Added& added) {
    if (rejects != nullptr) *rejects = added.rejects;
  });
  const auto sealed = std::move(chunk).Seal(batch.end);
  EXPECT_EQ(ReadPlan("key", WritePlan(sealed.plan)), sealed.plan);
  std::vector<std::string> made;
  for (size_t i = 0; i < sealed.contents.size(); ++i) {
    made.push_back(sealed.plan.objects[i].key + ": " + sealed.contents[i]);
  }
  return made;
}

TEST(FilesLineChunk, NamesByTheFirstRecordAndRowsAFile) {
  auto encoding = Encoding();
  encoding.file_rows = 2;
  EXPECT_THAT(Made(encoding, {R"({"n":1})", R"({ "n": 2 })", "", R"([3])"}),
              ElementsAre("orders/partition=3/orders+3+00000.json: {\"n\":1}\n{ \"n\": 2 }\n",
                          "orders/partition=3/orders+3+00003.json: [3]\n"));
}

TEST(FilesLineChunk, KnowsWhetherItsFilesAreFull) {
  auto encoding = Encoding();
  encoding.file_rows = 2;
  const auto batch = Batch({"1", "2", "3", "4"});
  FilesLineChunk chunk("p", encoding, event::kStart);
  for (size_t i = 0; i < 4; ++i) {
    chunk.Add(batch, i, i + 1, [](const event::EventBatch&, const FilesChunk::Added&) {});
    EXPECT_EQ(chunk.has_full(), i > 0);
    EXPECT_EQ(chunk.all_full(), i % 2 == 1);
  }
}

TEST(FilesLineChunk, ASpanOfTimeAFile) {
  auto encoding = Encoding();
  encoding.file_span_ms = 120'000;
  EXPECT_THAT(Made(encoding, {"1", "2", "3"}), ElementsAre("orders/partition=3/orders+3+00000.json: 1\n2\n",
                                                           "orders/partition=3/orders+3+00002.json: 3\n"));
}

TEST(FilesLineChunk, FoldersByMembers) {
  auto encoding = Encoding();
  encoding.path = "c={field:a.b}/{field_time:at:%Y-%m-%d}";
  encoding.time_zone = "Europe/Berlin";
  std::vector<event::Reject> rejects;
  EXPECT_THAT(
      Made(encoding,
           {R"({"a":{"b":"x/y"},"at":"2026-03-01T23:30:00Z"})", R"({"a":{"b":1},"at":1772407800000})",
            R"({"a":1,"at":0})", R"({"a":{"b":true},"at":"soon"})"},
           &rejects),
      ElementsAre(HasSubstr("c=x_y/2026-03-02/orders+3+00000.json"), HasSubstr("c=1/2026-03-02/orders+3+00001.json")));
  ASSERT_EQ(rejects.size(), 2U);
  EXPECT_EQ(rejects[0].record, 2U);
  EXPECT_EQ(rejects[0].cause, event::RejectCause::kPartitionValue);
  EXPECT_THAT(rejects[0].detail, HasSubstr("a.b"));
  EXPECT_THAT(rejects[1].detail, HasSubstr("named by at"));
}

TEST(FilesLineChunk, TextBytesAndFramedRecords) {
  auto encoding = Encoding();
  encoding.record = FilesRecord::kText;
  std::vector<event::Reject> rejects;
  EXPECT_THAT(Made(encoding, {"say \"hi\"", "\xff"}, &rejects), ElementsAre(HasSubstr(": \"say \\\"hi\\\"\"\n")));
  ASSERT_EQ(rejects.size(), 1U);
  EXPECT_EQ(rejects[0].cause, event::RejectCause::kInvalidUtf8);
  encoding.record = FilesRecord::kBytes;
  encoding.separator = "|";
  EXPECT_THAT(Made(encoding, {"\xff{", "b\n"}), ElementsAre(HasSubstr(": \xff{|b\n|")));
  encoding.record = FilesRecord::kJson;
  encoding.framed = true;
  EXPECT_THAT(Made(encoding, {std::string("\0\0\0\0\7{\"n\":1}", 12), "{}"}, &rejects),
              ElementsAre(HasSubstr(": {\"n\":1}|")));
  EXPECT_EQ(rejects.size(), 1U);
}

TEST(FilesLineChunk, PayloadsAlone) {
  auto encoding = Encoding();
  encoding.record = FilesRecord::kPayload;
  encoding.path = "c={field:c}";
  std::vector<event::Reject> rejects;
  EXPECT_THAT(
      Made(encoding,
           {R"({"schema":{"type":"struct"},"payload":{"c":1, "n":1.50}})",
            R"( { "payload" : {"c":"x","payload":{"c":2}} , "schema" : null } )", R"({"schema":null,"payload":null})",
            R"({"c":3})", R"([{"payload":{}}])", "", R"({"payload":{"c":1}} trailing)"},
           &rejects),
      ElementsAre("c=1/orders+3+00000.json: {\"c\":1, \"n\":1.50}\n",
                  "c=x/orders+3+00001.json: {\"c\":\"x\",\"payload\":{\"c\":2}}\n"));
  ASSERT_EQ(rejects.size(), 3U);
  EXPECT_EQ(rejects[0].record, 3U);
  EXPECT_THAT(rejects[0].detail, HasSubstr("no member `payload`"));
  encoding.path = "all";
  EXPECT_THAT(Made(encoding, {R"({"payload":[1e400]})"}), ElementsAre(HasSubstr(": [1e400]\n")));
}

TEST(FilesLineChunk, PlansOfBeforeAreReadAsTheyWere) {
  FilesEncoding plain;
  plain.prefix = "bronze/t";
  FilesPlan plan;
  plan.split = event::SplitId("s");
  plan.encoding = plain;
  const auto text = WritePlan(plan);
  for (const std::string word : {"form", "row_group_bytes", "columns", "record", "name", "extension", "file_rows",
                                 "time_zone", "framed", "separator"}) {
    EXPECT_EQ(text.find("\"" + word + "\":"), std::string::npos) << word;
  }
  EXPECT_EQ(ReadPlan("key", text).encoding, plain);
}

TEST(FilesLineChunk, TemplatesThatCannotBe) {
  EXPECT_THROW(NameTemplate("{topic}+{offset}"), Error);
  EXPECT_THROW(NameTemplate("{partition}/{offset}"), Error);
  EXPECT_THROW(NameTemplate("{partition}{offset:21}"), Error);
  EXPECT_THROW(PathTemplate("{field:}"), Error);
  EXPECT_THROW(PathTemplate("{field_time:a}"), Error);
  EXPECT_THROW(PathTemplate("{field:a}", PathTemplate::Of::kRefused), Error);
  EXPECT_THROW(PathTemplate("{event:%Y}", PathTemplate::Of::kRecords, "Mars/Olympus"), Error);
}

}  // namespace
}  // namespace millrace::land

#include "decode/change_decoder.h"

#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "contract/decoder_contract.h"

namespace millrace::decode {
namespace {

using event::Decoded;
using event::RejectCause;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct KeyedRecord {
  std::string text;
  std::string key = {};
};

event::EventBatch Batch(const std::vector<KeyedRecord>& records) {
  std::string payload;
  std::string keys;
  event::EventBatch batch;
  for (const auto& record : records) {
    batch.records.push_back({static_cast<uint32_t>(payload.size()), static_cast<uint32_t>(record.text.size())});
    payload += record.text + "\n";
    batch.keys.push_back({static_cast<uint32_t>(keys.size()), static_cast<uint32_t>(record.key.size())});
    keys += record.key;
  }
  batch.payload = PaddedBuffer::CopyOf(payload);
  batch.key_payload = PaddedBuffer::CopyOf(keys);
  batch.newline_joined = true;
  return batch;
}

/// "record: values" of each row, as Arrow prints values.
std::vector<std::string> Lines(const std::shared_ptr<arrow::RecordBatch>& rows, const std::vector<uint32_t>& records,
                               const std::vector<std::string>& columns) {
  std::vector<std::string> lines;
  for (int64_t row = 0; rows && row < rows->num_rows(); ++row) {
    std::string line = std::to_string(records.empty() ? static_cast<uint32_t>(row) : records[static_cast<size_t>(row)]);
    for (const auto& name : columns) {
      const auto column = rows->GetColumnByName(name);
      line += " " + (column ? column->GetScalar(row).ValueOrDie()->ToString() : "-");
    }
    lines.push_back(line);
  }
  return lines;
}

class ChangeDecoderTest : public ::testing::Test {
 protected:
  void Use(ChangeForm form, JsonDecoderOptions options = {}) {
    decoder_ = std::make_unique<ChangeDecoder>(std::move(form), std::move(options));
  }
  void Decode(const std::vector<KeyedRecord>& records) {
    decoded_ = decoder_->Decode(Batch(records));
    if (decoded_.deletes) {
      EXPECT_TRUE(decoded_.deletes->ValidateFull().ok());
      EXPECT_EQ(decoded_.record_of_delete.size(), static_cast<size_t>(decoded_.deletes->num_rows()));
    }
  }
  std::vector<std::string> Rows(const std::vector<std::string>& columns) const {
    return Lines(decoded_.rows, decoded_.record_of_row, columns);
  }
  std::vector<std::string> Deletes(const std::vector<std::string>& columns) const {
    return Lines(decoded_.deletes, decoded_.record_of_delete, columns);
  }
  std::vector<std::string> Rejects() const {
    std::vector<std::string> rejects;
    for (const auto& reject : decoded_.rejects) {
      rejects.push_back(std::to_string(reject.record) + " " + std::string(event::ToString(reject.cause)));
    }
    return rejects;
  }

  std::unique_ptr<ChangeDecoder> decoder_;
  Decoded decoded_;
};

ChangeForm Debezium(std::vector<std::string> key = {"id"}) {
  return {.envelope = ChangeForm::Envelope::kDebezium, .key = std::move(key)};
}

TEST(ChangeDecoderContract, RowsAreThoseOfTheJsonDecoder) {
  const event::DecoderInput input{
      .good = {R"({"id": 1, "a": "x"})", R"({"id": 2, "b": [1, 2]})", R"({"id": 3, "a": null})"},
      .bad = {"{", "[1]", R"({"id": 1, "id": 2})", "nul"}};
  event::CheckDecoderContract(
      [] {
        return std::make_unique<ChangeDecoder>(ChangeForm{.key = {"id"}, .operation = "op"}, JsonDecoderOptions());
      },
      input);
  event::DecoderInput enveloped = input;
  for (auto* list : {&enveloped.good, &enveloped.bad}) {
    for (auto& record : *list) record = R"({"before": null, "after": )" + record + R"(, "op": "c"})";
  }
  event::CheckDecoderContract([] { return std::make_unique<ChangeDecoder>(Debezium(), JsonDecoderOptions()); },
                              enveloped);
}

TEST_F(ChangeDecoderTest, AFieldSaysWhatDeletes) {
  Use({.key = {"id"}, .operation = "meta.op", .delete_values = {"delete", "true"}});
  Decode({{R"({"id": 1, "v": "a", "meta": {"op": "insert"}})"},
          {R"({"id": 2, "meta": {"op": "DELETE"}, "new": 5})"},
          {R"({"id": 3, "meta": {"op": true}})"},
          {R"({"id": 4, "v": "b"})"},
          {R"({"meta": {"op": "delete"}})"},
          {R"({"id": null, "meta": {"op": "delete"}})"}});
  EXPECT_THAT(Rows({"id", "v"}), ElementsAre("0 1 a", "3 4 b"));
  EXPECT_THAT(Deletes({"id"}), ElementsAre("1 2", "2 3"));
  EXPECT_THAT(Rejects(), ElementsAre("4 missing_key", "5 missing_key"));
  EXPECT_EQ(decoder_->schema()->GetFieldByName("new"), nullptr) << "a delete brings no column";
}

TEST_F(ChangeDecoderTest, AnEnvelopeIsTakenApartWithAndWithoutItsSchema) {
  Use(Debezium());
  const std::string source = R"(, "source": {"lsn": 7}, "ts_ms": 1})";
  Decode({{R"({"before": null, "after": {"id": 1, "v": "a"}, "op": "c")" + source},
          {R"({"schema": {"type": "struct"}, "payload": {"op": "r", "after": {"id": 2, "v": "b"}, "before": null}})"},
          {R"({"before": {"id": 1, "v": "a"}, "after": {"id": 1, "v": "c"}, "op": "u")" + source},
          {R"({"before": {"id": 2, "v": "b"}, "after": null, "op": "d")" + source},
          {R"({"before": {"id": 3}, "after": {"id": 4, "v": "moved"}, "op": "u"})"},
          {R"({"before": null, "after": null, "op": "d"})", R"({"schema": {}, "payload": {"id": 5}})"}});
  EXPECT_THAT(Rows({"id", "v"}), ElementsAre("0 1 a", "1 2 b", "2 1 c", "4 4 moved"));
  EXPECT_THAT(Deletes({"id"}), ElementsAre("3 2", "4 3", "5 5"));
  EXPECT_THAT(Rejects(), IsEmpty());
}

TEST_F(ChangeDecoderTest, WhatIsNoChangeOfARowIsRejectedAndSaysWhy) {
  Use(Debezium());
  Decode({{R"({"after": {"id": 1}, "op": "c"})"},
          {R"({"op": "t", "before": null, "after": null})"},
          {R"({"op": "m", "message": {}})"},
          {R"({"id": 1})"},
          {R"({"op": "u", "after": null})"},
          {R"({"op": "d", "before": null, "after": null})"},
          {R"({"op": "d", "before": {"other": 1}})", "no json"},
          {R"([])"},
          {R"({"op": "c", "after": {"id": )"},
          {""},
          {"  "}});
  EXPECT_THAT(Rows({"id"}), ElementsAre("0 1"));
  EXPECT_THAT(Rejects(), ElementsAre("1 operation", "2 operation", "3 operation", "4 operation", "5 missing_key",
                                     "6 missing_key", "7 not_an_object", "8 malformed"));
  EXPECT_EQ(decoded_.blank, 2U);
  for (const auto& reject : decoded_.rejects) EXPECT_FALSE(reject.detail.empty());
}

TEST_F(ChangeDecoderTest, FieldsOfTheEnvelopeBecomeColumnsAndOrderDeletes) {
  auto form = Debezium();
  form.add_fields = {"op", "source.lsn", "absent"};
  form.order_by = AddedColumn("source.lsn");
  Use(form);
  Decode({{R"({"after": {"id": 1, "v": "a"}, "op": "c", "source": {"lsn": 10}})"},
          {R"({"after": {}, "op": "c", "source": {"lsn": 11}})"},
          {R"({"before": {"id": 1}, "op": "d", "source": {"lsn": 12}})"}});
  EXPECT_THAT(Rows({"id", "v", "__op", "__source_lsn"}), ElementsAre("0 1 a c 10", "1 null null c 11"));
  EXPECT_THAT(Deletes({"id", "__source_lsn"}), ElementsAre("2 1 12"));
}

TEST_F(ChangeDecoderTest, TombstonesNameTheirRowByJsonOrByItsBareKey) {
  Use({.key = {"id"}});
  Decode({{R"({"id": 1, "v": "a"})", "1"},
          {"", "2"},
          {"", R"({"id": 3})"},
          {"", R"({"payload": {"id": 4}, "schema": {}})"},
          {"", R"({"payload": 5, "schema": {}})"},
          {"", R"({"other": 6})"},
          {"", "seven"}});
  EXPECT_THAT(Rows({"id"}), ElementsAre("0 1"));
  EXPECT_THAT(Deletes({"id"}), ElementsAre("1 2", "2 3", "3 4", "4 5", "6 null"))
      << "no number: a key that is not there";
  EXPECT_THAT(Rejects(), ElementsAre("5 missing_key"));

  Use({.key = {"name"}});
  Decode(
      {{R"({"name": "x"})"}, {"", "123"}, {"", R"("quoted")"}, {"", "with \"quotes\" \\ and\ttabs"}, {"", "\xff\xfe"}});
  EXPECT_THAT(Deletes({"name"}), ElementsAre("1 123", "2 quoted", "3 with \"quotes\" \\ and\ttabs"));
  EXPECT_THAT(Rejects(), ElementsAre("4 invalid_utf8"));

  Use({.key = {"a.b", "c"}});
  Decode({{R"({"a": {"b": 1}, "c": "x"})"},
          {"", R"({"a": {"b": 2}, "c": "y"})"},
          {"", "2"},
          {"", R"({"a": {}, "c": "y"})"}});
  EXPECT_THAT(Deletes({"a.b", "c"}), ElementsAre("1 2 y"));
  EXPECT_THAT(Rejects(), ElementsAre("2 missing_key", "3 missing_key"));
}

TEST_F(ChangeDecoderTest, DeletesWaitUntilTheColumnsOfTheKeyAreKnown) {
  Use(Debezium());
  Decode({{R"({"before": {"id": 1}, "op": "d"})"}, {"", "2"}});
  EXPECT_EQ(decoded_.deletes, nullptr);
  EXPECT_EQ(decoded_.early_deletes, 2U);
  decoder_->Adopt(arrow::schema({arrow::field("id", arrow::int32()), arrow::field("_rescued", arrow::utf8())}));
  Decode({{R"({"before": {"id": 1}, "op": "d"})"}, {"", "2"}});
  EXPECT_EQ(decoded_.early_deletes, 0U);
  EXPECT_THAT(Deletes({"id"}), ElementsAre("0 1", "1 2"));
  EXPECT_EQ(decoded_.deletes->GetColumnByName("id")->type_id(), arrow::Type::INT32) << "the type that the table has";
}

TEST_F(ChangeDecoderTest, NothingFromOutsideBreaksIt) {
  const std::string whole =
      R"({"schema": {"a": [1, {"b": "\"}"}]}, "payload": {"before": {"id": 1}, "after": {"id": 2, "t": "\u0000"}, "op": "u"}})";
  for (const auto& form : {Debezium(), ChangeForm{.key = {"id"}, .operation = "op"}}) {
    Use(form);
    for (size_t cut = 0; cut <= whole.size(); ++cut) {
      const std::vector<KeyedRecord> records = {
          {whole.substr(0, cut), whole.substr(cut)}, {whole.substr(cut)}, {"", whole.substr(0, cut)}};
      Decode(records);
      size_t rows = decoded_.rows ? static_cast<size_t>(decoded_.rows->num_rows()) : 0;
      size_t deletes = decoded_.early_deletes;
      for (const uint32_t record : decoded_.record_of_delete) {
        deletes += std::ranges::binary_search(decoded_.record_of_row, record) ? 0 : 1;
      }
      EXPECT_EQ(rows + deletes + decoded_.rejects.size() + decoded_.blank, records.size()) << cut;
    }
  }
}

}  // namespace
}  // namespace millrace::decode

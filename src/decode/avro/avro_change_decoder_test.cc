#include "decode/avro/avro_change_decoder.h"

#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "contract/schema_shelf.h"
#include "schema/avro/avro_encode.h"
#include "schema/avro/avro_print.h"

namespace millrace::decode {
namespace {

using schema::AvroSchema;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kRow = R"({"type":"record","name":"Value","namespace":"db.t","fields":[
  {"name":"id","type":"long"},
  {"name":"paid","type":["null",{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}],"default":null},
  {"name":"at","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null},
  {"name":"parent","type":["null","Value"],"default":null}]})";

std::string Envelope() {
  return std::string(
             R"({"type":"record","name":"Envelope","namespace":"db.t","fields":[{"name":"before","type":["null",)") +
         kRow + R"(]},{"name":"after","type":["null","Value"]},
    {"name":"source","type":{"type":"record","name":"Source","fields":[{"name":"lsn","type":["null","long"]}]}},
    {"name":"op","type":"string"},{"name":"ts_ms","type":["null","long"]}]})";
}

struct KeyedRecord {
  std::string text;
  std::string key = {};
};

class AvroChangeDecoderTest : public ::testing::Test {
 protected:
  void Use(ChangeForm form, AvroDecoderOptions options = {}) {
    if (options.framing == AvroFraming::kConfluent) options.schemas = shelf_;
    decoder_ = std::make_unique<AvroChangeDecoder>(std::move(form), std::move(options));
  }
  void Schema(int32_t id, const std::string& text) { shelf_->Put(id, texts_[id] = text); }
  std::string Message(int32_t id, const std::string& json) const {
    schema::AvroEncoder out;
    EncodeAvro(nlohmann::json::parse(json), AvroSchema::Parse(texts_.at(id)).root(), out);
    return schema::SchemaPrefix(id) + std::string(out.bytes());
  }
  void Decode(const std::vector<KeyedRecord>& records) {
    std::string payload, keys;
    event::EventBatch batch;
    for (const auto& [text, key] : records) {
      batch.records.push_back({static_cast<uint32_t>(payload.size()), static_cast<uint32_t>(text.size())});
      payload += text;
      batch.keys.push_back({static_cast<uint32_t>(keys.size()), static_cast<uint32_t>(key.size())});
      keys += key;
    }
    batch.payload = PaddedBuffer::CopyOf(payload);
    batch.key_payload = PaddedBuffer::CopyOf(keys);
    decoded_ = decoder_->Decode(batch);
  }
  static std::vector<std::string> Lines(const std::shared_ptr<arrow::RecordBatch>& rows,
                                        const std::vector<uint32_t>& records, const std::vector<std::string>& columns) {
    std::vector<std::string> lines;
    for (int64_t row = 0; rows && row < rows->num_rows(); ++row) {
      auto line = std::to_string(records.empty() ? static_cast<uint32_t>(row) : records[static_cast<size_t>(row)]);
      for (const auto& name : columns) {
        const auto column = rows->GetColumnByName(name);
        line += " " + (column ? column->GetScalar(row).ValueOrDie()->ToString() : "-");
      }
      lines.push_back(line);
    }
    return lines;
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

  std::shared_ptr<schema::SchemaShelf> shelf_ = std::make_shared<schema::SchemaShelf>();
  std::map<int32_t, std::string> texts_;
  std::unique_ptr<AvroChangeDecoder> decoder_;
  event::Decoded decoded_;
};

TEST_F(AvroChangeDecoderTest, AnEnvelopeIsRowsAndDeletesInTheTypesOfItsSchema) {
  Schema(7, Envelope());
  Schema(8, R"({"type":"record","name":"Key","fields":[{"name":"id","type":"long"}]})");
  Use({.envelope = ChangeForm::Envelope::kDebezium,
       .key = {"id"},
       .add_fields = {"op", "source.lsn"},
       .order_by = "__source_lsn"});
  const auto source = std::string(R"(,"source":{"lsn":5},"ts_ms":1})");
  Decode(
      {{Message(7, R"({"before":null,"after":{"id":1,"paid":"1.50","at":1000,"parent":{"id":9}},"op":"c")" + source)},
       {Message(7, R"({"before":{"id":1},"after":{"id":2},"op":"u")" + source)},
       {Message(7, R"({"before":{"id":2},"after":null,"op":"d")" + source)},
       {Message(7, R"({"before":null,"after":null,"op":"d")" + source), Message(8, R"({"id":3})")},
       {"", Message(8, R"({"id":4})")},
       {"", "5"},
       {"", R"({"id":6})"},
       {"", ""},
       {Message(7, R"({"before":null,"after":null,"op":"t")" + source)},
       {Message(7, R"({"before":null,"after":null,"op":"u")" + source)},
       {Message(7, R"({"before":null,"after":null,"op":"d")" + source)},
       {"", Message(7, R"({"before":null,"after":null,"op":"d")" + source)},
       {"", "no number"},
       {Message(7, R"({"before":null,"after":{"id":1},"op":"c")" + source).substr(0, 9)}});
  EXPECT_THAT(Rows({"id", "paid", "__op", "__source_lsn"}), ElementsAre("0 1 1.50 c 5", "1 2 null u 5"));
  EXPECT_THAT(Deletes({"id", "__source_lsn"}),
              ElementsAre("1 1 5", "2 2 5", "3 3 5", "4 4 null", "5 5 null", "6 6 null"));
  EXPECT_THAT(Rejects(), ElementsAre("8 operation", "9 operation", "10 missing_key", "11 missing_key", "12 missing_key",
                                     "13 malformed"));
  EXPECT_EQ(decoded_.blank, 1U);
  EXPECT_EQ(decoder_->schema()->GetFieldByName("paid")->type()->ToString(), "decimal128(9, 2)");
  EXPECT_EQ(decoder_->schema()->GetFieldByName("at")->type()->ToString(), "timestamp[us, tz=UTC]");
  EXPECT_EQ(decoder_->schema()->GetFieldByName("op"), nullptr);
}

TEST_F(AvroChangeDecoderTest, AFieldOfTheRecordSaysWhatItDoes) {
  Schema(1, R"({"type":"record","name":"R","fields":[{"name":"k","type":{"type":"record","name":"K","fields":[
    {"name":"at","type":{"type":"int","logicalType":"date"}}]}},{"name":"do","type":{"type":"enum","name":"E","symbols":["PUT","DELETE"]}}]})");
  Use({.key = {"k.at"}, .operation = "do"});
  Decode({{Message(1, R"({"k":{"at":3},"do":"DELETE"})")}});
  EXPECT_EQ(decoded_.early_deletes, 1U);
  Decode({{Message(1, R"({"k":{"at":1},"do":"PUT"})")}, {Message(1, R"({"k":{"at":2},"do":"DELETE"})")}});
  EXPECT_THAT(Rows({"do"}), ElementsAre("0 PUT"));
  EXPECT_THAT(Deletes({"k.at"}), ElementsAre("1 1970-01-03"));
}

TEST_F(AvroChangeDecoderTest, WithoutARegistryTheSchemaIsGiven) {
  // What readers want is a table from the start, so no record of it may hold itself.
  auto envelope = nlohmann::json::parse(Envelope());
  envelope["fields"][0]["type"][1]["fields"].erase(3);
  Schema(0, envelope.dump());
  AvroDecoderOptions options{.framing = AvroFraming::kNone, .known_schemas = {envelope.dump()}};
  Use({.envelope = ChangeForm::Envelope::kDebezium, .key = {"id"}}, options);
  ASSERT_NE(decoder_->schema(), nullptr) << "what readers want is known from the start";
  EXPECT_NE(decoder_->schema()->GetFieldByName("paid"), nullptr);
  Decode({{Message(0, R"({"before":null,"after":{"id":1},"op":"r","source":{"lsn":null},"ts_ms":null})").substr(5)},
          {"", "2"}});
  EXPECT_THAT(Rows({"id"}), ElementsAre("0 1"));
  EXPECT_THAT(Deletes({"id"}), ElementsAre("1 2"));
  options.known_schemas = {R"({"type":"record","name":"R","fields":[]})"};
  EXPECT_THROW(Use({.envelope = ChangeForm::Envelope::kDebezium, .key = {"id"}}, options), Error);
}

TEST(AvroPrintTest, AParsedSchemaSaysTheSame) {
  const std::string text =
      R"({"type":"record","name":"R","namespace":"a","doc":"no","fields":[{"name":"x","type":{"type":"record","name":"Q","namespace":"","fields":[)"
      R"({"name":"f","type":{"type":"fixed","name":"b.F","size":4,"logicalType":"decimal","precision":3,"scale":1}}]},"field-id":4,"doc":"d"},)"
      R"({"name":"y","type":["null","R",{"type":"map","values":"Q"}],"default":null,"aliases":["z"]},)"
      R"({"name":"e","type":{"type":"array","items":{"type":"enum","name":"E","symbols":["A"],"default":"A"}},"default":["A"]}]})";
  const auto first = AvroSchema::Parse(text);
  const auto printed = schema::PrintAvro(first.root());
  const auto again = AvroSchema::Parse(printed);
  EXPECT_EQ(schema::CanonicalForm(again.root()), schema::CanonicalForm(first.root()));
  EXPECT_EQ(schema::PrintAvro(again.root()), printed);
  EXPECT_EQ(again.root().fields[0].type->fields[0].type->precision, 3);
  EXPECT_EQ(again.root().fields[0].id, 4);
  EXPECT_EQ(again.root().fields[1].fallback, "null");
}

}  // namespace
}  // namespace millrace::decode

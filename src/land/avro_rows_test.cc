#include "land/avro_rows.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "judge/python.h"
#include "land/column_file.h"
#include "schema/schema.h"

namespace millrace::land {
namespace {

using nlohmann::json;

void Ok(const arrow::Status& status) { EXPECT_TRUE(status.ok()) << status.ToString(); }

template <typename Builder, typename... Values>
std::shared_ptr<arrow::Array> Column(Builder&& builder, const Values&... values) {
  (Ok(builder.Append(values)), ...);
  Ok(builder.AppendNull());
  return builder.Finish().ValueOrDie();
}

/// Two rows of every type, and one of nulls alone.
std::shared_ptr<arrow::RecordBatch> EveryType() {
  schema::Schema columns;
  int id = 0;
  for (const auto& [name, type] : std::initializer_list<std::pair<const char*, const char*>>{{"flag", "boolean"},
                                                                                             {"small", "int"},
                                                                                             {"n", "long"},
                                                                                             {"f", "float"},
                                                                                             {"d", "double"},
                                                                                             {"price", "decimal(9, 2)"},
                                                                                             {"day", "date"},
                                                                                             {"at", "timestamptz"},
                                                                                             {"local", "timestamp"},
                                                                                             {"noon", "time"},
                                                                                             {"text", "string"},
                                                                                             {"raw", "binary"},
                                                                                             {"a-b", "struct<x: long>"},
                                                                                             {"tags", "list<string>"},
                                                                                             {"m", "map<string, long>"},
                                                                                             {"u", "uuid"}}) {
    columns.fields.push_back({.id = schema::FieldId(++id), .name = name, .type = schema::ParseType(type)});
  }
  schema::AssignIds(columns, id);
  const auto form = schema::ToArrow(columns);
  auto* pool = arrow::default_memory_pool();
  const auto decimal = [](const char* text) { return arrow::Decimal128::FromString(text).ValueOrDie(); };
  auto x = std::make_shared<arrow::Int64Builder>();
  arrow::StructBuilder group(form->field(12)->type(), pool, {x});
  for (const int64_t value : {7, 8}) {
    Ok(group.Append());
    Ok(x->Append(value));
  }
  Ok(group.AppendNull());
  auto words = std::make_shared<arrow::StringBuilder>();
  arrow::ListBuilder tags(pool, words, form->field(13)->type());
  Ok(tags.Append());
  Ok(words->Append("one"));
  Ok(words->AppendNull());
  Ok(tags.Append());
  Ok(tags.AppendNull());
  auto keys = std::make_shared<arrow::StringBuilder>();
  auto items = std::make_shared<arrow::Int64Builder>();
  arrow::MapBuilder map(pool, keys, items, form->field(14)->type());
  Ok(map.Append());
  Ok(keys->Append("k"));
  Ok(items->Append(1));
  Ok(map.Append());
  Ok(map.AppendNull());
  const std::string uuid("\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16);
  return arrow::RecordBatch::Make(
      form, 3,
      {Column(arrow::BooleanBuilder(), true, false), Column(arrow::Int32Builder(), -1, 1 << 30),
       Column(arrow::Int64Builder(), int64_t{-1} << 62, int64_t{5}), Column(arrow::FloatBuilder(), 0.5F, -2.0F),
       Column(arrow::DoubleBuilder(), 0.1, 1e300),
       Column(arrow::Decimal128Builder(form->field(5)->type()), decimal("-1.28"), decimal("1234567.89")),
       Column(arrow::Date32Builder(), 20513, -1),
       Column(arrow::TimestampBuilder(form->field(7)->type(), pool), int64_t{1'772'407'800'000'001}, int64_t{-1}),
       Column(arrow::TimestampBuilder(form->field(8)->type(), pool), int64_t{1'772'407'800'000'000}, int64_t{0}),
       Column(arrow::Time64Builder(form->field(9)->type(), pool), int64_t{43'200'000'000}, int64_t{1}),
       Column(arrow::StringBuilder(), "h\xc3\xa9", ""), Column(arrow::BinaryBuilder(), std::string("\xff\0", 2), ""),
       group.Finish().ValueOrDie(), tags.Finish().ValueOrDie(), map.Finish().ValueOrDie(),
       Column(arrow::FixedSizeBinaryBuilder(form->field(15)->type()), uuid, uuid)});
}

TEST(AvroRows, FastavroReadsEveryTypeUnderEveryCodec) {
  const auto rows = EveryType();
  for (const auto& [compression, codec] :
       {std::pair{FilesCompression::kNone, "null"}, std::pair{FilesCompression::kGzip, "deflate"},
        std::pair{FilesCompression::kZstd, "zstandard"}, std::pair{FilesCompression::kSnappy, "snappy"}}) {
    const judge::Folder folder;
    FilesEncoding encoding;
    encoding.form = FilesForm::kAvro;
    encoding.compression = compression;
    ChosenEncodings chosen;
    const auto made = [&](const std::string& key) {
      auto file = MakeColumnFile(key, encoding, rows->schema(), chosen);
      file->Append(rows);
      return std::move(*file).Finish();
    };
    EXPECT_EQ(made("a"), made("a"));
    EXPECT_NE(made("a"), made("b"));
    std::filesystem::create_directories(folder.path() / "files");
    std::ofstream(folder.path() / "files/a.avro", std::ios::binary) << made("a");
    const auto judged = json::parse(judge::Python("avro_files.py", (folder.path() / "files").string()));
    EXPECT_EQ(judged["codecs"], json::array({codec}));
    const auto& read = judged["rows"];
    ASSERT_EQ(read.size(), 3U);
    EXPECT_EQ(read[0].dump(),
              R"({"a_x2Db":{"x":7},"at":"2026-03-01 23:30:00.000001+00:00","d":0.1,"day":"2026-03-01","f":0.5,)"
              R"("flag":true,"local":"2026-03-01 23:30:00","m":{"k":1},"n":-4611686018427387904,"noon":"12:00:00",)"
              R"("price":"-1.28","raw":"ff00","small":-1,"tags":["one",null],"text":"hé",)"
              R"("u":"00112233-4455-6677-8899-aabbccddeeff"})");
    EXPECT_EQ(read[1]["price"], "1234567.89");
    EXPECT_EQ(read[1]["tags"], json::array());
    EXPECT_EQ(read[1]["m"], json::object());
    for (const auto& [name, value] : read[2].items()) EXPECT_TRUE(value.is_null()) << name;
    const auto& field = judged["schema"]["fields"][12];
    EXPECT_EQ(field["iceberg-field-name"], "a-b");
    EXPECT_EQ(field["field-id"], 13);
  }
}

}  // namespace
}  // namespace millrace::land

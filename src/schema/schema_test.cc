#include "schema/schema.h"

#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "judge/python.h"
#include "schema/json_object.h"
#include "schema/name_mapping.h"

namespace millrace::schema {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// Every primitive type, and nesting two levels deep in each of struct, list and map; no ids yet.
Schema Everything() {
  Schema schema;
  const auto add = [&](const char* name, const char* type, bool required = false) {
    schema.fields.push_back({.name = name, .type = ParseType(type), .required = required});
  };
  add("key", "long", true);
  add("device", "struct<os: struct<name: string, version: int>, tags: list<struct<k: string, v: double>>>");
  add("amounts", "map<string, struct<value: decimal(9,2), at: timestamptz>>");
  add("lists", "list<list<int>>");
  for (const char* type :
       {"boolean", "int", "float", "double", "date", "time", "timestamp", "timestamptz", "uuid", "binary", "string"}) {
    add(type, type);
  }
  add("code", "fixed[4]");
  schema.fields.front().doc = "what a row is known by";
  return schema;
}

Schema EverythingWithIds() {
  Schema schema = Everything();
  AssignIds(schema, 0);
  schema.identifier_field_ids = {FieldId(1)};
  return schema;
}

std::vector<json> Judged(const Schema& schema) {
  const judge::Folder folder;
  judge::Spill(folder.File("schema.json"), ToJson(schema).dump());
  std::istringstream lines(judge::Python("schema.py", folder.File("schema.json")));
  std::vector<json> answers;
  for (std::string line; std::getline(lines, line);) answers.push_back(json::parse(line));
  answers.resize(4);
  return answers;
}

json Described(const arrow::Field& field) {
  json described = {{"name", field.name()}, {"nullable", field.nullable()}, {"id", 0}};
  if (field.metadata() != nullptr && field.metadata()->Contains("PARQUET:field_id")) {
    described["id"] = std::stoi(*field.metadata()->Get("PARQUET:field_id"));
  }
  std::vector<std::shared_ptr<arrow::Field>> children = field.type()->fields();
  if (field.type()->id() == arrow::Type::MAP) {
    const auto& map = static_cast<const arrow::MapType&>(*field.type());
    children = {map.key_field(), map.item_field()};
  }
  if (children.empty()) {
    described["type"] = field.type()->ToString();
    return described;
  }
  for (const auto& child : children) described["fields"].push_back(Described(*child));
  return described;
}

TEST(SchemaTest, PyicebergAgreesOnJsonIdsNameMappingAndArrowForm) {
  const Schema schema = EverythingWithIds();
  auto answers = Judged(schema);
  EXPECT_EQ(answers[0], ToJson(schema));
  EXPECT_EQ(SchemaFromJson(answers[0]), schema);
  EXPECT_EQ(answers[1]["fields"], ToJson(schema)["fields"]) << "fresh ids go in Java's order";
  EXPECT_EQ(answers[2], ToJson(MappingOf(schema)));
  json arrow_form = json::array();
  const auto in_arrow = ToArrow(schema);
  for (const auto& field : in_arrow->fields()) arrow_form.push_back(Described(*field));
  EXPECT_EQ(answers[3], arrow_form);
}

TEST(SchemaTest, ArrowAndBack) {
  Schema schema = EverythingWithIds();
  schema.identifier_field_ids.clear();
  schema.fields.front().doc.clear();  // neither travels in Arrow
  EXPECT_EQ(FromArrow(*ToArrow(schema)), schema);
  Schema without_ids = Everything();
  without_ids.fields.front().doc.clear();
  EXPECT_EQ(FromArrow(*ToArrow(without_ids)), without_ids);
}

TEST(SchemaTest, ArrowTypesOfOthersAreTakenWhereNothingIsLost) {
  const auto type_of = [](std::shared_ptr<arrow::DataType> type) {
    return ToString(FromArrow(*arrow::schema({arrow::field("x", std::move(type))})).fields[0].type);
  };
  EXPECT_EQ(type_of(arrow::uint32()), "long");
  EXPECT_EQ(type_of(arrow::int16()), "int");
  EXPECT_EQ(type_of(arrow::large_utf8()), "string");
  EXPECT_EQ(type_of(arrow::dictionary(arrow::int32(), arrow::utf8())), "string");
  EXPECT_EQ(type_of(arrow::timestamp(arrow::TimeUnit::MILLI, "Europe/Berlin")), "timestamptz");
  EXPECT_EQ(type_of(arrow::timestamp(arrow::TimeUnit::NANO)), "timestamp");
  EXPECT_EQ(type_of(arrow::large_list(arrow::int8())), "list<int>");
  EXPECT_EQ(type_of(arrow::fixed_size_binary(16)), "fixed[16]");
  for (const auto& type :
       {arrow::uint64(), arrow::null(), arrow::duration(arrow::TimeUnit::SECOND), arrow::decimal256(50, 2)}) {
    EXPECT_THAT([&] { type_of(arrow::struct_({arrow::field("y", type)})); },
                ThrowsMessage<Error>(HasSubstr("column x.y has the Arrow type " + type->ToString())));
  }
}

TEST(SchemaTest, FindsByPathAndId) {
  const Schema schema = EverythingWithIds();
  for (const char* path : {"key", "device.os.version", "device.tags.element.k", "amounts.key", "amounts.value.at",
                           "lists.element.element"}) {
    const Field* field = schema.Find(path);
    ASSERT_NE(field, nullptr) << path;
    EXPECT_EQ(schema.PathOf(field->id), path);
    EXPECT_EQ(schema.Find(field->id), field);
  }
  for (const char* path : {"", "ke", "keys", "device.", "device.none", "device.os.version.x", ".key"})
    EXPECT_EQ(schema.Find(path), nullptr) << path;
  EXPECT_EQ(schema.Find(FieldId(1000)), nullptr);
  EXPECT_EQ(schema.PathOf(FieldId(1000)), "");
}

TEST(SchemaTest, NamesMayHoldDots) {
  Schema schema;
  schema.fields = {{.id = FieldId(1),
                    .name = "a",
                    .type = StructType{{{.id = FieldId(2), .name = "b.c", .type = ParseType("int")}}}},
                   {.id = FieldId(3), .name = "a.x", .type = ParseType("int")}};
  EXPECT_EQ(schema.Find("a.b.c")->id, FieldId(2));
  EXPECT_EQ(schema.Find("a.x")->id, FieldId(3));
}

TEST(SchemaTest, NewFieldsGetNewIdsAndOldOnesKeepTheirs) {
  Schema schema = EverythingWithIds();
  const int32_t last = schema.highest_id().value();
  auto& device = std::get<StructType>(schema.fields[1].type);
  device.fields.push_back({.name = "model", .type = ParseType("list<string>")});
  schema.fields.push_back({.name = "extra", .type = ParseType("int")});
  EXPECT_EQ(AssignIds(schema, last + 5), last + 8);
  EXPECT_EQ(schema.Find("extra")->id, FieldId(last + 6));
  EXPECT_EQ(schema.Find("device.model")->id, FieldId(last + 7));
  EXPECT_EQ(schema.Find("device.model.element")->id, FieldId(last + 8));
  EXPECT_EQ(schema.Find("key")->id, FieldId(1));
}

TEST(SchemaTest, ReservedIdsAreNeverGiven) {
  Schema schema;
  schema.fields = {{.name = "a"}, {.name = "b"}};
  EXPECT_THAT([&] { AssignIds(schema, 2147483446); }, ThrowsMessage<Error>(HasSubstr("used up its column ids")));
}

TEST(SchemaTest, JsonThatIsWrongNamesThePath) {
  const auto fails = [](const char* fields, const char* words) {
    const auto document = json::parse(std::string(R"({"type": "struct", "fields": )") + fields + "}");
    EXPECT_THAT([&] { SchemaFromJson(document); }, ThrowsMessage<Error>(HasSubstr(words))) << fields;
  };
  fails(R"([{"name": "a", "required": true, "type": "int"}])", "schema.fields[0].id is missing");
  fails(R"([{"id": 0, "name": "a", "required": true, "type": "int"}])", "ids start at 1");
  fails(R"([{"id": 1, "name": "a", "required": "yes", "type": "int"}])",
        "fields[0].required is neither true nor false");
  fails(R"([{"id": 1, "name": "a", "required": true, "type": "variant"}])",
        "'variant', which is not an Iceberg v2 type");
  fails(R"([{"id": 1, "name": "a", "required": true, "type": {"type": "set"}}])", "none of struct, list, map");
  fails(R"([{"id": 1, "name": "a", "required": true, "type": {"type": "list", "element-id": 2, "element": "int"}}])",
        "type.element-required is missing");
  fails(
      R"([{"id": 1, "name": "a", "required": true, "type": "int"}, {"id": 1, "name": "b", "required": true, "type": "int"}])",
      "used twice");
  fails(
      R"([{"id": 1, "name": "a", "required": true, "type": "int"}, {"id": 2, "name": "a", "required": true, "type": "int"}])",
      "repeats the name 'a'");
  fails("7", "schema.fields is not a list");
  std::string deep = R"("int")";
  for (int i = 0; i < 300; ++i)
    deep = R"({"type": "list", "element-id": 2, "element-required": true, "element": )" + deep + "}";
  fails((R"([{"id": 1, "name": "a", "required": true, "type": )" + deep + "}]").c_str(),
        "nests deeper than 200 levels");
}

TEST(ParseJsonTest, NestingIsBoundedAndBracketsInStringsDoNotCount) {
  const auto nested = [](size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  EXPECT_TRUE(ParseJson(nested(1000), "it").is_array());
  EXPECT_THAT([&] { ParseJson(nested(5'000'000), "it"); },
              ThrowsMessage<Error>(HasSubstr("it nests deeper than 1000 levels")));
  const std::string text = "\\\"" + std::string(2000, '[');
  EXPECT_EQ(ParseJson(json(text).dump(), "it"), text);
}

TEST(ParseTypeTest, ReadsWhatPeopleWrite) {
  const auto reads = [](const char* text, const char* type) { EXPECT_EQ(ToString(ParseType(text)), type) << text; };
  reads("BIGINT", "long");
  reads("varchar", "string");
  reads("Double Precision", "double");
  reads(" timestamp with time zone ", "timestamptz");
  reads("decimal(9,2)", "decimal(9, 2)");
  reads("NUMERIC( 9 , 2 )", "decimal(9, 2)");
  reads("fixed(16)", "fixed[16]");
  reads("list<map<string, struct<a b: int, `c:d`: long>>>", "list<map<string, struct<a b: int, c:d: long>>>");
  reads("array<varchar>", "list<string>");
}

TEST(ParseTypeTest, SaysWhatIsWrongAndWhatIsAllowed) {
  const auto fails = [](const std::string& text, const char* words) {
    EXPECT_THAT([&] { ParseType(text); },
                ThrowsMessage<Error>(testing::AllOf(HasSubstr(words), HasSubstr("allowed are boolean, int"))))
        << text;
  };
  fails("", "a type is missing");
  fails("strng", "'strng' is no type");
  fails("int int", "'int int' is no type");
  fails("decimal", "'decimal' is no type");
  fails("decimal(39, 2)", "'decimal(39, 2)' is no type");
  fails("decimal(9, 12)", "is no type");
  fails("fixed[0]", "is no type");
  fails("list<int", "'>' is missing");
  fails("list", "'<' is missing after list");
  fails("map<string>", "',' is missing");
  fails("struct<a int>", "':' is missing after the name a int");
  fails("struct<a: int, a: int>", "the name 'a' comes twice");
  fails("struct<>", "a name is missing");
  fails("int>", "'>' is left over");
  std::string deep = "int";
  for (int i = 0; i < 100; ++i) deep = "list<" + deep + ">";
  fails(deep, "nests deeper than 64 levels");
}

}  // namespace
}  // namespace millrace::schema

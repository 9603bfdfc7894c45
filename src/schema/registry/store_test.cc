#include "schema/registry/store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "judge/python.h"
#include "schema/json_schema/json_schema.h"
#include "schema/registry/registered_avro.h"

namespace millrace::schema {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RegistryStoreTest : public testing::Test {
 protected:
  static SchemaText Record(const std::string& fields, std::vector<SchemaReference> references = {}) {
    return {.text = R"({"type":"record","name":"R","fields":[)" + fields + "]}", .references = std::move(references)};
  }
  /// 0: it was done.
  template <typename Body>
  static int CodeOf(Body&& body) {
    try {
      body();
      return 0;
    } catch (const RegistryRefusal& refusal) {
      return refusal.code();
    }
  }
  int CodeOfRegistering(const std::string& subject, const SchemaText& text, const RegistryStore::Import& import = {}) {
    return CodeOf([&] { store_.Register(subject, text, import); });
  }

  const judge::Folder folder_;
  RegistryStore store_{folder_.path() / "schemas.db"};
};

const std::string kInt = R"({"name":"a","type":"int"})";
const std::string kTree = R"({"name":"next","type":["null","R"],"default":null})";

TEST_F(RegistryStoreTest, ASecondVersionOfATypeThatHoldsItselfIsRegistered) {
  store_.Register("s", Record(kInt + "," + kTree));
  store_.Register("s", Record(kInt + "," + kTree + R"(,{"name":"b","type":"int","default":0})"));
  EXPECT_EQ(CodeOfRegistering("s", Record(kInt + "," + kTree + R"(,{"name":"c","type":"int"})")), 409);
  EXPECT_THAT(store_.Versions("s", Deleted::kHidden), ElementsAre(1, 2));
}

TEST_F(RegistryStoreTest, WhatIsTooDeepOrTooLongIsRefused) {
  const std::string deep = std::string(400'000, '[') + std::string(400'000, ']');
  for (const auto kind : {SchemaKind::kAvro, SchemaKind::kJson}) {
    EXPECT_EQ(CodeOfRegistering("s", {.kind = kind, .text = deep}), 42201);
    EXPECT_EQ(CodeOfRegistering("s", {.kind = kind, .text = std::string(size_t{2} << 20, ' ')}), 42201);
    EXPECT_EQ(CodeOf([&] { store_.WhyNot("s", std::nullopt, {.kind = kind, .text = deep}); }), 42201);
  }
  store_.Register("s", Record(kInt));
  EXPECT_EQ(CodeOf([&] { store_.Lookup("s", {.text = deep}, Deleted::kHidden); }), 42201);
  EXPECT_EQ(CodeOfRegistering("s", Record(kInt, std::vector<SchemaReference>(2'000, {"x", "y", 1}))), 42201);
}

TEST_F(RegistryStoreTest, AVersionIsThereOnce) {
  const auto id = store_.Register("s", Record(kInt));
  EXPECT_EQ(store_.Register("s", Record(kInt), {.id = {}, .version = 1}), id);
  EXPECT_EQ(store_.Register("s", Record(kInt), {.id = {}, .version = 9}), id);
  EXPECT_THAT(store_.Versions("s", Deleted::kHidden), ElementsAre(1));
  const auto wider = Record(R"({"name":"a","type":"long"})");
  EXPECT_EQ(CodeOfRegistering("s", wider, {.id = {}, .version = 9}), 42201);
  EXPECT_EQ(CodeOfRegistering("s", wider, {.id = {}, .version = 2}), 0);
  store_.SetMode("s", "IMPORT", /*force=*/true);
  EXPECT_EQ(CodeOfRegistering("s", Record(kTree), {.id = 700, .version = 2}), 42205) << "another schema is there";
  EXPECT_EQ(CodeOfRegistering("s", Record(kTree), {.id = 700, .version = 7}), 0);
  EXPECT_EQ(CodeOfRegistering("s", Record(kTree), {.id = 700, .version = 7}), 0) << "once more, the same";
  EXPECT_THAT(store_.Versions("s", Deleted::kHidden), ElementsAre(1, 2, 7));
}

TEST_F(RegistryStoreTest, NumbersEnd) {
  constexpr auto kLast = std::numeric_limits<int32_t>::max();
  store_.SetMode("s", "IMPORT", /*force=*/true);
  store_.Register("s", Record(kInt), {.id = kLast, .version = kLast});
  store_.SetMode("s", "READWRITE", /*force=*/true);
  EXPECT_EQ(CodeOfRegistering("s", Record(R"({"name":"a","type":"long"})")), 50001);
  EXPECT_THAT(store_.Versions("s", Deleted::kHidden), ElementsAre(kLast));
}

TEST_F(RegistryStoreTest, OneSchemaMayBeReferredToByTwoNames) {
  store_.Register("part", {.kind = SchemaKind::kJson, .text = R"({"type":"integer"})"});
  const SchemaText both{.kind = SchemaKind::kJson,
                        .text = R"({"properties":{"a":{"$ref":"one.json"},"b":{"$ref":"two.json"}}})",
                        .references = {{"one.json", "part", 1}, {"two.json", "part", 1}}};
  const auto found = store_.Find(store_.Register("whole", both));
  const JsonSchema schema(found->text, found->references);
  EXPECT_EQ(schema.WhyInvalid({{"a", 1}, {"b", 2}}), "");
  EXPECT_THAT(schema.WhyInvalid({{"a", 1}, {"b", "x"}}), HasSubstr("b"));
}

TEST_F(RegistryStoreTest, TypesThatAreReferredToByTwoNamesAreDefinedOnce) {
  store_.Register("part", {.text = R"({"type":"enum","name":"E","symbols":["A"]})"});
  const auto id =
      store_.Register("whole", Record(R"({"name":"e","type":"E"})", {{"E", "part", 1}, {"other", "part", 1}}));
  EXPECT_EQ(ParseAvro(*store_.Find(id), AvroSchema::Rules::kStrict).root().fields[0].type->symbols.size(), 1u);
}

TEST_F(RegistryStoreTest, DivisorsThatWouldStopTheProcessAreRefused) {
  const auto multiple = [](const char* of) {
    return SchemaText{.kind = SchemaKind::kJson, .text = fmt::format(R"({{"multipleOf":{}}})", of)};
  };
  store_.Register("s", multiple("10"));
  for (const char* none : {"0", "-1", "-9223372036854775808"}) EXPECT_EQ(CodeOfRegistering("s", multiple(none)), 42201);
  EXPECT_EQ(CodeOfRegistering("s", multiple("5")), 0);
}

TEST_F(RegistryStoreTest, TheWriteAheadLogStaysSmall) {
  const auto log = folder_.path() / "schemas.db-wal";
  uintmax_t most = 0;
  for (int i = 0; i < 15; ++i) {
    store_.Register(fmt::format("s{}", i),
                    Record(fmt::format(R"({{"name":"f{}","type":"int","doc":"{}"}})", i, std::string(900'000, 'x'))));
    most = std::max(most, std::filesystem::file_size(log));
  }
  EXPECT_LT(most, uintmax_t{8} << 20);
}

TEST(RegistryStoreErrorTest, TheFileIsNamed) {
  const judge::Folder folder;
  const auto file = folder.path() / "nowhere" / "schemas.db";
  EXPECT_THAT([&] { RegistryStore store(file); }, testing::ThrowsMessage<Error>(HasSubstr("schemas.db")));
}

}  // namespace
}  // namespace millrace::schema

#include "schema/json_schema/json_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "schema/json_schema/json_compatibility.h"

namespace millrace::schema {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

std::vector<std::string> WhyUnreadable(const std::string& reader, const std::string& writer) {
  const auto reads = json::parse(reader), wrote = json::parse(writer);
  return WhyJsonUnreadable({.root = &reads}, {.root = &wrote});
}

TEST(JsonSchemaTest, DivisorsThatAreNoneAreRefused) {
  for (const char* divisor : {"0", "-1", "0.0", "18446744073709551615"}) {
    const auto schema = std::string(R"({"properties":{"a":{"items":[{"multipleOf":)") + divisor + "}]}}}";
    EXPECT_THAT([&] { JsonSchema(schema, {}); }, ThrowsMessage<Error>(HasSubstr("multipleOf"))) << divisor;
    EXPECT_THROW(JsonSchema(R"({"$ref":"other"})", {{.name = "other", .text = schema}}), Error);
  }
  const JsonSchema tens(R"({"multipleOf":10})", {});
  EXPECT_EQ(tens.WhyInvalid(json::parse("-9223372036854775800")), "");
  EXPECT_NE(tens.WhyInvalid(json::parse("15")), "");
}

TEST(JsonSchemaTest, PatternsThatAreNoneAreErrors) {
  const auto checks = [](const char* text, const char* document) {
    return JsonSchema(text, {}).WhyInvalid(json::parse(document));
  };
  EXPECT_THROW(checks(R"({"pattern":"(?<=a)b"})", "\"ab\""), Error);
  EXPECT_THROW(checks(R"({"patternProperties":{"[":{"type":"string"}}})", R"({"a":1})"), Error);
  EXPECT_EQ(checks(R"({"pattern":"^a+$"})", "\"aa\""), "");
  const JsonSchema twice(R"({"pattern":"^a+$"})", {});
  EXPECT_EQ(twice.WhyInvalid("a"), "");
  EXPECT_NE(twice.WhyInvalid("b"), "");
}

TEST(JsonCompatibilityTest, DivisorsAtTheEdges) {
  EXPECT_THAT(WhyUnreadable(R"({"multipleOf":-1})", R"({"multipleOf":-9223372036854775808})"),
              ElementsAre(HasSubstr("MULTIPLE_OF_CHANGED")));
  EXPECT_THAT(WhyUnreadable(R"({"multipleOf":5})", R"({"multipleOf":10})"), IsEmpty());
}

TEST(JsonCompatibilityTest, AlternativesThatHoldThemselves) {
  const auto tree = [](const std::string& leaf) {
    std::string parts;
    for (int i = 0; i < 12; ++i) parts += R"({"type":"array","items":{"$ref":"#"}},)";
    return R"({"anyOf":[)" + parts + R"({"type":"object","properties":{"l":{"$ref":"#"},"r":{"$ref":"#"}}},)" + leaf +
           "]}";
  };
  EXPECT_THAT(WhyUnreadable(tree(R"({"type":"number"})"), tree(R"({"type":"integer"})")), IsEmpty());
  EXPECT_THAT(WhyUnreadable(tree(R"({"type":"integer"})"), tree(R"({"type":"number"})")),
              testing::Contains(HasSubstr("SUM_TYPE_NARROWED at /13")));
}

TEST(JsonCompatibilityTest, NestingAndWidthEnd) {
  std::string deep = R"({"type":"string"})", wide = R"({"oneOf":[)";
  for (int i = 0; i < 300; ++i) deep = R"({"type":"object","properties":{"a":)" + deep + "}}";
  EXPECT_THAT(WhyUnreadable(deep, deep), IsEmpty());
  const auto other = deep.substr(0, deep.find("string")) + "number" + deep.substr(deep.find("string") + 6);
  EXPECT_THAT(WhyUnreadable(deep, other), ElementsAre(HasSubstr("TOO_COMPLEX")));
  for (int i = 0; i < 2'000; ++i) wide += R"({"const":)" + std::to_string(i) + "},";
  const auto narrow = wide + R"({"type":"string"}]})";
  EXPECT_THAT(WhyUnreadable(wide + R"({"type":"number"}]})", narrow), testing::Not(IsEmpty()));
}

}  // namespace
}  // namespace millrace::schema

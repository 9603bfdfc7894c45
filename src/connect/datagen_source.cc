#include "connect/datagen_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "connect/common_properties.h"
#include "connect/declarations.h"
#include "connect/declared_plugin.h"
#include "connect/source_topic.h"
#include "connect/topics.h"
#include "connect/yaml_text.h"

namespace millrace::connect {
namespace {

using enum PropertyType;
using enum Importance;

constexpr const char* kVersion = "0.6.6";
constexpr int64_t kIntervalMax = 2000;
/// Quickstarts that the generator has the like of.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kKinds{
    {{"users", "users"}, {"credit_cards", "cards"}, {"clickstream", "clicks"}}};

std::string KindOf(const std::string& quickstart) {
  for (const auto& [theirs, ours] : kKinds) {
    if (theirs == quickstart) return std::string(ours);
  }
  return {};
}

std::vector<Property> DatagenProperties() {
  const char* const kOwnFields = "rows have the fields of Millrace's own kinds: users, cards, clicks, events";
  Declarations list(SourceProperties(kVersion));
  list.Add("kafka.topic", kString, std::nullopt, kHigh, {}, Honoured("`topic`"), "The topic that gets the records.")
      .Required()
      .NonEmpty()
      .Add("max.interval", kLong, "500", kHigh, {},
           Honoured("`generator.rate`: as many rows a second as come on average of pauses of up to this many ms"),
           "The longest pause between two records, in milliseconds.")
      .Add("iterations", kInt, "1000000", kHigh, {}, Honoured("`generator.rows`; below 1: without an end"),
           "How many records are made.")
      .Add("schema.string", kString, "", kHigh, {}, Refused(kOwnFields), "A schema of Avro to make records of.")
      .Add("schema.filename", kString, "", kHigh, {}, Refused(kOwnFields), "A file with such a schema.")
      .Add("schema.keyfield", kString, "", kHigh, {}, Refused("records have no keys; tables take `key`"),
           "The field that becomes the key.")
      .Add("quickstart", kString, "", kHigh, {},
           Honoured("`generator.kind`: users, credit_cards (cards) and clickstream (clicks), with the fields of "
                    "Millrace's kinds, which are not datagen's; others are refused"),
           "The name of a ready-made kind of records.")
      .Add("generate.timeout", kLong, std::nullopt, kLow, {}, NoMeaning("a row takes less than a microsecond"),
           "How long making a record may take.")
      .Add("random.seed", kLong, std::nullopt, kLow, {}, Honoured("`generator.seed`"),
           "What the same records come of again.");
  return std::move(list).Take();
}

class DatagenSource final : public DeclaredPlugin {
 public:
  DatagenSource()
      : DeclaredPlugin(
            {.type = "source",
             .classes = {"io.confluent.kafka.connect.datagen.DatagenConnector", "DatagenConnector", "Datagen"},
             .version = kVersion,
             .properties = DatagenProperties(),
             .families = SourceFamilies({})}) {}

 private:
  void CheckTogether(const Given& given, Findings& findings) const override {
    if (given.properties().size() <= 1) return;
    CheckSourceTopic(given, "kafka.topic", findings);
    if (KindOf(given.Text("quickstart")).empty()) {
      findings.Add("quickstart",
                   fmt::format("'{}' is not supported by Millrace: take users, credit_cards or clickstream",
                               given.Text("quickstart")));
    }
    if (given.Number("max.interval") > kIntervalMax || given.Number("max.interval") < 1) {
      findings.Add("max.interval",
                   fmt::format("is from 1 to {} ms: the generator makes a row a second at least", kIntervalMax));
    }
    const auto converter = given.Class("value.converter");
    if (converter != "JsonConverter" ||
        (given.Has("value.converter") && given.Text("value.converter.schemas.enable") != "false")) {
      findings.Add("value.converter",
                   "records are plain JSON: JsonConverter with value.converter.schemas.enable=false");
    }
  }

  Translation Written(const std::string& connector, const Given& given) const override {
    Tree root;
    auto& source = root["sources"][BlockName(connector, "")];
    auto& generator = source["generator"];
    generator["kind"] = KindOf(given.Text("quickstart"));
    if (const auto rows = given.Number("iterations"); rows > 0) generator["rows"] = rows;
    generator["rate"] = std::max<int64_t>(kIntervalMax / given.Number("max.interval"), 1);
    if (given.Has("random.seed")) generator["seed"] = given.Number("random.seed");
    source["topic"] = given.Text("kafka.topic");
    return SourceTranslation(given, "kafka.topic", root);
  }
};

}  // namespace

std::unique_ptr<Plugin> MakeDatagenSource() { return std::make_unique<DatagenSource>(); }

}  // namespace millrace::connect

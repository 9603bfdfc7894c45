#include "connect/mongo_sink.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/letter_case.h"
#include "connect/converters.h"
#include "connect/declared_plugin.h"
#include "connect/mongo_properties.h"
#include "connect/topics.h"
#include "connect/value_check.h"
#include "connect/yaml_text.h"

namespace millrace::connect {
namespace {

constexpr const char* kId = "document.id.strategy";
constexpr const char* kFields = "document.id.strategy.partial.value.projection.list";

std::vector<std::string> IdFields(const Given& given) { return given.List(kFields); }

bool IsAllowList(std::string_view word) { return SameInAnyCase(word, "allowlist") || SameInAnyCase(word, "whitelist"); }

bool IsMember(const std::string& name) { return !name.empty() && name.find_first_of(".*\"'") == std::string::npos; }

class MongoSink final : public DeclaredPlugin {
 public:
  MongoSink()
      : DeclaredPlugin({.type = "sink",
                        .classes = {"com.mongodb.kafka.connect.MongoSinkConnector", "MongoSinkConnector", "MongoSink"},
                        .version = kMongoVersion,
                        .properties = MongoProperties(),
                        .families = MongoFamilies()}) {}

 private:
  void CheckTogether(const Given& given, Findings& findings) const override {
    CheckOrigins(given, findings);
    CheckConverters(given, findings);
    RefuseJsonWithSchema(given, findings);
    const auto form = ValueFormOf(given);
    if (form != ValueForm::kJson && form != ValueForm::kJsonWithSchema && form != ValueForm::kText &&
        form != ValueForm::kJsonSchema) {
      findings.Add("value.converter",
                   fmt::format("{} gives no documents here: records are JSON (JsonConverter, StringConverter)",
                               given.Class("value.converter")));
    }
    if (form == ValueForm::kJsonSchema) {
      findings.Add("value.converter",
                   "JsonSchemaConverter is not supported by Millrace for documents: take tables, or "
                   "plain JSON");
    }
    const auto uri = given.Raw("connection.uri");
    if (!uri.empty() && !uri.starts_with("${") && !uri.starts_with("mongodb://") &&
        !uri.starts_with("mongodb+srv://")) {
      findings.Add("connection.uri",
                   fmt::format("Invalid value {} for configuration connection.uri: The connection string is invalid. "
                               "Connection strings must start with either 'mongodb://' or 'mongodb+srv://",
                               kHidden));
    }
    if (!given.Text("topics.regex").empty() && given.Text("collection").empty()) {
      findings.Add("collection", "topics.regex needs a collection: which topics there will be is not known");
    }
    CheckStrategies(given, findings);
  }

  static void CheckStrategies(const Given& given, Findings& findings) {
    const auto id = given.Class(kId);
    if (id == "PartialValueStrategy") {
      const auto fields = IdFields(given);
      if (!IsAllowList(given.Text("document.id.strategy.partial.value.projection.type")) || fields.empty()) {
        findings.Add(kFields,
                     "PartialValueStrategy is supported by Millrace with a list of fields that make the id: "
                     "document.id.strategy.partial.value.projection.type=AllowList and its .list");
      }
      for (const auto& field : fields) {
        if (!IsMember(field)) findings.Add(kFields, fmt::format("'{}' is no member at the top of a record", field));
      }
    } else if (id != "BsonOidStrategy" && id != "ProvidedInValueStrategy" && id != "FullKeyStrategy") {
      findings.Add(kId, fmt::format("{} is not supported by Millrace: take ProvidedInValueStrategy, "
                                    "PartialValueStrategy or FullKeyStrategy",
                                    id));
    }
    const bool makes_ids = id == "BsonOidStrategy";
    const auto write = given.Class("writemodel.strategy");
    const bool is_good = write == "DefaultWriteModelStrategy" || write == "ReplaceOneDefaultStrategy" ||
                         (write == "InsertOneDefaultStrategy" && makes_ids);
    if (!is_good) {
      findings.Add(
          "writemodel.strategy",
          fmt::format("{} is not supported by Millrace: a document is replaced whole by the last change of its "
                      "id (ReplaceOneDefaultStrategy); make the id of other members by "
                      "document.id.strategy=...PartialValueStrategy",
                      write));
    }
    if (given.Flag("delete.on.null.values") && makes_ids) {
      findings.Add("delete.on.null.values", "needs an id that a key can name: document.id.strategy=...FullKeyStrategy");
    }
  }

  Translation Written(const std::string& connector, const Given& given) const override {
    Translation translation;
    Tree root;
    const auto origins = OriginsOf(given);
    for (const auto& origin : origins) {
      const auto name = BlockName(connector, origins.size() == 1 ? "" : origin);
      root["documents"][name] = DocumentsOf(connector, given, origin, translation.secrets);
    }
    translation.yaml = YamlText(root);
    return translation;
  }

  static Tree DocumentsOf(const std::string& connector, const Given& given, const std::string& origin,
                          std::map<std::string, std::string>& secrets) {
    Tree block;
    block["from"] = origin;
    if (given.Text("consumer.override.auto.offset.reset") == "latest") block["start"] = "latest";
    WriteId(given, block);
    const auto own = [&](const std::string& word) {
      const auto value = given.Text("topic.override." + origin + "." + word);
      return value.empty() ? given.Text(word) : value;
    };
    auto& mongodb = block["mongodb"];
    const auto uri = given.Raw("connection.uri");
    mongodb["uri"] = SecretOf(connector, "connection.uri", uri.empty() ? "mongodb://localhost:27017" : uri, secrets);
    mongodb["database"] = own("database");
    const auto collection = own("collection");
    mongodb["collection"] = collection.empty() ? origin : collection;
    return block;
  }

  static void WriteId(const Given& given, Tree& block) {
    const auto id = given.Class(kId);
    if (id == "BsonOidStrategy") return;
    if (id == "FullKeyStrategy") {
      block["id"] = "record_key";
    } else if (id == "ProvidedInValueStrategy") {
      block["key"] = {"_id"};
    } else if (const auto fields = IdFields(given); fields.size() > 1) {
      block["key"] = fields;
    } else {
      // An id of one field is a document of that field there, and the plain value here.
      block["key"] = {"_id"};
      block["transform"] = fmt::format("SELECT {{'{0}': \"{0}\"}} AS _id, * FROM batch", fields.front());
    }
    if (given.Class("key.converter") == "StringConverter") block["plain_keys"] = "text";
    block["deletes"] = given.Flag("delete.on.null.values");
  }
};

}  // namespace

std::unique_ptr<Plugin> MakeMongoSink() { return std::make_unique<MongoSink>(); }

}  // namespace millrace::connect

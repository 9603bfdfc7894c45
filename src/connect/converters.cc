#include "connect/converters.h"

namespace millrace::connect {
namespace {

constexpr const char* kConverter = "value.converter";
constexpr const char* kRegistry = "value.converter.schema.registry.url";

std::string UserInfo(const Given& given) {
  const auto info = given.Raw("value.converter.basic.auth.user.info");
  return info.empty() ? given.Raw("value.converter.schema.registry.basic.auth.user.info") : info;
}

bool NeedsRegistry(ValueForm form) {
  return form == ValueForm::kAvro || form == ValueForm::kProtobuf || form == ValueForm::kJsonSchema;
}

}  // namespace

ValueForm ValueFormOf(const Given& given) {
  const auto name = given.Class(kConverter);
  if (name == "JsonConverter") {
    // Where nothing is said the worker's own converter is, and that of a worker of ours is plain.
    const bool is_said = given.Has(kConverter) || given.Has("value.converter.schemas.enable");
    const bool plain = !is_said || given.Text("value.converter.schemas.enable") == "false";
    return plain ? ValueForm::kJson : ValueForm::kJsonWithSchema;
  }
  if (name == "StringConverter") return ValueForm::kText;
  if (name == "ByteArrayConverter") return ValueForm::kBytes;
  if (name == "AvroConverter") return ValueForm::kAvro;
  if (name == "ProtobufConverter") return ValueForm::kProtobuf;
  if (name == "JsonSchemaConverter") return ValueForm::kJsonSchema;
  return ValueForm::kOther;
}

void CheckConverters(const Given& given, Findings& findings) {
  const auto form = ValueFormOf(given);
  if (NeedsRegistry(form) && given.Text(kRegistry).empty()) {
    findings.Add(kConverter, "Missing required configuration \"schema.registry.url\" which has no default value.");
  }
  const auto source = given.Text("value.converter.basic.auth.credentials.source");
  if (source == "SASL_INHERIT") {
    findings.Add("value.converter.basic.auth.credentials.source",
                 "SASL_INHERIT is not supported by Millrace: give USER_INFO and value.converter.basic.auth.user.info");
  }
  if (source == "USER_INFO" && UserInfo(given).find(':') == std::string::npos) {
    findings.Add("value.converter.basic.auth.user.info", "is user:password");
  }
}

void RefuseJsonWithSchema(const Given& given, Findings& findings) {
  if (ValueFormOf(given) != ValueForm::kJsonWithSchema) return;
  findings.Add(kConverter,
               "JsonConverter takes records of {schema, payload} unless value.converter.schemas.enable=false, and "
               "Millrace reads those into plain files alone: say value.converter.schemas.enable=false and send plain "
               "JSON");
}

void WriteRegistry(const std::string& connector, const Given& given, Tree& root,
                   std::map<std::string, std::string>& secrets) {
  if (!NeedsRegistry(ValueFormOf(given))) return;
  auto& registry = root["schema_registry"];
  registry["url"] = given.Text(kRegistry);
  const auto info = UserInfo(given);
  const auto colon = info.find(':');
  if (colon == std::string::npos) return;
  registry["username"] = info.substr(0, colon);
  registry["password"] = SecretOf(connector, "schema_registry_password", info.substr(colon + 1), secrets);
}

}  // namespace millrace::connect

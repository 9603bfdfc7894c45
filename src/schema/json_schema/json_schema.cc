#include "schema/json_schema/json_schema.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "schema/json_object.h"

// The library of headers is told to throw instead of ending the program.
#define VALIJSON_USE_EXCEPTIONS 1
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>
#pragma GCC diagnostic pop

namespace millrace::schema {

using Json = nlohmann::json;

struct JsonSchema::Impl {
  Json document;
  std::map<std::string, Json> references;
  std::string title;
  valijson::Schema schema;
  valijson::Validator validator{valijson::Validator::kStrongTypes};  // keeps the patterns it has compiled
};

namespace {

[[noreturn]] void Wrong(std::string_view why) {
  throw Error(ErrorCode::kData, fmt::format("the JSON Schema is not valid: {}", why));
}

/// The library divides by what it finds there.
void CheckDivisors(const Json& schema) {
  if (!schema.is_structured()) return;
  for (const auto& part : schema) CheckDivisors(part);
  if (!schema.is_object()) return;
  const auto divisor = schema.find("multipleOf");
  if (divisor == schema.end() || !divisor->is_number()) return;
  const bool divides = divisor->is_number_integer() ? divisor->get<int64_t>() > 0 : divisor->get<double>() > 0;
  if (!divides) Wrong("\"multipleOf\" is not above zero, or beyond 64 bits");
}

}  // namespace

JsonSchema::JsonSchema(std::string_view text, const std::vector<RegisteredSchema::Used>& references)
    : impl_(std::make_unique<Impl>()) {
  impl_->document = ParseJson(text, "JSON Schema");
  if (!impl_->document.is_object() && !impl_->document.is_boolean()) {
    Wrong("it is neither an object nor true or false");
  }
  if (impl_->document.is_object()) {
    const auto title = impl_->document.find("title");
    if (title != impl_->document.end() && title->is_string()) impl_->title = title->get<std::string>();
  }
  for (const auto& used : references) impl_->references[used.name] = ParseJson(used.text, used.name);
  CheckDivisors(impl_->document);
  for (const auto& [name, document] : impl_->references) CheckDivisors(document);
  try {
    valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
    parser.populateSchema(
        valijson::adapters::NlohmannJsonAdapter(impl_->document), impl_->schema,
        [this](const std::string& name) -> const Json* {
          const auto found = impl_->references.find(name);
          return found == impl_->references.end() ? nullptr : &found->second;
        },
        [](const Json*) {});
  } catch (const std::exception& wrong) {
    Wrong(wrong.what());
  }
}

JsonSchema::~JsonSchema() = default;
JsonSchema::JsonSchema(JsonSchema&&) noexcept = default;
JsonSchema& JsonSchema::operator=(JsonSchema&&) noexcept = default;

std::string JsonSchema::WhyInvalid(const Json& document) const {
  valijson::ValidationResults results;
  try {
    const valijson::adapters::NlohmannJsonAdapter target(document);
    if (impl_->validator.validate(impl_->schema, target, &results)) return {};
  } catch (const std::exception& wrong) {  // a pattern that is none, here: the library compiles them when it needs them
    throw Error(ErrorCode::kData, fmt::format("the JSON Schema cannot be checked: {}", wrong.what()));
  }
  // The last one is the innermost: it names the value.
  valijson::ValidationResults::Error error, last;
  while (results.popError(error)) {
    if (error.context.size() >= last.context.size()) last = error;
  }
  std::string path;
  for (const auto& part : last.context) {
    if (part != "<root>") path += part;
  }
  return path.empty() ? last.description : path + ": " + last.description;
}

const std::string& JsonSchema::title() const { return impl_->title; }

}  // namespace millrace::schema

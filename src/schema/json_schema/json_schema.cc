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
};

JsonSchema::JsonSchema(std::string_view text, const std::vector<RegisteredSchema::Used>& references)
    : impl_(std::make_unique<Impl>()) {
  impl_->document = ParseJson(text, "JSON Schema");
  if (!impl_->document.is_object() && !impl_->document.is_boolean()) {
    throw Error(ErrorCode::kData, "the JSON Schema is not valid: it is neither an object nor true or false");
  }
  if (impl_->document.is_object()) {
    const auto title = impl_->document.find("title");
    if (title != impl_->document.end() && title->is_string()) impl_->title = title->get<std::string>();
  }
  for (const auto& used : references) impl_->references[used.name] = ParseJson(used.text, used.name);
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
    throw Error(ErrorCode::kData, fmt::format("the JSON Schema is not valid: {}", wrong.what()));
  }
}

JsonSchema::~JsonSchema() = default;
JsonSchema::JsonSchema(JsonSchema&&) noexcept = default;
JsonSchema& JsonSchema::operator=(JsonSchema&&) noexcept = default;

std::string JsonSchema::WhyInvalid(const Json& document) const {
  valijson::Validator validator(valijson::Validator::kStrongTypes);
  valijson::ValidationResults results;
  if (validator.validate(impl_->schema, valijson::adapters::NlohmannJsonAdapter(document), &results)) return {};
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

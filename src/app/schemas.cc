#include "app/schemas.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/clock.h"
#include "base/error.h"
#include "schema/registry/patient_lookup.h"

namespace millrace::app {

std::vector<std::string> SplitByCommas(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= text.size();) {
    const auto comma = std::min(text.find(',', at), text.size());
    auto part = text.substr(at, comma - at);
    part.erase(0, std::min(part.find_first_not_of(' '), part.size()));
    part.erase(part.find_last_not_of(' ') + 1);
    if (!part.empty()) parts.push_back(std::move(part));
    at = comma + 1;
  }
  return parts;
}

std::string ReadSchemaFile(const std::string& path) {
  constexpr std::streamsize kBytesMax = std::streamsize{16} << 20;
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file && text.empty()) throw Error(ErrorCode::kConfig, fmt::format("the schema file {} cannot be read", path));
  if (static_cast<std::streamsize>(text.size()) > kBytesMax) {
    throw Error(ErrorCode::kConfig, fmt::format("the schema file {} is longer than 16 MiB", path));
  }
  return text;
}

schema::RegistryClientOptions RegistryClientOptionsFor(const SchemaRegistryConfig& registry) {
  return {.urls = SplitByCommas(registry.url),
          .username = registry.username,
          .password = registry.password ? registry.password->Reveal() : std::string(),
          .token = registry.token ? registry.token->Reveal() : std::string(),
          .ca_file = registry.ca_file ? registry.ca_file->value : std::string(),
          .timeout = registry.timeout};
}

std::shared_ptr<schema::RegistryStore> OpenRegistryStore(const DataDirectory& directory) {
  return std::make_shared<schema::RegistryStore>(directory.path() / "schemas.db");
}

std::shared_ptr<schema::SchemaRegistry> OpenSchemaRegistry(const PipelineConfig& pipeline,
                                                           const DataDirectory& directory) {
  if (!pipeline.schema_registry) return OpenRegistryStore(directory);
  return std::make_shared<schema::RegistryClient>(RegistryClientOptionsFor(*pipeline.schema_registry));
}

std::shared_ptr<schema::SchemaLookup> SchemasOf(const PipelineConfig& pipeline, const TableConfig& table,
                                                const DataDirectory& directory, std::stop_token stop) {
  const bool named = table.format == RecordFormat::kJsonSchema ||
                     (table.format == RecordFormat::kAvro && table.avro.framing == FramingWord::kConfluent);
  if (!named) return nullptr;
  auto registry = OpenSchemaRegistry(pipeline, directory);
  if (!stop.stop_possible()) return registry;
  return std::make_shared<schema::PatientLookup>(std::move(registry), Clock::System(), std::move(stop));
}

}  // namespace millrace::app

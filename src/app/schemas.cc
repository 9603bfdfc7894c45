#include "app/schemas.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "app/schema_blocks.h"
#include "base/error.h"
#include "base/log.h"
#include "base/split.h"
#include "io/http_url.h"

namespace millrace::app {

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

SchemaRegistryConfig RegistryAt(const std::string& url, const std::optional<SchemaRegistryConfig>& configured) {
  auto registry = configured ? *configured : SchemaRegistryBlock().Defaults();
  std::set<std::string> origins;
  for (const auto& address : SplitByCommas(registry.url)) origins.insert(io::OriginOf(address));
  origins.erase("");  // what is no address
  const auto addresses = SplitByCommas(url);
  for (const auto& address : addresses) {
    if (address.starts_with("http://") || address.starts_with("https://")) continue;
    throw Error(ErrorCode::kUsage, fmt::format("--schema-registry: '{}' is no http:// or https:// address", address));
  }
  const auto known = [&](const std::string& address) { return origins.contains(io::OriginOf(address)); };
  const bool secret = registry.password || registry.token;
  if (secret && !std::ranges::all_of(addresses, known)) {
    LogWarning("{} is not the configured schema registry: it is asked without that one's secrets", url);
    registry.username.clear();
    registry.password.reset();
    registry.token.reset();
  }
  registry.url = url;
  return registry;
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
                                                const DataDirectory& directory) {
  const bool named =
      table.format == RecordFormat::kJsonSchema ||
      (table.format == RecordFormat::kAvro && table.avro.framing == FramingWord::kConfluent) ||
      (table.format == RecordFormat::kProtobuf && table.protobuf.framing == ProtobufFramingWord::kConfluent);
  if (!named) return nullptr;
  return OpenSchemaRegistry(pipeline, directory);
}

}  // namespace millrace::app

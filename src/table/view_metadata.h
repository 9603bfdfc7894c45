#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The metadata of an Iceberg view (view spec, format version 1): what it is called by engines, and in whose SQL.
namespace millrace::table {

inline constexpr int32_t kViewFormatVersion = 1;

struct ViewRepresentation {
  std::string sql = {};
  std::string dialect = {};  // "spark", "trino"
  friend bool operator==(const ViewRepresentation&, const ViewRepresentation&) = default;
};

struct ViewVersion {
  int32_t version_id = 0;
  int64_t timestamp_ms = 0;
  int32_t schema_id = 0;  // -1 in an update: the last one that it added
  std::map<std::string, std::string> summary = {};
  std::vector<ViewRepresentation> representations = {};
  std::optional<std::string> default_catalog = {};
  std::vector<std::string> default_namespace = {};
  friend bool operator==(const ViewVersion&, const ViewVersion&) = default;
};

/// What a view's columns are is its engine's to know (Spark counts them from 0): kept as it came.
struct ViewSchema {
  int32_t schema_id = 0;
  std::string columns = {};  // JSON: a schema of the spec, without its schema-id
  friend bool operator==(const ViewSchema&, const ViewSchema&) = default;
};

struct ViewMetadata {
  std::string view_uuid = {};
  std::string location = {};
  int32_t current_version_id = 0;
  std::vector<ViewVersion> versions = {};
  struct LogEntry {
    int64_t timestamp_ms = 0;
    int32_t version_id = 0;
    friend bool operator==(const LogEntry&, const LogEntry&) = default;
  };
  std::vector<LogEntry> version_log = {};
  std::vector<ViewSchema> schemas = {};
  std::map<std::string, std::string> properties = {};
  friend bool operator==(const ViewMetadata&, const ViewMetadata&) = default;

  /// Null when no version has the id.
  const ViewVersion* Version(int32_t id) const;
};

/// Error kData naming the member that is wrong; kStop for a format version this program does not know.
ViewMetadata ParseViewMetadata(std::string_view text);
nlohmann::json ToJson(const ViewMetadata& metadata);

/// Of a request as well: Error kData for a representation that is no SQL.
ViewVersion ViewVersionFromJson(const nlohmann::json& json);
/// Error kData for what is no struct with fields.
ViewSchema ViewSchemaFromJson(const nlohmann::json& json);

}  // namespace millrace::table

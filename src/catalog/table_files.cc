#include "catalog/table_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "schema/name_mapping.h"
#include "table/table_property.h"

namespace millrace::catalog {
namespace {

constexpr const char* kFormatVersion = "format-version";
constexpr const char* kMetadataPath = "write.metadata.path";
constexpr const char* kPreviousVersionsMax = "write.metadata.previous-versions-max";
constexpr int64_t kPreviousVersionsMaxDefault = 100;

std::string WithoutSlash(std::string location) {
  while (location.ends_with('/')) location.pop_back();
  return location;
}

bool HoldsFiles(io::ObjectStore& store, const std::string& folder) {
  bool found = false;
  store.List(folder + "/", "", [&](const io::ObjectInfo&) {
    found = true;
    return false;
  });
  return found;
}

void CheckSources(const CreateTable& request, const schema::Schema& schema) {
  for (const auto& field : request.spec.fields) {
    if (schema.Find(field.source_id) == nullptr) {
      throw Error(ErrorCode::kInternal, fmt::format("the partition field {} names column id {}, which the schema lacks",
                                                    field.name, field.source_id.value()));
    }
  }
  for (const auto& field : request.sort_order.fields) {
    if (schema.Find(field.source_id) == nullptr) {
      throw Error(ErrorCode::kInternal,
                  fmt::format("the sort order names column id {}, which the schema lacks", field.source_id.value()));
    }
  }
}

/// The number before the first '-' of a metadata file's name; -1 when it is named otherwise.
int64_t VersionOf(const std::string& location) {
  const std::string_view name = std::string_view(location).substr(location.rfind('/') + 1);
  int64_t version = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), version);
  const bool numbered = error == std::errc() && version >= 0 && end != name.data() + name.size() && *end == '-';
  return numbered ? version : -1;
}

std::string KeyInside(const io::ObjectStore& store, const std::string& location) {
  auto key = store.KeyOf(location);
  if (!key) {
    throw Error(ErrorCode::kStop,
                fmt::format("the table's metadata would go to {}, outside the warehouse; open the catalogue with the "
                            "warehouse it belongs to",
                            location));
  }
  return std::move(*key);
}

}  // namespace

table::TableMetadata NewTable(const CreateTable& request, io::ObjectStore& store, const std::string& uuid,
                              Timestamp now) {
  table::TableMetadata metadata;
  metadata.table_uuid = uuid;
  metadata.location = FreshLocation(request.name, request.location, store, uuid);
  metadata.last_updated_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  schema::Schema schema = request.schema;
  schema.schema_id = 0;
  metadata.last_column_id = schema::AssignIds(schema, 0);
  CheckSources(request, schema);
  table::PartitionSpec spec = request.spec;
  spec.spec_id = 0;
  for (auto& field : spec.fields) {
    if (field.field_id == 0) field.field_id = metadata.last_partition_id + 1;
    metadata.last_partition_id = std::max(metadata.last_partition_id, field.field_id);
  }
  metadata.partition_specs.push_back(std::move(spec));
  table::SortOrder order = request.sort_order;
  order.order_id = order.fields.empty() ? 0 : 1;
  metadata.default_sort_order_id = order.order_id;
  metadata.sort_orders.push_back(std::move(order));
  metadata.properties = request.properties;
  const auto version = metadata.properties.extract(kFormatVersion);
  metadata.format_version = version.empty() ? table::kFormatDefault : table::FormatVersionOf(version.mapped());
  metadata.properties.try_emplace(schema::kNameMappingProperty, schema::PrintNameMapping(schema::MappingOf(schema)));
  metadata.schemas.push_back(std::move(schema));
  return metadata;
}

NextMetadata NextVersion(const LoadedTable& base, const std::vector<table::Update>& updates, Timestamp now) {
  return VersionAfter(base, table::Apply(*base.metadata, updates, now));
}

NextMetadata VersionAfter(const LoadedTable& base, table::TableMetadata made) {
  NextMetadata next{.metadata = std::move(made), .expired = {}};
  auto& log = next.metadata.metadata_log;
  log.push_back({.timestamp_ms = base.metadata->last_updated_ms, .metadata_file = base.metadata_location});
  const int64_t keep =
      std::max<int64_t>(1, table::IntegerProperty(next.metadata, kPreviousVersionsMax, kPreviousVersionsMaxDefault));
  if (std::ssize(log) <= keep) return next;
  const auto kept = log.end() - keep;
  if (table::BooleanProperty(next.metadata, table::kDeleteOldMetadata, false)) {
    for (auto entry = log.begin(); entry != kept; ++entry) next.expired.push_back(entry->metadata_file);
  }
  log.erase(log.begin(), kept);
  return next;
}

std::string NextMetadataLocation(const table::TableMetadata& metadata, const std::string& previous,
                                 const std::string& uuid) {
  return NextMetadataLocation(metadata.location, metadata.properties, previous, uuid);
}

std::string NextMetadataLocation(const std::string& location, const std::map<std::string, std::string>& properties,
                                 const std::string& previous, const std::string& uuid) {
  const auto path = properties.find(kMetadataPath);
  const std::string folder = path == properties.end() ? location + "/metadata" : WithoutSlash(path->second);
  const int64_t version = previous.empty() ? 0 : VersionOf(previous) + 1;
  return fmt::format("{}/{:05}-{}.metadata.json", folder, version, uuid);
}

/// A folder of its own, also where a table that was renamed or dropped has left its files: cleaning up one table must
/// never reach the files of another.
std::string FreshLocation(const TableName& name, const std::string& wanted, io::ObjectStore& store,
                          const std::string& uuid) {
  if (wanted.empty()) {
    std::string folder = name.name_space + "/" + name.name;
    if (HoldsFiles(store, folder)) folder += "-" + uuid;
    return store.UriOf(folder);
  }
  std::string location = WithoutSlash(wanted);
  if (!store.KeyOf(location)) {
    throw Error(ErrorCode::kConfig,
                fmt::format("the location {} is outside the warehouse; leave it out or choose one inside", location));
  }
  return location;
}

void WriteMetadataFile(io::ObjectStore& store, const std::string& location, const table::TableMetadata& metadata) {
  WriteMetadataText(store, location, table::PrintMetadata(metadata));
}

void WriteMetadataText(io::ObjectStore& store, const std::string& location, std::string_view text,
                       io::UnsyncedFiles* unsynced) {
  FaultPoint("catalog.metadata_write.before");
  const std::string key = KeyInside(store, location);
  const auto put = unsynced != nullptr ? unsynced->PutUnsynced(key, text) : store.PutIfAbsent(key, text);
  if (put != io::PutOutcome::kCreated) {
    throw Error(ErrorCode::kInternal, location + " exists already, although its name is fresh");
  }
  FaultPoint("catalog.metadata_write.after");
}

void DeleteMetadataFile(io::ObjectStore& store, const std::string& location) noexcept {
  try {
    FaultPoint("catalog.metadata_delete.before");
    if (const auto key = store.KeyOf(location)) store.Delete(*key);
    FaultPoint("catalog.metadata_delete.after");
  } catch (const std::exception& error) {
    LogWarning("{} is not needed any more but could not be deleted: {}", location, error.what());
  }
}

}  // namespace millrace::catalog

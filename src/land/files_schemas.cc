#include "land/files_schemas.h"

#include <arrow/type.h>
#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/fault.h"
#include "base/log.h"
#include "land/schema_authority.h"
#include "schema/evolution.h"

namespace millrace::land {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;
constexpr std::string_view kSuffix = ".json";

FilesSchemaPtr Read(const std::string& key, int64_t version, const std::string& text) {
  try {
    const auto stored = json::parse(text);
    if (stored.at("version").get<int>() != kVersion) {
      throw Error(ErrorCode::kStop, "it is of a later version of millrace; run that one");
    }
    auto read = schema::SchemaFromJson(stored.at("schema"));
    auto columns = schema::ToArrow(read);
    return std::make_shared<const FilesSchema>(FilesSchema{version, std::move(read), std::move(columns)});
  } catch (Error& error) {
    throw Error(ErrorCode::kStop, fmt::format("columns {}: {}", key, error.message()));
  } catch (const json::exception& error) {
    throw Error(
        ErrorCode::kStop,
        fmt::format("columns {} cannot be read ({}); restore them, as files are written by them", key, error.what()));
  }
}

}  // namespace

std::string FilesSchemasFolder(const std::string& plans_folder) { return plans_folder + "_columns/"; }

std::string FilesSchemas::KeyOf(int64_t version) const { return fmt::format("{}{:08}{}", folder_, version, kSuffix); }

FilesSchemaPtr FilesSchemas::Newest() {
  if (newest_) return newest_;
  int64_t newest = 0;
  store_.List(folder_, "", [&](const io::ObjectInfo& object) {
    if (!object.key.ends_with(kSuffix)) return true;
    const auto digits = std::string_view(object.key).substr(folder_.size());
    std::from_chars(digits.data(), digits.data() + digits.size() - kSuffix.size(), newest);
    return true;
  });
  if (newest > 0) newest_ = At(newest);
  return newest_;
}

FilesSchemaPtr FilesSchemas::At(int64_t version) {
  if (const auto found = known_.find(version); found != known_.end()) return found->second;
  const auto key = KeyOf(version);
  const auto text = store_.Get(key);
  if (!text)
    throw Error(ErrorCode::kStop,
                fmt::format("columns {} are gone, and files are planned by them; put them back", key));
  return known_[version] = Read(key, version, *text);
}

FilesSchemaPtr FilesSchemas::Require(const arrow::Schema& wanted) {
  for (;;) {
    auto base = Newest();
    if (base && Fits(wanted, *base->columns)) return base;
    const auto current = base ? base->schema : schema::Schema{};
    const auto grown = schema::Evolve(current, current.highest_id().value(), schema::FromArrow(wanted));
    if (base && grown.changes.empty()) return base;
    const int64_t version = (base ? base->version : 0) + 1;
    const json stored{{"version", kVersion}, {"schema", schema::ToJson(grown.schema)}};
    FaultPoint("files.before_columns");
    const bool ours = store_.PutIfAbsent(KeyOf(version), stored.dump(1) + "\n") == io::PutOutcome::kCreated;
    FaultPoint("files.after_columns");
    newest_ = At(version);
    if (!ours) continue;  // another worker's, or ours by a request whose answer was lost
    for (const auto& change : grown.changes) LogDebug("{}: {} {}", KeyOf(version), change.path, change.detail);
  }
}

}  // namespace millrace::land

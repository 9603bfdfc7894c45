#include "table/view_update.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/letter_case.h"
#include "schema/json_object.h"
#include "table/table_property.h"
#include "table/update_json.h"

namespace millrace::table {
namespace {

using schema::JsonObject;

constexpr int64_t kVersionsKeptDefault = 10;

[[noreturn]] void Refuse(const std::string& why) { throw Error(ErrorCode::kData, why); }

std::set<std::string> DialectsOf(const ViewVersion& version) {
  std::set<std::string> dialects;
  for (const auto& one : version.representations) dialects.insert(Lower(one.dialect));
  return dialects;
}

void CheckEachOnce(const ViewVersion& version) {
  std::set<std::string> dialects;
  for (const auto& one : version.representations) {
    if (!dialects.insert(Lower(one.dialect)).second)
      Refuse("Invalid view version: Cannot add multiple queries for dialect " + one.dialect);
  }
}

/// But for their number and time.
bool SaysTheSame(const ViewVersion& left, const ViewVersion& right) {
  return left.summary == right.summary && left.representations == right.representations &&
         left.default_catalog == right.default_catalog && left.default_namespace == right.default_namespace &&
         left.schema_id == right.schema_id;
}

/// One commit: what it has added so far, which later updates of it name by -1.
class Change {
 public:
  Change(ViewMetadata base, Timestamp now)
      : view_(std::move(base)),
        now_ms_(std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count()) {
    if (const auto* current = view_.Version(view_.current_version_id)) before_ = *current;
  }

  void Do(const AddViewSchema& one) {
    auto schema = one.schema;
    schema.schema_id = 0;  // numbered here, whatever its sender calls it
    for (const auto& known : view_.schemas) {
      if (known.columns == schema.columns) {
        last_schema_ = known.schema_id;
        return;
      }
      schema.schema_id = std::max(schema.schema_id, known.schema_id + 1);
    }
    last_schema_ = schema.schema_id;
    view_.schemas.push_back(std::move(schema));
  }

  void Do(const AddViewVersion& update) {
    auto version = update.version;
    if (version.schema_id == -1) {
      if (!last_schema_) Refuse("Cannot set last added schema: no schema has been added");
      version.schema_id = *last_schema_;
    }
    if (std::ranges::find(view_.schemas, version.schema_id, &ViewSchema::schema_id) == view_.schemas.end()) {
      Refuse(fmt::format("Cannot add version with unknown schema: {}", version.schema_id));
    }
    CheckEachOnce(version);
    for (const auto& one : view_.versions) {
      if (SaysTheSame(one, version)) {
        last_version_ = one.version_id;
        return;
      }
      version.version_id = std::max(version.version_id, one.version_id + 1);
    }
    last_version_ = version.version_id;
    added_.insert(version.version_id);
    view_.versions.push_back(std::move(version));
  }

  void Do(const SetCurrentViewVersion& update) {
    if (update.version_id == -1 && !last_version_) {
      Refuse("Cannot set last version id: no current version id has been set");
    }
    const int32_t id = update.version_id == -1 ? *last_version_ : update.version_id;
    const auto* version = view_.Version(id);
    if (version == nullptr) Refuse(fmt::format("Cannot set current version to unknown version: {}", id));
    if (id == view_.current_version_id && !view_.version_log.empty()) return;
    view_.current_version_id = id;
    view_.version_log.push_back(
        {.timestamp_ms = added_.contains(id) ? version->timestamp_ms : now_ms_, .version_id = id});
  }

  void Do(const Update& update) {
    std::visit([this](const auto& one) { Apply(one); }, update);
  }

  ViewMetadata Finish() && {
    if (view_.location.empty()) Refuse("a view has a location");
    const auto* current = view_.Version(view_.current_version_id);
    if (current == nullptr) Refuse("Invalid view: no versions were added");
    if (before_ && !BooleanProperty(view_.properties, "replace.drop-dialect.allowed", false)) CheckDialects(*current);
    Expire();
    return std::move(view_);
  }

 private:
  void Apply(const AssignUuid& one) {
    if (!view_.view_uuid.empty() && view_.view_uuid != one.uuid) Refuse("Cannot reassign uuid");
    view_.view_uuid = one.uuid;
  }
  void Apply(const UpgradeFormatVersion& one) {
    if (one.version != kViewFormatVersion)
      Refuse(fmt::format("Cannot upgrade a view to format version {}", one.version));
  }
  void Apply(const SetLocation& one) { view_.location = one.location; }
  void Apply(const SetProperties& one) {
    for (const auto& [key, value] : one.updates) view_.properties[key] = value;
  }
  void Apply(const RemoveProperties& one) {
    for (const auto& key : one.removals) view_.properties.erase(key);
  }
  template <typename Other>
  void Apply(const Other&) {
    Refuse("this is an update of tables and none of views");
  }

  void CheckDialects(const ViewVersion& current) const {
    const auto before = DialectsOf(*before_);
    const auto after = DialectsOf(current);
    if (std::ranges::includes(after, before)) return;
    Refuse(
        fmt::format("Cannot replace view due to loss of view dialects (replace.drop-dialect.allowed=false):\nPrevious "
                    "dialects: [{}]\nNew dialects: [{}]",
                    fmt::join(before, ", "), fmt::join(after, ", ")));
  }

  /// The newest stay, the current one among them, and of the log what tells of those alone.
  void Expire() {
    const auto kept = std::max<int64_t>(
        std::ssize(added_),
        std::max<int64_t>(1, IntegerProperty(view_.properties, "version.history.num-entries", kVersionsKeptDefault)));
    if (std::ssize(view_.versions) <= kept) return;
    std::set<int32_t> ids;
    for (const auto& one : view_.versions) ids.insert(one.version_id);
    ids.erase(view_.current_version_id);
    while (std::ssize(ids) > kept - 1) ids.erase(ids.begin());
    ids.insert(view_.current_version_id);
    std::erase_if(view_.versions, [&](const ViewVersion& one) { return !ids.contains(one.version_id); });
    // Before a gap nothing is told, as it would be a history that never was.
    const auto gone = std::find_if(view_.version_log.rbegin(), view_.version_log.rend(),
                                   [&](const auto& entry) { return !ids.contains(entry.version_id); });
    view_.version_log.erase(view_.version_log.begin(), gone.base());
  }

  ViewMetadata view_;
  const int64_t now_ms_;
  std::optional<ViewVersion> before_;
  std::optional<int32_t> last_schema_;
  std::optional<int32_t> last_version_;
  std::set<int32_t> added_;
};

}  // namespace

ViewUpdate ViewUpdateFromJson(const nlohmann::json& json) {
  const JsonObject object(json, "");
  const auto& action = object.String("action");
  if (action == "add-schema") return AddViewSchema{ViewSchemaFromJson(object.Member("schema"))};
  if (action == "add-view-version") return AddViewVersion{ViewVersionFromJson(object.Member("view-version"))};
  if (action == "set-current-view-version") return SetCurrentViewVersion{object.Int32("view-version-id")};
  return UpdateFromJson(json);
}

ViewMetadata ApplyToView(ViewMetadata base, const std::vector<ViewUpdate>& updates, Timestamp now) {
  Change change(std::move(base), now);
  for (const auto& update : updates) {
    std::visit([&](const auto& one) { change.Do(one); }, update);
  }
  return std::move(change).Finish();
}

}  // namespace millrace::table

#pragma once

#include <nlohmann/json_fwd.hpp>

#include <variant>
#include <vector>

#include "base/clock.h"
#include "table/update.h"
#include "table/view_metadata.h"

/// What a commit asks of a view (Iceberg REST spec, ViewUpdate).
namespace millrace::table {

struct AddViewSchema {
  ViewSchema schema = {};
};
struct AddViewVersion {
  ViewVersion version = {};
};
struct SetCurrentViewVersion {
  int32_t version_id = -1;  // -1: the last one added by this commit
};
/// Of a table's updates those that views have too: uuid, format version, location, properties.
using ViewUpdate = std::variant<Update, AddViewSchema, AddViewVersion, SetCurrentViewVersion>;

/// Error kData for one that is malformed, not known here, or none of views.
ViewUpdate ViewUpdateFromJson(const nlohmann::json& json);

/// `base` with the updates applied: what is there already, version or schema, is used again; of versions only the
/// newest are kept (`version.history.num-entries`, 10). A view that was there loses no dialect unless its property
/// `replace.drop-dialect.allowed` says so. Error kData for an update that cannot apply, as
/// two texts in one dialect.
ViewMetadata ApplyToView(ViewMetadata base, const std::vector<ViewUpdate>& updates, Timestamp now);

}  // namespace millrace::table

#include "land/edit_table.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace millrace::land {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kWaitMin{20};
constexpr milliseconds kWaitMax{5000};

}  // namespace

std::optional<catalog::LoadedTable> EditTable(
    catalog::Catalog& catalog, const catalog::TableName& name,
    const std::function<table::TableChange(const table::TableMetadata& now)>& change, const Clock& clock,
    const std::stop_token& stop) {
  for (milliseconds wait = kWaitMin;; wait = std::min(2 * wait, kWaitMax)) {
    try {
      auto now = catalog.Load(name);
      if (!now) return std::nullopt;
      const auto wanted = change(*now->metadata);
      if (wanted.empty()) return now;
      auto result = catalog.Commit(name, wanted.requirements, wanted.updates);
      if (auto* committed = std::get_if<catalog::Committed>(&result)) return std::move(committed->table);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnavailable) throw;
      LogWarning("table {} cannot be reached, trying again: {}", catalog::ToString(name), error.what());
    }
    if (!clock.SleepFor(wait, stop)) {
      throw Error(ErrorCode::kUnavailable,
                  "stopped before a change of " + catalog::ToString(name) + " was known to be done; run it again");
    }
  }
}

}  // namespace millrace::land

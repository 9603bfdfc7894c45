#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "refine/maintenance/maintainer.h"

namespace millrace::app {

/// What the last look of maintenance saw of a table, and what came of it.
struct MaintenanceNote {
  int64_t files = 0;  // after it
  int64_t small_files = 0;
  int64_t small_files_max = 0;  // a partition that still receives rows is merged from so many on
  bool compact = true;          // merging is not switched off
  bool busy = false;            // another process maintains the table
  int64_t groups_dropped = 0;
  std::string why_failed{};
};
MaintenanceNote NoteOf(const refine::MaintenanceReport& report, const refine::MaintenanceRules& rules);

/// The notes of all tables, by name. Thread-safe.
class MaintenanceNotes {
 public:
  void Put(const std::string& table, MaintenanceNote note);
  std::optional<MaintenanceNote> Find(const std::string& table) const;
  std::map<std::string, MaintenanceNote> All() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, MaintenanceNote> notes_;
};

}  // namespace millrace::app

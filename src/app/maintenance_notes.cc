#include "app/maintenance_notes.h"

#include <algorithm>
#include <utility>

namespace millrace::app {

MaintenanceNote NoteOf(const refine::MaintenanceReport& report, const refine::MaintenanceRules& rules) {
  const auto& compaction = report.compaction;
  MaintenanceNote note;
  note.files = compaction.before.files - compaction.files_removed + compaction.files_added;
  note.small_files = std::max<int64_t>(0, compaction.before.small_files - compaction.files_removed);
  note.small_files_max = rules.compaction.small_files_max;
  note.compact = rules.compact;
  note.busy = report.busy;
  note.groups_dropped = compaction.groups_dropped;
  note.why_failed = report.why_failed;
  return note;
}

void MaintenanceNotes::Put(const std::string& table, MaintenanceNote note) {
  const std::lock_guard lock(mutex_);
  notes_[table] = std::move(note);
}

std::optional<MaintenanceNote> MaintenanceNotes::Find(const std::string& table) const {
  const std::lock_guard lock(mutex_);
  const auto found = notes_.find(table);
  return found == notes_.end() ? std::nullopt : std::optional(found->second);
}

std::map<std::string, MaintenanceNote> MaintenanceNotes::All() const {
  const std::lock_guard lock(mutex_);
  return notes_;
}

}  // namespace millrace::app

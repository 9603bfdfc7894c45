#include "event/sink.h"

namespace millrace::event {

void AddCounts(const SinkCounts& more, SinkCounts& total) {
  total.records += more.records;
  total.rows += more.rows;
  total.deletes += more.deletes;
  total.duplicates += more.duplicates;
  total.blank += more.blank;
  total.filtered += more.filtered;
  total.rescued_values += more.rescued_values;
  for (const auto& [cause, count] : more.rejected) total.rejected[cause] += count;
  total.missing += more.missing;
  total.commits += more.commits;
  total.files += more.files;
  total.bytes += more.bytes;
}

}  // namespace millrace::event

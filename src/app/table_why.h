#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "app/feed_account.h"
#include "app/maintenance_notes.h"

namespace millrace::app {

/// What is known of a table at one moment, from inside a running pipeline.
struct TableSituation {
  TableStatus status;
  bool intake_ended = false;  // nothing will come any more
  std::optional<MaintenanceNote> maintenance;
  Timestamp now{};
  SteadyTime steady{};
  std::chrono::milliseconds freshness{};
};

/// `state` is a word for programs (frozen): starting, failed, stopped, drained, outcome_unknown, catalog, store,
/// memory, replay, committing, stalled, behind, buffering, up_to_date, stream.
struct TableWhy {
  std::string state;
  std::string sentence;
};

/// What the table waits for, in one sentence; what else somebody should know follows after semicolons: what the last
/// commit sent to quarantine, and small files.
TableWhy Explain(const TableSituation& situation);

/// The part about small files; empty when there is nothing to say.
std::string ExplainFiles(const MaintenanceNote& note);

/// "1.2 M", "300 k", "42".
std::string ShortCount(double count);
/// "4 s", "2 min 5 s", "3 h 20 min".
std::string Span(std::chrono::duration<double> duration);

}  // namespace millrace::app

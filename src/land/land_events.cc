#include "land/land_events.h"

#include "base/log.h"

namespace millrace::land {

void CommitAnswered::Emit() const {
  const auto name = catalog::ToString(table);
  std::string_view answer = "committed";
  if (const auto* unknown = std::get_if<catalog::Unknown>(&result)) {
    answer = "unknown";
    LogWarning("commit to {}: the outcome is unknown, reading again: {}", name, unknown->why);
  } else if (const auto* conflict = std::get_if<catalog::Conflict>(&result)) {
    answer = "conflict";
    LogDebug("commit to {}: {}; building on the newer table", name, conflict->why);
  }
  Metrics::Process().Add(kCommitRequests, {name, answer});
}

void AmbiguousCommitResolved::Emit() const {
  const auto name = catalog::ToString(table);
  Metrics::Process().Add(kAmbiguousCommits, {name, landed ? "landed" : "not_landed"});
  LogInfo("commit to {}: {}", name,
          landed ? "it had landed after all" : "it has not landed; it is made again, from the same files");
}

void TableUnreadable::Emit() const {
  Metrics::Process().Add(kLandingRetries, {"catalog"});
  LogWarning("table {} cannot be read, trying again: {}", catalog::ToString(table), why);
}

void StoreFailed::Emit() const {
  Metrics::Process().Add(kLandingRetries, {"object_store"});
  LogWarning("{}; trying again in {} ms, everything is kept", why, delay.count());
}

}  // namespace millrace::land

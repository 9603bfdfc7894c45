#pragma once

#include <map>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "refine/graph.h"
#include "refine/runner.h"

namespace millrace::refine {

/// Which models of times are due. When a model ran last is stored in its table, so that any process knows it, after a
/// crash too; what is kept here only saves asking. Two processes that find a model due at one moment both run it: one
/// of them commits and the other finds nothing to do. Moments that passed meanwhile are made up for by one run, as a
/// run takes all there is. One thread at a time.
class Scheduler {
 public:
  Scheduler(const Graph& graph, catalog::Catalog& catalog, const Clock& clock = Clock::System());

  bool empty() const { return dues_.empty(); }
  /// When a model that never ran is due: at its next moment, or at once, for a process that lives for less than that.
  enum class First { kNextMoment, kAtOnce };
  /// Those whose time has come, and those of whose table it cannot be told: their runs say why. Error kUnavailable when
  /// the catalogue cannot be asked.
  std::vector<catalog::TableName> Due(First first = First::kNextMoment);
  /// What became of one: a run that failed is due again after a while that doubles, `retries` times, and then at its
  /// next moment.
  void Ended(const RunReport& report);
  /// nullopt: it has no times, or Due was never asked.
  std::optional<Timestamp> NextOf(const catalog::TableName& name) const;

 private:
  struct Entry {
    const Model* model = nullptr;
    std::optional<Timestamp> next;
    int failures = 0;
  };
  Timestamp FirstOf(const Model& model, Timestamp now, First first) const;
  bool RanElsewhere(Entry& due, Timestamp now) const;
  bool IsDue(Entry& due, Timestamp now, First first) const;

  catalog::Catalog& catalog_;
  const Clock& clock_;
  std::map<catalog::TableName, Entry> dues_;
  Timestamp looked_{};
};

}  // namespace millrace::refine

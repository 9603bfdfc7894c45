#include "refine/schedule/scheduler.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "refine/run_plan.h"

namespace millrace::refine {
namespace {

constexpr std::chrono::seconds kBackoff{30};
constexpr std::chrono::seconds kBackoffMax{1800};

std::chrono::seconds BackoffAfter(int failures) {
  auto backoff = kBackoff;
  for (int i = 1; i < failures && backoff < kBackoffMax; ++i) backoff *= 2;
  return std::min(backoff, kBackoffMax);
}

}  // namespace

Scheduler::Scheduler(const Graph& graph, catalog::Catalog& catalog, const Clock& clock)
    : catalog_(catalog), clock_(clock) {
  for (const auto& node : graph.nodes()) {
    if (node.model.times) dues_[node.model.name].model = &node.model;
  }
}

/// A last run that lies in the future was stored by a clock that was wrong.
Timestamp Scheduler::FirstOf(const Model& model, Timestamp now, First first) const {
  const auto last = LastRunAt(catalog_, model);
  if (!last && first == First::kAtOnce) return now;
  if (!last || *last > now) return model.times->Next(now);
  const auto next = model.times->Next(*last);
  return next <= now && !model.catch_up ? model.times->Next(now) : next;
}

bool Scheduler::RanElsewhere(Entry& due, Timestamp now) const {
  const auto last = LastRunAt(catalog_, *due.model);
  if (!last || *last > now || due.failures > 0) return false;
  const auto next = due.model->times->Next(*last);
  if (next <= now) return false;
  due.next = next;
  return true;
}

bool Scheduler::IsDue(Entry& due, Timestamp now, First first) const {
  try {
    if (!due.next) due.next = FirstOf(*due.model, now, first);
    return *due.next <= now && !RanElsewhere(due, now);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kUnavailable) throw;
    return true;
  }
}

std::vector<catalog::TableName> Scheduler::Due(First first) {
  const auto now = clock_.Now();
  const bool set_back = now < looked_;
  looked_ = now;
  std::vector<catalog::TableName> names;
  for (auto& [name, due] : dues_) {
    if (set_back && due.next) due.next = std::min(*due.next, due.model->times->Next(now));
    if (IsDue(due, now, first)) names.push_back(name);
  }
  return names;
}

void Scheduler::Ended(const RunReport& report) {
  const auto found = dues_.find(report.model);
  // What another process runs stays due until that one has run it.
  if (found == dues_.end() || report.busy) return;
  auto& due = found->second;
  const auto now = clock_.Now();
  const auto next = due.model->times->Next(now);
  const bool failed = report.outcome == RunReport::Outcome::kFailed || report.outcome == RunReport::Outcome::kSkipped;
  due.failures = failed && due.failures < due.model->retries ? due.failures + 1 : 0;
  due.next = due.failures > 0 ? std::min<Timestamp>(now + BackoffAfter(due.failures), next) : next;
}

std::optional<Timestamp> Scheduler::NextOf(const catalog::TableName& name) const {
  const auto found = dues_.find(name);
  return found == dues_.end() ? std::nullopt : found->second.next;
}

}  // namespace millrace::refine

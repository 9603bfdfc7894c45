#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "base/byte_budget.h"
#include "base/clock.h"
#include "land/quarantine_rows.h"
#include "land/rejects.h"

namespace millrace::land {

/// "quarantine.<namespace>_<name>", dots of the namespace as '_'.
catalog::TableName QuarantineTableOf(const catalog::TableName& target);

/// Keeps what could not become a row: an Iceberg table of QuarantineColumns, which is created with the first reject.
///
/// A chunk's rejects are committed before the chunk's rows. When a crash comes between, the chunk is replayed, perhaps
/// cut differently: Recover learns which records that the target has not passed are here already, and Holds says so of
/// each, so that the sink neither lands nor quarantines them again. Of two workers at one place, the one that commits
/// later is told so and starts over. Thread-safe. Positions of a chunk are those of the target. Error kStop when the
/// table is not one of ours.
class QuarantineWriter final : public Rejects {
 public:
  QuarantineWriter(catalog::Catalog& catalog, QuarantineOptions options, ByteBudget& budget,
                   const Clock& clock = Clock::System());
  ~QuarantineWriter() override;
  QuarantineWriter(const QuarantineWriter&) = delete;
  QuarantineWriter& operator=(const QuarantineWriter&) = delete;

  void Recover(const event::Positions& landed) override;
  std::optional<event::RejectCause> Holds(const event::SplitId& split, int64_t offset) const override;
  bool holds_any() const override;
  void Add(const event::EventBatch& events, const std::vector<event::Reject>& rejects) override;
  void AddGap(const event::EventBatch& events) override;
  int64_t pending_rows() const;
  [[nodiscard]] bool Commit(const event::Positions& from, const event::Positions& to, std::stop_token stop) override;
  void Drop() override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::land

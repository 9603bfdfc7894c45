#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "event/event_batch.h"
#include "source/http_poll/http_poll_options.h"
#include "source/http_poll/poll_state.h"
#include "source/json_path.h"

namespace millrace::source {

/// Takes the rows of a page that did not come before, and moves what the state knows of rows.
/// A row did come before when it was, byte for byte, among those of the last pages (where rows are unique), or among
/// those of earlier rounds with the newest value of the incremental field, which many APIs give again.
class NewRows {
 public:
  explicit NewRows(const HttpPollOptions& options);
  ~NewRows();

  /// The rows that are new, minified, one a line; a batch without position.
  std::shared_ptr<event::EventBatch> Take(const std::vector<std::string_view>& rows, PollState& state);
  /// After the last page of a round.
  void EndRound(PollState& state) const;

 private:
  struct Field;
  bool CameBefore(uint64_t hash, const std::optional<std::string>& value, const PollState& state) const;
  void Note(uint64_t hash, const std::optional<std::string>& value, PollState& state) const;

  const bool unique_;
  const std::unique_ptr<Field> field_;  // null: not incremental
};

/// Whether `a` comes after `b`: as numbers when both are, else as text, which is right for ISO 8601 times of one zone.
/// Everything comes after "".
bool IsNewer(const std::string& a, const std::string& b);

}  // namespace millrace::source

#pragma once

#include <vector>

#include "table/update.h"

namespace millrace::table {

/// A commit that touches only metadata. Derive it again from a fresh base after a conflict.
struct TableChange {
  std::vector<Requirement> requirements = {};
  std::vector<Update> updates = {};
  /// Nothing to do: the table is that way already.
  bool empty() const { return updates.empty(); }
};

}  // namespace millrace::table

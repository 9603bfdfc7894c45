#pragma once

#include <variant>
#include <vector>

#include "catalog/catalog.h"

namespace millrace::catalog {

/// A commit to one of several tables.
struct TableCommit {
  TableName name;
  std::vector<table::Requirement> requirements;
  std::vector<table::Update> updates;
};

/// Every commit of a transaction landed.
struct AllCommitted {};
/// A conflict: of one commit, and nothing of any landed. Unknown: all of them may have landed, or may land yet.
using AllResult = std::variant<AllCommitted, Conflict, Unknown>;

}  // namespace millrace::catalog

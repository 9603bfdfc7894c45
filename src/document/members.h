#pragma once

#include <simdjson.h>

#include <string_view>
#include <unordered_set>
#include <vector>

namespace millrace::document {

/// Where a document keeps its Version: {split, offset, time, and of a deleted one when that was}.
inline constexpr std::string_view kVersionMember = "_millrace";
/// true: a note that a document was deleted.
inline constexpr std::string_view kDeletedMember = "_deleted";

/// A member that is ours cannot be the record's. Throws Unfit.
void RequireFree(simdjson::dom::object record, std::string_view name);

/// The names of one object. Borrows them.
class MemberNames {
 public:
  /// A name that was there before is Unfit.
  void Add(std::string_view name);

 private:
  bool IsNew(std::string_view name);

  std::vector<std::string_view> few_;
  std::unordered_set<std::string_view> many_;
};

}  // namespace millrace::document

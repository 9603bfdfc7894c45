#include "document/members.h"

#include <fmt/format.h>

#include <algorithm>

#include "document/document_store.h"

namespace millrace::document {
namespace {

using event::RejectCause;

/// Few members are compared with each other, many by a table.
constexpr size_t kFewMembers = 16;

}  // namespace

void RequireFree(simdjson::dom::object record, std::string_view name) {
  if (!record.at_key(name).error()) {
    throw Unfit{RejectCause::kContract, fmt::format("it has a member {}, which is not the record's to set", name)};
  }
}

void MemberNames::Add(std::string_view name) {
  if (!IsNew(name)) throw Unfit{RejectCause::kDuplicateKey, fmt::format("one object names {} twice", name)};
}

bool MemberNames::IsNew(std::string_view name) {
  if (few_.size() < kFewMembers) {
    if (std::ranges::find(few_, name) != few_.end()) return false;
    few_.push_back(name);
    return true;
  }
  if (many_.empty()) many_.insert(few_.begin(), few_.end());
  return many_.insert(name).second;
}

}  // namespace millrace::document

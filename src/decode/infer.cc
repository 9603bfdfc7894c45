#include "decode/infer.h"

#include <algorithm>
#include <utility>

#include "decode/json_scan.h"
#include "decode/json_string.h"
#include "decode/timestamp.h"

namespace millrace::decode {
namespace {

/// Steps over the parts of a valid object or list, bracket to bracket.
class Parts {
 public:
  explicit Parts(std::string_view container) : at_(container.data() + 1), end_(container.data() + container.size()) {
    Space();
  }
  bool AtEnd() const { return *at_ == '}' || *at_ == ']'; }
  /// The value here, then behind the comma or colon that follows it.
  std::string_view Take() {
    const char* const begin = at_;
    at_ = ScanValue(begin, end_, 1024).end;
    const std::string_view value(begin, static_cast<size_t>(at_ - begin));
    Space();
    if (*at_ == ',' || *at_ == ':') ++at_;
    Space();
    return value;
  }

 private:
  void Space() { at_ = SkipSpace(at_, end_); }

  const char* at_;
  const char* const end_;
};

}  // namespace

bool Observed::Typed() const {
  switch (kind_) {
    case Kind::kNothing:
      return false;
    case Kind::kObject:
      return std::any_of(members_.begin(), members_.end(), [](const auto& member) { return member->value.Typed(); });
    case Kind::kList:
      return element_->Typed();
    default:
      return true;
  }
}

void Observer::Look(std::string_view record) {
  const char* const end = record.data() + record.size();
  const char* const begin = SkipSpace(record.data(), end);
  const auto scanned = ScanValue(begin, end, limits_.depth_max);
  if (!scanned || *begin != '{' || SkipSpace(scanned.end, end) != end) return;
  LookAt({begin, static_cast<size_t>(scanned.end - begin)}, root_);
}

void Observer::LookAt(std::string_view value, Observed& seen) {
  const auto is = [&seen](Observed::Kind kind) {
    if (seen.kind_ == Observed::Kind::kNothing) seen.kind_ = kind;
    return seen.kind_ == kind;
  };
  switch (value[0]) {
    case 'n':
      return;
    case 't':
    case 'f':
      is(Observed::Kind::kBool);
      return;
    case '"':
      return LookAtText(value, seen);
    case '{':
      if (is(Observed::Kind::kObject)) LookAtObject(value, seen);
      return;
    case '[':
      if (is(Observed::Kind::kList)) LookAtList(value, seen);
      return;
    default:
      return LookAtNumber(value, seen);
  }
}

void Observer::LookAtNumber(std::string_view value, Observed& seen) {
  const bool integer = value.find_first_of(".eE") == std::string_view::npos;
  if (seen.kind_ == Observed::Kind::kNothing || seen.kind_ == Observed::Kind::kInteger) {
    seen.kind_ = integer ? Observed::Kind::kInteger : Observed::Kind::kDouble;
  }
}

void Observer::LookAtText(std::string_view value, Observed& seen) {
  const bool is_timestamp = limits_.timestamps && IsUtcTimestamp(value.substr(1, value.size() - 2));
  if (seen.kind_ == Observed::Kind::kNothing) {
    seen.kind_ = Observed::Kind::kText;
    seen.all_timestamps_ = is_timestamp;
  } else if (seen.kind_ == Observed::Kind::kText) {
    seen.all_timestamps_ = seen.all_timestamps_ && is_timestamp;
  }
}

void Observer::LookAtObject(std::string_view value, Observed& seen) {
  std::vector<std::pair<std::string_view, std::string_view>> members;
  for (Parts parts(value); !parts.AtEnd();) {
    const auto key = parts.Take();
    if (members.size() == limits_.members_max) return;
    members.emplace_back(key.substr(1, key.size() - 2), parts.Take());
  }
  for (const auto& [raw_key, member] : members) {
    auto key = UnescapeKey(raw_key);
    if (!key || key->size() > limits_.name_bytes_max) continue;
    const auto found = seen.by_name_.find(*key);
    if (found != seen.by_name_.end()) {
      LookAt(member, found->second->value);
      continue;
    }
    if (observed_ == 2 * limits_.members_max) continue;
    ++observed_;
    auto& added = *seen.members_.emplace_back(std::make_unique<Observed::Member>());
    added.name = std::move(*key);
    seen.by_name_.emplace(added.name, &added);
    LookAt(member, added.value);
  }
}

void Observer::LookAtList(std::string_view value, Observed& seen) {
  if (!seen.element_) seen.element_ = std::make_unique<Observed>();
  for (Parts parts(value); !parts.AtEnd();) LookAt(parts.Take(), *seen.element_);
}

}  // namespace millrace::decode

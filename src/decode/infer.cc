#include "decode/infer.h"

#include <algorithm>
#include <utility>

#include "decode/json_scan.h"
#include "decode/json_string.h"
#include "decode/string_copy.h"

namespace millrace::decode {

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

Observed::Member* Observed::Find(std::string_view name) {
  if (guess_ >= members_.size() || members_[guess_]->name != name) {
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) return nullptr;
    guess_ = found->second;
  }
  return members_[guess_++].get();
}

void Observer::Look(std::string_view record) {
  end_ = record.data() + record.size();
  const char* const begin = SkipSpace(record.data(), end_);
  const auto scanned = ScanValue(begin, end_, limits_.depth_max);
  if (!scanned || *begin != '{' || SkipSpace(scanned.end, end_) != end_) return;
  LookAt(begin, root_);
}

const char* Observer::LookAt(const char* at, Observed& seen) {
  switch (*at) {
    case '"':
      return LookAtText(at, seen);
    case '{':
      return LookAtObject(at, seen);
    case '[':
      return LookAtList(at, seen);
    default:
      return LookAtScalar(at, seen);
  }
}

const char* Observer::LookAtScalar(const char* at, Observed& seen) {
  using Kind = Observed::Kind;
  const char* const begin = at;
  bool integer = true;
  for (;
       at != end_ && *at != ',' && *at != '}' && *at != ']' && *at != ' ' && *at != '\n' && *at != '\r' && *at != '\t';
       ++at) {
    integer = integer && *at != '.' && *at != 'e' && *at != 'E';
  }
  if (*begin == 'n') return at;
  if (*begin == 't' || *begin == 'f') {
    if (seen.kind_ == Kind::kNothing) seen.kind_ = Kind::kBool;
  } else if (seen.kind_ == Kind::kNothing || seen.kind_ == Kind::kInteger) {
    seen.kind_ = integer ? Kind::kInteger : Kind::kDouble;
  }
  return at;
}

namespace {

/// The end of the string at `at`, behind its closing quote.
const char* StringEnd(const char* at, const char* end) {
  for (++at; *(at = FindStringStop(at, end)) != '"';) at += 2;
  return at + 1;
}

/// Behind the comma, if there is one.
const char* NextPart(const char* at, const char* end) {
  at = SkipSpace(at, end);
  return *at == ',' ? SkipSpace(at + 1, end) : at;
}

}  // namespace

const char* Observer::LookAtText(const char* at, Observed& seen) {
  using Kind = Observed::Kind;
  const char* const end = StringEnd(at, end_);
  const auto is_timestamp = [&] {
    const std::string_view text(at + 1, static_cast<size_t>(end - at - 2));
    int64_t micros = 0;
    return limits_.timestamps && LooksLikeUtc(text) && timestamps_.Parse(text, micros);
  };
  if (seen.kind_ == Kind::kNothing) {
    seen.kind_ = Kind::kText;
    seen.all_timestamps_ = is_timestamp();
  } else if (seen.kind_ == Kind::kText && seen.all_timestamps_) {
    seen.all_timestamps_ = is_timestamp();
  }
  return end;
}

const char* Observer::LookAtObject(const char* at, Observed& seen) {
  if (seen.kind_ == Observed::Kind::kNothing) seen.kind_ = Observed::Kind::kObject;
  Observed& object = seen.kind_ == Observed::Kind::kObject ? seen : unused_;
  const size_t known = object.members_.size();
  object.guess_ = 0;
  size_t members = 0;
  for (at = SkipSpace(at + 1, end_); *at != '}'; at = NextPart(at, end_)) {
    at = LookAtMember(at, ++members > limits_.members_max ? unused_ : object);
  }
  if (members > limits_.members_max) ForgetFrom(known, object);
  return at + 1;
}

const char* Observer::LookAtMember(const char* at, Observed& object) {
  const char* const key = at;
  at = StringEnd(at, end_);
  const std::string_view raw_key(key + 1, static_cast<size_t>(at - key - 2));
  at = SkipSpace(SkipSpace(at, end_) + 1, end_);
  Observed::Member* const member = &object == &unused_ ? nullptr : FindOrAdd(raw_key, object);
  return LookAt(at, member == nullptr ? unused_ : member->value);
}

Observed::Member* Observer::FindOrAdd(std::string_view raw_key, Observed& object) {
  std::string unescaped;
  std::string_view key = raw_key;
  if (raw_key.find('\\') != std::string_view::npos) {
    auto text = UnescapeKey(raw_key);
    if (!text) return nullptr;
    unescaped = std::move(*text);
    key = unescaped;
  }
  if (key.size() > limits_.name_bytes_max) return nullptr;
  if (auto* const known = object.Find(key)) return known;
  // Twice as many as columns may be added, since some of these names are columns already.
  if (observed_ == 2 * limits_.members_max) return nullptr;
  ++observed_;
  auto& added = *object.members_.emplace_back(std::make_unique<Observed::Member>());
  added.name = std::string(key);
  object.by_name_.emplace(added.name, object.members_.size() - 1);
  return &added;
}

void Observer::ForgetFrom(size_t kept, Observed& object) {
  for (; object.members_.size() > kept; object.members_.pop_back()) {
    object.by_name_.erase(object.members_.back()->name);
    --observed_;
  }
}

const char* Observer::LookAtList(const char* at, Observed& seen) {
  if (seen.kind_ == Observed::Kind::kNothing) seen.kind_ = Observed::Kind::kList;
  const bool is_list = seen.kind_ == Observed::Kind::kList;
  if (is_list && !seen.element_) seen.element_ = std::make_unique<Observed>();
  Observed& element = is_list && &seen != &unused_ ? *seen.element_ : unused_;
  for (at = SkipSpace(at + 1, end_); *at != ']'; at = NextPart(at, end_)) at = LookAt(at, element);
  return at + 1;
}

}  // namespace millrace::decode

#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>

namespace millrace::api {

/// Values by key, of the keys that were put last; when there are more than `keys_max`, the one that was put longest ago
/// goes.
template <typename Value>
class RecentMap {
 public:
  explicit RecentMap(size_t keys_max) : keys_max_(keys_max) {}

  /// Null: it is not there.
  const Value* Find(const std::string& key) const {
    const auto place = places_.find(key);
    return place == places_.end() ? nullptr : &place->second->second;
  }
  void Put(const std::string& key, Value value) {
    if (const auto place = places_.find(key); place != places_.end()) {
      place->second->second = std::move(value);
      entries_.splice(entries_.begin(), entries_, place->second);
      return;
    }
    if (entries_.size() >= keys_max_) {
      places_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(key, std::move(value));
    places_.emplace(key, entries_.begin());
  }

 private:
  using Entries = std::list<std::pair<std::string, Value>>;

  size_t keys_max_;
  Entries entries_;
  std::unordered_map<std::string, typename Entries::iterator> places_;
};

}  // namespace millrace::api

#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::schema {

/// What a comparison of two schemas finds, pair by pair of their parts. Each pair is compared once: one that is being
/// compared further up counts as fine, since what is wrong with it is said there. Schemas come from outside and hold
/// themselves, so that depth and number of the pairs are bounded; beyond that they count as not compatible.
template <typename Part>
class PairFindings {
 public:
  /// Whether the pair goes together: `body` says so, and calls Wrong() when not.
  template <typename Body>
  bool Compare(const Part& reader, const Part& writer, const std::string& path, Body&& body) {
    const Pair pair{&reader, &writer};
    if (const auto known = verdicts_.find(pair); known != verdicts_.end()) {
      const auto& why = known->second;
      return !why || Wrong(why->what, path + why->path, why->why);
    }
    if (exhausted()) return false;  // as Take() says
    ++compared_;
    if (depth_ == kDepthMax) return Wrong(kTooComplex, path, kTooComplexWhy);
    verdicts_.emplace(pair, std::nullopt);
    const size_t mark = fine_.size();
    ++depth_;
    const bool goes = body();
    --depth_;
    if (goes) {
      fine_.push_back(pair);
      return true;
    }
    // What was found fine meanwhile may have counted on this pair.
    for (; fine_.size() > mark; fine_.pop_back()) verdicts_.erase(fine_.back());
    auto why = last_;
    why.path.erase(0, path.size());
    verdicts_[pair] = std::move(why);
    return false;
  }

  /// The same without a word of what is wrong.
  template <typename Body>
  bool Quietly(Body&& body) {
    const size_t said = said_.size();
    const bool goes = body();
    said_.resize(said);
    return goes;
  }

  /// Always false.
  bool Wrong(std::string_view what, const std::string& path, std::string_view why) {
    last_ = {std::string(what), path, std::string(why)};
    if (said_.size() < kSaidMax || what == kTooComplex) {
      said_.push_back(fmt::format("{} at {}: {}", what, path.empty() ? "/" : path, why));
    }
    return false;
  }

  /// Nothing goes together any more: whoever tries many pairs need try no other.
  bool exhausted() const { return compared_ >= kPairsMax; }

  std::vector<std::string> Take() && {
    if (exhausted()) Wrong(kTooComplex, "", kTooComplexWhy);
    return std::move(said_);
  }

 private:
  static constexpr int kDepthMax = 200;
  static constexpr size_t kPairsMax = 30'000;
  static constexpr size_t kSaidMax = 100;
  static constexpr const char* kTooComplex = "TOO_COMPLEX";
  static constexpr const char* kTooComplexWhy = "the schemas are too complex to be compared";

  using Pair = std::pair<const Part*, const Part*>;
  struct Why {
    std::string what;
    std::string path;  // of what was compared last; of a pair: behind the pair's own
    std::string why;
  };

  std::map<Pair, std::optional<Why>> verdicts_;
  std::vector<Pair> fine_;  // in the order in which they were found so
  std::vector<std::string> said_;
  Why last_;
  int depth_ = 0;
  size_t compared_ = 0;
};

}  // namespace millrace::schema

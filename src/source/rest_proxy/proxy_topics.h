#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "event/stream.h"

namespace millrace::source {

/// Which topics the proxy may append to. Thread-safe.
class ProxyTopics {
 public:
  struct Options {
    std::vector<std::string> allowed;  // names; '*' in them stands for any characters
    bool create = false;
    std::function<event::TopicSpec(const std::string& topic)> spec_of;  // of one that is made
  };
  ProxyTopics(Options options, event::Stream& stream, const Clock& clock = Clock::System());

  bool Allows(const std::string& topic) const;
  const std::vector<std::string>& allowed() const { return options_.allowed; }
  /// How many partitions it has; made first where that is allowed. Throws RestRefusal: kNotAuthorized, kTopicNotFound.
  int32_t PartitionsOf(const std::string& topic);
  /// It is looked up anew.
  void Forget(const std::string& topic);

 private:
  struct Known {
    int32_t partitions = 0;
    SteadyTime until{};
  };

  const Options options_;
  event::Stream& stream_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;
};

/// Whether a name is as a pattern says, in which '*' stands for any characters.
bool MatchesName(std::string_view pattern, std::string_view name);

}  // namespace millrace::source

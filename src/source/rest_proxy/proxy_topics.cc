#include "source/rest_proxy/proxy_topics.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "event/topic_name.h"
#include "source/rest_proxy/rest_refusal.h"

namespace millrace::source {
namespace {

/// A topic that goes, or gets more partitions, is noticed this late; an append to it is refused by the stream before.
constexpr std::chrono::seconds kKnownFor{5};
constexpr size_t kKnownMax = 10'000;

}  // namespace

bool MatchesName(std::string_view pattern, std::string_view name) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (name.substr(0, star) != pattern.substr(0, star)) return false;
  const auto rest = pattern.substr(star + 1);
  for (auto from = star; from <= name.size(); ++from) {
    if (MatchesName(rest, name.substr(from))) return true;
  }
  return false;
}

ProxyTopics::ProxyTopics(Options options, event::Stream& stream, const Clock& clock)
    : options_(std::move(options)), stream_(stream), clock_(clock) {}

bool ProxyTopics::Allows(const std::string& topic) const {
  return std::ranges::any_of(options_.allowed, [&](const auto& pattern) { return MatchesName(pattern, topic); });
}

int32_t ProxyTopics::PartitionsOf(const std::string& topic) {
  if (!Allows(topic)) {
    throw RestRefusal(
        kNotAuthorized,
        fmt::format("topic {} is not produced to here: `server.rest_proxy.topics` does not name it", topic));
  }
  // Brokers are asked about nothing else.
  if (!event::IsTopicName(topic)) throw RestRefusal(kTopicNotFound, "Topic not found.");
  const auto now = clock_.Steady();
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = known_.find(topic); found != known_.end() && now < found->second.until)
      return found->second.partitions;
  }
  auto info = stream_.FindTopic(topic);
  if (!info && options_.create) info = stream_.EnsureTopic(options_.spec_of(topic));
  if (!info) throw RestRefusal(kTopicNotFound, "Topic not found.");
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kKnownMax) known_.clear();
  known_[topic] = {info->spec.partitions, now + kKnownFor};
  return info->spec.partitions;
}

void ProxyTopics::Forget(const std::string& topic) {
  const std::lock_guard lock(mutex_);
  known_.erase(topic);
}

}  // namespace millrace::source

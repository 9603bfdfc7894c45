#include "app/topic_browser.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>
#include <vector>

#include "app/header_json.h"
#include "app/topic_facts.h"
#include "base/error.h"

namespace millrace::app {
namespace {

using nlohmann::ordered_json;

constexpr size_t kValueBytesMax = size_t{64} << 10;
constexpr int64_t kScannedMax = 500'000;
constexpr auto kTimeMax = std::chrono::seconds(5);
/// How far before its end a partition is looked at for the newest records that meet a condition.
constexpr int64_t kWindow = 20'000;
/// What was read when the time was over is asked all the same.
constexpr int64_t kLastAskMs = 2000;
/// What is asked of a condition in SQL at once, by another process.
constexpr size_t kAskedAtFirst = 1000;
constexpr size_t kAskedMax = 20'000;
constexpr size_t kAskedBytesMax = size_t{8} << 20;

struct Found {
  int32_t partition = 0;
  int64_t offset = 0;
  Timestamp time{};
  std::string key;
  ordered_json headers;
  std::string value;
  size_t bytes = 0;
};

/// What is cut off gives its memory back.
void Shorten(std::string& text) {
  if (text.size() > kValueBytesMax) text = text.substr(0, kValueBytesMax);
}

std::vector<std::string> PathOf(const std::string& text) {
  std::vector<std::string> path;
  size_t begin = text.starts_with("$.") ? 2 : 0;
  while (begin <= text.size() && !text.empty()) {
    const auto end = std::min(text.find('.', begin), text.size());
    path.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return path;
}

/// Whether a record is meant.
class Condition {
 public:
  explicit Condition(const BrowseOptions& options)
      : contains_(options.contains), path_(PathOf(options.path)), equals_(options.equals) {}

  bool empty() const { return contains_.empty() && path_.empty(); }
  bool Meets(std::string_view key, std::string_view value) const {
    const bool has = contains_.empty() || key.find(contains_) != std::string_view::npos ||
                     value.find(contains_) != std::string_view::npos;
    return has && (path_.empty() || Equals(value));
  }

 private:
  bool Equals(std::string_view value) const {
    const auto document = nlohmann::json::parse(value, nullptr, false);
    const auto* at = &document;
    for (const auto& member : path_) {
      if (!at->is_object()) return false;
      const auto found = at->find(member);
      if (found == at->end()) return false;
      at = &*found;
    }
    return (at->is_string() ? at->get_ref<const std::string&>() : at->dump()) == equals_;
  }

  const std::string contains_;
  const std::vector<std::string> path_;
  const std::string equals_;
};

/// What is kept of one partition, and where it is looked at next.
struct Place {
  event::SplitId split = {};
  int64_t next = 0;
  int64_t end = -1;  // -1: not known
  std::deque<Found> found = {};
};

class Browser {
 public:
  Browser(event::Stream& stream, const event::TopicInfo& topic, const BrowseOptions& options,
          const RecordFilter& filter)
      : stream_(stream),
        topic_(topic),
        options_(options),
        filter_(filter),
        condition_(options),
        newest_(!options.offset && !options.time && options.positions.empty()) {
    FindPlaces();
  }

  ordered_json Browse(const std::stop_token& stop);

 private:
  void FindPlaces();
  event::Positions Positions() const;
  void Take(const event::EventBatch& batch);
  void Keep(Found found);
  void Judge();
  bool HasEnough(const Place& place) const {
    return !newest_ && static_cast<int64_t>(place.found.size()) >= options_.records_max;
  }
  bool Done() const {
    return std::ranges::all_of(places_, [&](const auto& each) {
      return HasEnough(each.second) || (each.second.end >= 0 && each.second.next >= each.second.end);
    });
  }
  std::vector<Found> Merged();
  std::vector<Found> Newest();
  ordered_json Answer(bool complete);

  event::Stream& stream_;
  const event::TopicInfo& topic_;
  const BrowseOptions& options_;
  const RecordFilter& filter_;
  const Condition condition_;
  const bool newest_;
  std::map<int32_t, Place> places_;
  int64_t scanned_ = 0;
  const SteadyTime deadline_ = Clock::System().Steady() + kTimeMax;
  /// From a place on, few are read before it is known whether they are enough; then more each time.
  size_t ask_at_ = newest_ ? kAskedMax : kAskedAtFirst;
  std::vector<Found> asked_ = {};  // wait to be asked of the condition in SQL
  size_t asked_bytes_ = 0;
  size_t failed_ = 0;
  std::string failure_ = {};
};

void Browser::FindPlaces() {
  event::Positions starts;
  if (options_.time)
    starts = stream_.FindStart(topic_.spec.name, {.at = event::Start::At::kTime, .time = *options_.time});
  const auto window = condition_.empty() && options_.where.empty() ? options_.records_max : kWindow;
  for (const auto& partition : topic_.partitions) {
    if (options_.partition && partition.partition != *options_.partition) continue;
    Place place{.split = event::TopicSplit(topic_.id, partition.partition), .next = partition.first_offset};
    place.end = partition.next_offset;
    if (const auto at = options_.positions.find(partition.partition); at != options_.positions.end()) {
      place.next = std::max(at->second, partition.first_offset);
    } else if (options_.offset) {
      place.next = std::max(*options_.offset, partition.first_offset);
    } else if (const auto start = starts.find(place.split); start != starts.end()) {
      place.next = event::OffsetOf(start->second);
    } else if (newest_ && partition.next_offset >= 0) {
      place.next = std::max(partition.first_offset, partition.next_offset - window);
    }
    if (place.end >= 0) place.next = std::min(place.next, place.end);
    places_[partition.partition] = std::move(place);
  }
  if (places_.empty()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("topic {} has no partition {}", topic_.spec.name, options_.partition.value_or(0)));
  }
}

/// Partitions that are not looked at are read from their end.
event::Positions Browser::Positions() const {
  event::Positions positions;
  for (const auto& partition : topic_.partitions) {
    const auto found = places_.find(partition.partition);
    const auto next = found == places_.end() ? partition.next_offset : found->second.next;
    if (next >= 0) positions[event::TopicSplit(topic_.id, partition.partition)] = event::OffsetCursor(next);
  }
  return positions;
}

void Browser::Take(const event::EventBatch& batch) {
  const auto at = places_.find(batch.partition);
  if (at == places_.end()) return;
  auto& place = at->second;
  // A condition in SQL reads the whole value; nobody else needs more than is shown.
  const size_t copied = options_.where.empty() ? kValueBytesMax : std::string_view::npos;
  for (size_t i = 0; i < batch.size() && !HasEnough(place); ++i) {
    ++scanned_;
    place.next = batch.offset(i) + 1;
    const auto key = batch.key(i);
    const auto value = batch.record(i);
    if (!condition_.Meets(key, value)) continue;
    Found found{.partition = batch.partition,
                .offset = batch.offset(i),
                .time = batch.timestamp(i),
                .key = std::string(key.substr(0, copied)),
                .headers = HeadersAsJson(batch.header_block(i)),
                .value = std::string(value.substr(0, copied)),
                .bytes = value.size()};
    if (options_.where.empty()) {
      Keep(std::move(found));
      continue;
    }
    asked_bytes_ += found.bytes;
    asked_.push_back(std::move(found));
    if (asked_.size() >= ask_at_ || asked_bytes_ >= kAskedBytesMax) Judge();
  }
}

void Browser::Keep(Found found) {
  auto& place = places_.at(found.partition);
  Shorten(found.key);
  Shorten(found.value);
  place.found.push_back(std::move(found));
  if (newest_ && static_cast<int64_t>(place.found.size()) > options_.records_max) place.found.pop_front();
}

/// Those that meet the condition in SQL are kept.
void Browser::Judge() {
  if (asked_.empty()) return;
  const auto left = std::chrono::duration_cast<Duration>(deadline_ - Clock::System().Steady());
  std::vector<std::string_view> values;
  values.reserve(asked_.size());
  for (const auto& each : asked_) values.push_back(each.value);
  const auto met = filter_(options_.where, values, std::max(left, Duration(kLastAskMs)));
  for (const auto place : met.met) Keep(std::move(asked_[place]));
  failed_ += met.failed;
  // What follows shows a statement that nobody wrote.
  if (failure_.empty()) failure_ = met.failure.substr(0, met.failure.find('\n'));
  ask_at_ = std::min(2 * ask_at_, kAskedMax);
  asked_.clear();
  asked_bytes_ = 0;
}

ordered_json Browser::Browse(const std::stop_token& stop) {
  const auto reader = stream_.OpenReader(topic_.spec.name, event::ReaderOptions{.reader = {}, .headers = true});
  reader->Seek(Positions());
  bool ended = false;
  while (!ended && !Done() && !stop.stop_requested() && scanned_ < kScannedMax &&
         Clock::System().Steady() < deadline_) {
    const auto read = reader->Read({}, stop);
    if (read.state == event::ReadState::kReassigned) {
      reader->Seek(Positions());
    } else if (read.state == event::ReadState::kBatch) {
      Take(*read.batch);
    } else {
      ended = read.state != event::ReadState::kWaiting;
    }
  }
  Judge();
  return Answer(ended || Done());
}

/// The oldest first, each partition in its own order; what is left over comes with the next look.
std::vector<Found> Browser::Merged() {
  std::vector<Found> merged;
  while (static_cast<int64_t>(merged.size()) < options_.records_max) {
    Place* oldest = nullptr;
    for (auto& [partition, place] : places_) {
      if (place.found.empty()) continue;
      if (oldest == nullptr || place.found.front().time < oldest->found.front().time) oldest = &place;
    }
    if (oldest == nullptr) break;
    merged.push_back(std::move(oldest->found.front()));
    oldest->found.pop_front();
  }
  for (auto& [partition, place] : places_) {
    if (!place.found.empty()) place.next = place.found.front().offset;
  }
  return merged;
}

std::vector<Found> Browser::Newest() {
  std::vector<Found> found;
  for (auto& [partition, place] : places_) std::ranges::move(place.found, std::back_inserter(found));
  std::ranges::stable_sort(
      found, [](const Found& a, const Found& b) { return std::tie(a.time, a.offset) > std::tie(b.time, b.offset); });
  if (found.size() > static_cast<size_t>(options_.records_max)) found.resize(options_.records_max);
  return found;
}

ordered_json Browser::Answer(bool complete) {
  ordered_json answer = {{"records", ordered_json::array()}, {"scanned", scanned_}, {"complete", complete}};
  if (failed_ > 0) {
    answer["failed"] = failed_;
    answer["failure"] = failure_;
  }
  for (const auto& each : newest_ ? Newest() : Merged()) {
    answer["records"].push_back({{"partition", each.partition},
                                 {"offset", each.offset},
                                 {"time", FormatTimestamp(each.time)},
                                 {"key", each.key.empty() ? ordered_json() : ordered_json(each.key)},
                                 {"headers", each.headers},
                                 {"value", each.value},
                                 {"bytes", each.bytes}});
  }
  answer["next"] = ordered_json::object();
  for (const auto& [partition, place] : places_) answer["next"][std::to_string(partition)] = place.next;
  return answer;
}

}  // namespace

ordered_json BrowseTopic(event::Stream& stream, const std::string& topic, const BrowseOptions& options,
                         const RecordFilter& filter, const std::stop_token& stop) {
  const auto info = RequireTopic(stream, topic);
  return Browser(stream, info, options, filter).Browse(stop);
}

}  // namespace millrace::app

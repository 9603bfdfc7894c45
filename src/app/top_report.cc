#include "app/top_report.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace millrace::app {
namespace {

using nlohmann::ordered_json;

constexpr auto kKept = std::chrono::seconds(61);
constexpr double kWindow = 5;
constexpr double kLongestWindow = 60;

/// Null where there is none.
const ordered_json& At(const ordered_json& object, const std::string& member) {
  static const ordered_json none;
  if (!object.is_object()) return none;
  const auto found = object.find(member);
  return found == object.end() ? none : *found;
}

double NumberAt(const ordered_json& object, const std::string& member) {
  const auto& found = At(object, member);
  return found.is_number() ? found.get<double>() : NAN;
}

/// What has come for a table: what it has read, and what it could. Not known while a stream does not say.
double CameFor(const ordered_json& status, const std::string& table) {
  const auto& facts = At(At(status, "tables"), table);
  const auto unread = NumberAt(facts, "unread_records");
  return unread < 0 ? NAN : NumberAt(facts, "records") + unread;
}

double LandedIn(const ordered_json& status, const std::string& table) {
  return NumberAt(At(At(status, "tables"), table), "landed_records");
}

double EventsOf(const ordered_json& status, const std::string& source) {
  return NumberAt(At(At(status, "sources"), source), "events");
}

/// Over all the feeds of a connector.
double RecordsOf(const ordered_json& status, const std::string& connector) {
  double sum = 0;
  for (const auto& [name, feed] : At(At(At(status, "connectors"), connector), "feeds").items()) {
    const auto records = NumberAt(feed, feed.contains("records") ? "records" : "events");
    sum += std::isnan(records) ? 0 : records;
  }
  return sum;
}

ordered_json Behind(const ordered_json& feed) {
  const auto unread = NumberAt(feed, "unread_records");
  const auto pending = NumberAt(feed, "pending_records");
  if (std::isnan(unread) || unread < 0) return {};
  return static_cast<int64_t>(unread + (std::isnan(pending) ? 0 : pending));
}

/// Of what is known; null when nothing is.
ordered_json Sum(const ordered_json& rows, const char* member) {
  ordered_json sum;
  for (const auto& row : rows) {
    if (row.at(member).is_number()) sum = row.at(member).get<double>() + (sum.is_null() ? 0.0 : sum.get<double>());
  }
  return sum;
}

}  // namespace

void TopReport::Add(TopSample sample) {
  if (!samples_.empty() && At(samples_.back().status, "pid") != At(sample.status, "pid")) samples_.clear();
  samples_.push_back(std::move(sample));
  while (samples_.size() > 2 && samples_.back().at - samples_.front().at > kKept) samples_.pop_front();
}

/// From the last look before the window, or the oldest there is, to the newest. What counts down began anew.
ordered_json TopReport::Rate(Count count, const std::string& name, double window_seconds) const {
  const auto& newest = samples_.back();
  const auto seconds_before = [&](const TopSample& sample) {
    return std::chrono::duration<double>(newest.at - sample.at).count();
  };
  auto from = samples_.begin();
  while (from + 1 != samples_.end() && seconds_before(*(from + 1)) >= window_seconds) ++from;
  const auto seconds = seconds_before(*from);
  const auto more = count(newest.status, name) - count(from->status, name);
  if (seconds <= 0 || std::isnan(more)) return {};
  return std::round(std::max(more, 0.0) / seconds * 10) / 10;
}

ordered_json TopReport::Tables() const {
  auto rows = ordered_json::array();
  for (const auto& [name, facts] : At(samples_.back().status, "tables").items()) {
    const auto freshness = NumberAt(facts, "freshness_seconds");
    const auto window = std::clamp(std::isnan(freshness) ? 0 : freshness, kWindow, kLongestWindow);
    rows.push_back({{"table", name},
                    {"state", At(facts, "state")},
                    {"in_per_second", Rate(CameFor, name, kWindow)},
                    {"out_per_second", Rate(LandedIn, name, window)},
                    {"lag_records", Behind(facts)},
                    {"lag_seconds", At(facts, "lag_seconds")},
                    {"freshness_seconds", At(facts, "freshness_seconds")},
                    {"rows", At(facts, "rows")},
                    {"rejected", At(facts, "rejected")},
                    {"rescued_values", At(facts, "rescued_values")},
                    {"commits", At(facts, "commits")},
                    {"commit_seconds", At(At(facts, "last_commit"), "seconds")},
                    {"data_files", At(facts, "data_files")},
                    {"small_files", At(facts, "small_files")},
                    {"why", At(facts, "why")}});
  }
  return rows;
}

ordered_json TopReport::Sources() const {
  auto rows = ordered_json::array();
  for (const auto& [name, facts] : At(samples_.back().status, "sources").items()) {
    auto topics = At(facts, "topics");
    if (!topics.is_array()) topics = ordered_json::array({At(facts, "topic")});
    rows.push_back({{"source", name},
                    {"state", At(facts, "state")},
                    {"per_second", Rate(EventsOf, name, kWindow)},
                    {"events", At(facts, "events")},
                    {"topics", std::move(topics)},
                    {"why", At(facts, "why")}});
  }
  return rows;
}

ordered_json TopReport::Models() const {
  auto rows = ordered_json::array();
  const auto& newest = samples_.back();
  for (const auto& model : newest.models) {
    const auto& name = At(model, "model");
    const auto run = std::ranges::find_if(newest.runs, [&](const auto& each) { return At(each, "model") == name; });
    const bool ran = run != newest.runs.end();
    ordered_json row = {{"model", name}, {"last_run", At(model, "last_run")}, {"outcome", At(model, "outcome")}};
    for (const auto* member : {"rows", "seconds", "why"}) row[member] = ran ? At(*run, member) : ordered_json();
    row["next_run"] = At(model, "next_run");
    rows.push_back(std::move(row));
  }
  return rows;
}

ordered_json TopReport::Connectors() const {
  auto rows = ordered_json::array();
  for (const auto& [name, facts] : At(samples_.back().status, "connectors").items()) {
    int failed = 0;
    auto why = At(facts, "why");
    for (const auto& task : At(facts, "tasks")) {
      failed += At(task, "state") == "FAILED" ? 1 : 0;
      if (why.is_null()) why = At(task, "why");
    }
    ordered_json lag;
    for (const auto& [feed, of_feed] : At(facts, "feeds").items()) {
      const auto behind = Behind(of_feed);
      if (!behind.is_null()) lag = behind.get<int64_t>() + (lag.is_null() ? 0 : lag.get<int64_t>());
    }
    rows.push_back({{"connector", name},
                    {"state", At(facts, "state")},
                    {"type", At(facts, "type")},
                    {"tasks", At(facts, "tasks").size()},
                    {"failed_tasks", failed},
                    {"per_second", Rate(RecordsOf, name, kWindow)},
                    {"lag_records", std::move(lag)},
                    {"why", std::move(why)}});
  }
  return rows;
}

ordered_json TopReport::Build() const {
  ordered_json report = ordered_json::object();
  if (samples_.empty()) return report;
  const auto& status = samples_.back().status;
  for (const auto* member : {"pipeline", "pid", "server", "at", "memory", "open_data_files"})
    report[member] = At(status, member);
  auto tables = Tables();
  report["in_per_second"] = Sum(tables, "in_per_second");
  report["out_per_second"] = Sum(tables, "out_per_second");
  report["tables"] = std::move(tables);
  report["sources"] = Sources();
  report["models"] = Models();
  report["connectors"] = Connectors();
  return report;
}

}  // namespace millrace::app

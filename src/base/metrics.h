#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

enum class MetricKind { kCounter, kGauge, kHistogram };
std::string_view ToString(MetricKind kind);

/// Upper bounds, in seconds, of the buckets of everything that is timed: half a millisecond to two minutes.
inline constexpr std::array<double, 14> kSecondsBuckets = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                           0.1,    0.25,  0.5,    1,     5,    30,    120};

/// One metric, declared once as a constant in the folder that counts it: the page docs/metrics.md and the text at
/// /metrics come from it. Counters end in `_total`, units are base units and stand in the name.
struct Metric {
  MetricKind kind = MetricKind::kCounter;
  std::string_view name;
  std::string_view help;                              // one sentence
  std::array<std::string_view, 3> labels = {};        // names; the first empty one ends them
  std::span<const double> buckets = kSecondsBuckets;  // of a histogram
};

using LabelValues = std::initializer_list<std::string_view>;  // in the order of Metric::labels

/// The counts of a process, as Prometheus reads them. Cheap enough for once a batch, a commit, a request (a lock and a
/// look into a map), not for once a record. Label values are names of the configuration, words of an enum or HTTP
/// statuses; a metric has at most kSeriesMax combinations of them, and what comes after goes to one series whose labels
/// all say "other". Thread-safe.
///
/// It is written here and not taken from prometheus-cpp: bounded, declared and vanishing series need a layer as large
/// as this around it, and Debian has it only as one more shared library to ship.
class Metrics {
 public:
  static constexpr size_t kSeriesMax = 10000;

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// The one of this process, like the log.
  static Metrics& Process();

  /// Adds to a counter, or to a gauge, which may also sink. Adding 0 makes the series show.
  void Add(const Metric& metric, LabelValues labels, double amount = 1);
  /// What somebody else keeps count of.
  void Set(const Metric& metric, LabelValues labels, double value);
  /// Takes one value into a histogram.
  void Observe(const Metric& metric, LabelValues labels, double value);
  /// Forgets every series of a metric: before those that still exist are set anew.
  void Clear(const Metric& metric);

  /// The value of a series, of a histogram how many were observed; 0 when it is not there.
  double Value(const Metric& metric, LabelValues labels) const;
  /// What has been counted so far, by name.
  std::vector<std::string> Names() const;

  /// Text exposition format, version 0.0.4.
  std::string Text() const;
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct Series;
  struct Family;
  Series& Find(const Metric& metric, LabelValues labels);

  mutable std::mutex mutex_;
  std::map<std::string_view, std::unique_ptr<Family>> families_;
};

}  // namespace millrace

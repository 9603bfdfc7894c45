#include "base/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace millrace {
namespace {

constexpr std::string_view kOverflow = "other";

size_t LabelCount(const Metric& metric) {
  return static_cast<size_t>(std::ranges::find(metric.labels, std::string_view()) - metric.labels.begin());
}

void AppendEscaped(std::string_view text, bool quotes, std::string& out) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '\\' || (quotes && c == '"')) out += '\\';
      out += c;
    }
  }
}

std::string Number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  constexpr double kExact = 9007199254740992.0;  // every integer below it is one double
  if (value == std::floor(value) && std::abs(value) < kExact) return fmt::format("{}", static_cast<int64_t>(value));
  return fmt::format("{}", value);
}

/// `a="1",b="2"`: what stands between the braces of a sample, and what a series is found by.
std::string Rendered(const Metric& metric, LabelValues values) {
  std::string text;
  text.reserve(96);
  const auto* value = values.begin();
  for (size_t i = 0; i < LabelCount(metric); ++i) {
    const auto shown = value == values.end() ? std::string_view() : *value++;
    if (i > 0) text += ',';
    text += metric.labels[i];
    text += "=\"";
    AppendEscaped(shown, true, text);
    text += '"';
  }
  return text;
}

std::string Braced(const std::string& labels) { return labels.empty() ? labels : "{" + labels + "}"; }

}  // namespace

std::string_view ToString(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return "counter";
    case MetricKind::kGauge:
      return "gauge";
    case MetricKind::kHistogram:
      return "histogram";
  }
  return "untyped";
}

struct Metrics::Series {
  double value = 0;  // of a histogram: the sum
  std::vector<uint64_t> buckets{};
  uint64_t observed = 0;
};

struct Metrics::Family {
  Metric metric;
  std::map<std::string, Series> series{};  // by rendered labels
};

Metrics::Metrics() = default;
Metrics::~Metrics() = default;

Metrics& Metrics::Process() {
  static Metrics metrics;
  return metrics;
}

Metrics::Series& Metrics::Find(const Metric& metric, LabelValues labels) {
  auto& family = families_[metric.name];
  if (!family) family = std::make_unique<Family>(Family{.metric = metric});
  auto text = Rendered(metric, labels);
  if (const auto found = family->series.find(text); found != family->series.end()) return found->second;
  if (family->series.size() >= kSeriesMax) text = Rendered(metric, {kOverflow, kOverflow, kOverflow});
  auto& series = family->series[text];
  series.buckets.resize(metric.kind == MetricKind::kHistogram ? metric.buckets.size() : 0);
  return series;
}

void Metrics::Add(const Metric& metric, LabelValues labels, double amount) {
  const std::lock_guard lock(mutex_);
  Find(metric, labels).value += amount;
}

void Metrics::Set(const Metric& metric, LabelValues labels, double value) {
  const std::lock_guard lock(mutex_);
  Find(metric, labels).value = value;
}

void Metrics::Observe(const Metric& metric, LabelValues labels, double value) {
  const std::lock_guard lock(mutex_);
  auto& series = Find(metric, labels);
  const auto bucket = std::ranges::lower_bound(metric.buckets, value) - metric.buckets.begin();
  if (static_cast<size_t>(bucket) < series.buckets.size()) ++series.buckets[static_cast<size_t>(bucket)];
  series.value += value;
  ++series.observed;
}

void Metrics::Clear(const Metric& metric) {
  const std::lock_guard lock(mutex_);
  families_.erase(metric.name);
}

double Metrics::Value(const Metric& metric, LabelValues labels) const {
  const std::lock_guard lock(mutex_);
  const auto family = families_.find(metric.name);
  if (family == families_.end()) return 0;
  const auto series = family->second->series.find(Rendered(metric, labels));
  if (series == family->second->series.end()) return 0;
  const bool histogram = metric.kind == MetricKind::kHistogram;
  return histogram ? static_cast<double>(series->second.observed) : series->second.value;
}

std::vector<std::string> Metrics::Names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, family] : families_) names.emplace_back(name);
  return names;
}

std::string Metrics::Text() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const auto& [name, family] : families_) {
    const auto& metric = family->metric;
    text += fmt::format("# HELP {} ", name);
    AppendEscaped(metric.help, false, text);
    text += fmt::format("\n# TYPE {} {}\n", name, ToString(metric.kind));
    for (const auto& [labels, series] : family->series) {
      if (metric.kind != MetricKind::kHistogram) {
        text += fmt::format("{}{} {}\n", name, Braced(labels), Number(series.value));
        continue;
      }
      const std::string comma = labels.empty() ? "" : ",";
      uint64_t below = 0;
      for (size_t i = 0; i < series.buckets.size(); ++i) {
        below += series.buckets[i];
        text += fmt::format("{}_bucket{{{}{}le=\"{}\"}} {}\n", name, labels, comma, Number(metric.buckets[i]), below);
      }
      text += fmt::format("{}_bucket{{{}{}le=\"+Inf\"}} {}\n", name, labels, comma, series.observed);
      text += fmt::format("{}_sum{} {}\n", name, Braced(labels), Number(series.value));
      text += fmt::format("{}_count{} {}\n", name, Braced(labels), series.observed);
    }
  }
  return text;
}

}  // namespace millrace

#include "app/row_differences.h"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::app {
namespace {

using Row = std::vector<std::optional<std::string>>;

constexpr size_t kPairedMax = 2000;  // rows that differ, above which none are paired up
constexpr size_t kLinesMax = 50;

std::string Shown(const std::optional<std::string>& value) { return value ? *value : "null"; }

std::string Shown(const std::vector<std::string>& columns, const Row& row) {
  std::string text;
  for (size_t i = 0; i < columns.size(); ++i)
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", columns[i], Shown(row[i]));
  return "{" + text + "}";
}

size_t Alike(const Row& a, const Row& b) {
  size_t same = 0;
  for (size_t i = 0; i < a.size(); ++i) same += a[i] == b[i] ? 1 : 0;
  return same;
}

/// "{day: 1, orders: 2}: orders expected 3, got 2".
std::string Pair(const std::vector<std::string>& columns, const Row& expected, const Row& actual) {
  std::string text, same;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (expected[i] == actual[i]) {
      same += fmt::format("{}{}: {}", same.empty() ? "" : ", ", columns[i], Shown(actual[i]));
    } else {
      text += fmt::format("{}{} expected {}, got {}", text.empty() ? "" : "; ", columns[i], Shown(expected[i]),
                          Shown(actual[i]));
    }
  }
  return fmt::format("differs     {{{}}}: {}", same, text);
}

/// Takes out of both what is in both.
void TakeEqual(std::vector<Row>& expected, std::vector<Row>& actual) {
  std::vector<Row> missing;
  std::ranges::sort(actual);
  std::vector<bool> taken(actual.size(), false);
  for (auto& row : expected) {
    auto at = static_cast<size_t>(std::ranges::lower_bound(actual, row) - actual.begin());
    while (at < actual.size() && taken[at] && actual[at] == row) ++at;
    if (at < actual.size() && actual[at] == row) {
      taken[at] = true;
    } else {
      missing.push_back(std::move(row));
    }
  }
  std::vector<Row> left;
  for (size_t i = 0; i < actual.size(); ++i) {
    if (!taken[i]) left.push_back(std::move(actual[i]));
  }
  expected = std::move(missing);
  actual = std::move(left);
}

}  // namespace

std::vector<std::string> RowDifferences(const TextRows& expected, const TextRows& actual, bool ordered) {
  auto missing = expected.rows;
  auto left = actual.rows;
  std::vector<std::string> lines;
  if (ordered) {
    const auto both = std::min(missing.size(), left.size());
    for (size_t i = 0; i < both; ++i) {
      if (missing[i] != left[i])
        lines.push_back(fmt::format("row {}: {}", i + 1, Pair(expected.columns, missing[i], left[i])));
    }
    missing.erase(missing.begin(), missing.begin() + static_cast<int64_t>(both));
    left.erase(left.begin(), left.begin() + static_cast<int64_t>(both));
  } else {
    TakeEqual(missing, left);
  }
  for (auto row = missing.begin(); !ordered && row != missing.end() && missing.size() + left.size() < kPairedMax;) {
    const auto best = std::ranges::max_element(left, {}, [&](const Row& other) { return Alike(*row, other); });
    if (best == left.end() || Alike(*row, *best) == 0) {
      ++row;
      continue;
    }
    lines.push_back(Pair(expected.columns, *row, *best));
    left.erase(best);
    row = missing.erase(row);
  }
  for (const auto& row : missing) lines.push_back("missing     " + Shown(expected.columns, row));
  for (const auto& row : left) lines.push_back("unexpected  " + Shown(expected.columns, row));
  if (lines.size() > kLinesMax) {
    const auto more = lines.size() - kLinesMax;
    lines.resize(kLinesMax);
    lines.push_back(fmt::format("... and {} more", more));
  }
  return lines;
}

}  // namespace millrace::app

#include "io/http_routes.h"

#include <algorithm>

#include "base/error.h"
#include "base/hex_digit.h"

namespace millrace::io {
namespace {

constexpr std::string_view kOne = "{}";
constexpr std::string_view kRest = "{*}";

std::vector<std::string> Split(std::string_view text, char at) {
  std::vector<std::string> parts;
  for (;;) {
    const auto end = text.find(at);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// The values of a pattern's parameters in a path; nullopt when it does not fit. `literals` grows with each segment
/// that was equal, so that the pattern with more of them wins.
std::optional<std::vector<std::string>> Fit(const std::vector<std::string>& pattern,
                                            const std::vector<std::string>& path, size_t& literals) {
  std::vector<std::string> values;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == kRest) {
      if (i >= path.size()) return std::nullopt;
      std::string rest = path[i];
      for (size_t k = i + 1; k < path.size(); ++k) rest += "/" + path[k];
      values.push_back(std::move(rest));
      return values;
    }
    if (i >= path.size()) return std::nullopt;
    if (pattern[i] == kOne) {
      auto value = PercentDecoded(path[i], false);
      if (!value || value->empty()) return std::nullopt;
      values.push_back(std::move(*value));
    } else if (pattern[i] == path[i]) {
      ++literals;
    } else {
      return std::nullopt;
    }
  }
  return pattern.size() == path.size() ? std::optional(values) : std::nullopt;
}

}  // namespace

HttpRoutes::Pattern HttpRoutes::Parse(const std::string& pattern) {
  Pattern parsed;
  for (const auto& segment : Split(pattern, '/')) {
    const bool parameter = segment.starts_with('{');
    const bool rest = segment.ends_with("*}");
    const bool after_rest = !parsed.segments.empty() && parsed.segments.back() == kRest;
    if (after_rest || (parameter && !segment.ends_with('}'))) {
      throw Error(ErrorCode::kInternal, "the pattern '" + pattern + "' of a route is malformed");
    }
    parsed.segments.emplace_back(!parameter ? std::string_view(segment) : rest ? kRest : kOne);
    if (parameter) parsed.names.push_back(segment.substr(1, segment.size() - (rest ? 3 : 2)));
  }
  return parsed;
}

void HttpRoutes::Add(HttpRoute route) {
  auto pattern = Parse(route.pattern);
  if (FindSame(route.method, pattern) != nullptr) {
    throw Error(ErrorCode::kInternal, "two routes answer " + route.method + " " + route.pattern);
  }
  routes_.push_back(std::move(route));
  patterns_.push_back(std::move(pattern));
}

const HttpRoute* HttpRoutes::FindSame(std::string_view method, const Pattern& pattern) const {
  for (size_t i = 0; i < routes_.size(); ++i) {
    if (routes_[i].method == method && patterns_[i].segments == pattern.segments) return &routes_[i];
  }
  return nullptr;
}

const HttpRoute* HttpRoutes::FindSame(std::string_view method, const std::string& pattern) const {
  return FindSame(method, Parse(pattern));
}

std::optional<HttpRoute> HttpRoutes::Take(std::string_view method, const std::string& pattern) {
  const auto* found = FindSame(method, pattern);
  if (found == nullptr) return std::nullopt;
  const auto at = found - routes_.data();
  auto taken = std::move(routes_[at]);
  routes_.erase(routes_.begin() + at);
  patterns_.erase(patterns_.begin() + at);
  return taken;
}

HttpMatch HttpRoutes::Find(std::string_view method, std::string_view path) const {
  const auto segments = Split(path, '/');
  HttpMatch best;
  size_t best_literals = 0;
  for (size_t i = 0; i < routes_.size(); ++i) {
    size_t literals = 0;
    const auto values = Fit(patterns_[i].segments, segments, literals);
    if (!values) continue;
    best.allowed.push_back(routes_[i].method);
    if (routes_[i].method == "GET") best.allowed.emplace_back("HEAD");
    const bool serves = routes_[i].method == method || (method == "HEAD" && routes_[i].method == "GET");
    if (!serves || (best.route != nullptr && literals <= best_literals)) continue;
    best.route = &routes_[i];
    best_literals = literals;
    best.parameters.clear();
    for (size_t k = 0; k < values->size(); ++k) best.parameters[patterns_[i].names[k]] = (*values)[k];
  }
  std::ranges::sort(best.allowed);
  best.allowed.erase(std::ranges::unique(best.allowed).begin(), best.allowed.end());
  return best;
}

std::optional<std::string> PercentDecoded(std::string_view text, bool plus_is_space) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 1 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (c == '\0') return std::nullopt;
    out += c;
  }
  return out;
}

std::optional<std::vector<std::pair<std::string, std::string>>> ParseQuery(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parsed;
  if (query.empty()) return parsed;
  for (const auto& pair : Split(query, '&')) {
    const auto equals = std::min(pair.find('='), pair.size());
    auto name = PercentDecoded(std::string_view(pair).substr(0, equals), true);
    auto value = PercentDecoded(std::string_view(pair).substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value) return std::nullopt;
    if (!name->empty()) parsed.emplace_back(std::move(*name), std::move(*value));
  }
  return parsed;
}

}  // namespace millrace::io

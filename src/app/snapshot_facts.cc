#include "app/snapshot_facts.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

namespace millrace::app {
namespace {

std::string DescribeTransform(const table::Transform& transform, const std::string& column) {
  if (transform.kind == table::Transform::Kind::kIdentity) return column;
  auto text = table::ToString(transform);
  const auto bracket = text.find('[');
  if (bracket == std::string::npos) return fmt::format("{}({})", text, column);
  return fmt::format("{}({}, {})", text.substr(0, bracket), transform.parameter, column);
}

}  // namespace

nlohmann::json SummaryNumber(const table::Summary& summary, const std::string& key) {
  const auto found = summary.find(key);
  if (found == summary.end()) return nullptr;
  int64_t number = 0;
  const auto* last = found->second.data() + found->second.size();
  const auto [end, error] = std::from_chars(found->second.data(), last, number);
  if (error != std::errc() || end != last) return nullptr;
  return number;
}

std::string FormatMillis(int64_t milliseconds) {
  return FormatTimestamp(Timestamp(std::chrono::milliseconds(milliseconds)));
}

std::string DescribeSpec(const table::PartitionSpec& spec, const schema::Schema& schema) {
  std::string text;
  for (const auto& field : spec.fields) {
    text += (text.empty() ? "" : ", ") + DescribeTransform(field.transform, schema.PathOf(field.source_id));
  }
  return text;
}

std::string DescribeOrder(const table::SortOrder& order, const schema::Schema& schema) {
  std::string text;
  for (const auto& field : order.fields) {
    text += (text.empty() ? "" : ", ") + DescribeTransform(field.transform, schema.PathOf(field.source_id)) +
            (field.ascending ? "" : " desc");
  }
  return text;
}

}  // namespace millrace::app

#include "table/table_property.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"

namespace millrace::table {
namespace {

[[noreturn]] void Wrong(const std::string& name, const std::string& text, const char* wanted) {
  throw Error(
      ErrorCode::kConfig,
      fmt::format("the table property {} must be {}: set it again, or remove it; it is \"{}\"", name, wanted, text));
}

}  // namespace

int64_t IntegerProperty(const TableMetadata& metadata, const std::string& name, int64_t fallback) {
  return IntegerProperty(metadata.properties, name, fallback);
}

int64_t IntegerProperty(const std::map<std::string, std::string>& properties, const std::string& name,
                        int64_t fallback) {
  const auto found = properties.find(name);
  if (found == properties.end()) return fallback;
  const std::string& text = found->second;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0)
    Wrong(name, text, "a whole number from 0 on");
  return value;
}

int32_t FormatVersionOf(const std::string& text) {
  for (int32_t version = kFormatDefault; version <= kFormatNewest; ++version) {
    if (text == std::to_string(version)) return version;
  }
  throw Error(ErrorCode::kConfig, fmt::format("format-version {} is not written here; write {} or {}, or leave it out",
                                              text, kFormatDefault, kFormatNewest));
}

bool BooleanProperty(const TableMetadata& metadata, const std::string& name, bool fallback) {
  return BooleanProperty(metadata.properties, name, fallback);
}

bool BooleanProperty(const std::map<std::string, std::string>& properties, const std::string& name, bool fallback) {
  const auto found = properties.find(name);
  if (found == properties.end()) return fallback;
  std::string text = found->second;
  for (char& letter : text) letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  if (text != "true" && text != "false") Wrong(name, found->second, "true or false");
  return text == "true";
}

}  // namespace millrace::table

#include "connect/given.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/letter_case.h"
#include "connect/declarations.h"
#include "connect/value_check.h"

namespace millrace::connect {

bool Given::Has(std::string_view name) const { return properties_.contains(std::string(name)); }

std::string Given::Raw(std::string_view name) const {
  const auto found = properties_.find(std::string(name));
  return found == properties_.end() ? std::string() : Trimmed(found->second);
}

std::string Given::Text(std::string_view name) const {
  const auto* property = FindProperty(declared_, name);
  if (Has(name)) {
    auto text = Raw(name);
    if (property != nullptr && (property->type == PropertyType::kBoolean || property->any_case)) {
      return Lower(text);
    }
    return text;
  }
  if (property == nullptr || property->type == PropertyType::kPassword) return {};
  return property->default_value.value_or("");
}

int64_t Given::Number(std::string_view name) const {
  const auto text = Text(name);
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::vector<std::string> Given::List(std::string_view name) const { return SplitList(Text(name)); }

std::string Given::Class(std::string_view name) const { return SimpleName(Text(name)); }

std::map<std::string, std::string> Given::Below(std::string_view prefix) const {
  std::map<std::string, std::string> below;
  for (auto it = properties_.lower_bound(std::string(prefix)); it != properties_.end() && it->first.starts_with(prefix);
       ++it) {
    below.emplace(it->first.substr(prefix.size()), Trimmed(it->second));
  }
  return below;
}

}  // namespace millrace::connect

#include "query/parameter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"

namespace millrace::query {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kTypes =
    "text, boolean, integer, bigint, hugeint, double, decimal(p,s), date, time, timestamp, timestamptz and uuid";
/// Of DuckDB's decimals and whole numbers.
constexpr size_t kDigitsMax = 38;

[[noreturn]] void Refuse(const std::string& why) { throw Error(ErrorCode::kUsage, why); }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsName(std::string_view name) {
  const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_word)) return false;
  return !IsDigit(name.front()) || (name.front() != '0' && std::all_of(name.begin(), name.end(), IsDigit));
}

/// How many digits `text` starts with.
size_t Digits(std::string_view text) {
  return static_cast<size_t>(std::find_if_not(text.begin(), text.end(), IsDigit) - text.begin());
}

std::string TypeOfWhole(std::string_view number, size_t digits) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc()) return digits <= kDigitsMax ? "HUGEINT" : "VARCHAR";
  return value >= INT32_MIN && value <= INT32_MAX ? "INTEGER" : "BIGINT";
}

/// The type that SQL has a JSON number of; empty when `text` is none. Longer ones than SQL can hold are text.
std::string TypeOfNumber(std::string_view text) {
  auto rest = text.substr(text.starts_with('-') ? 1 : 0);
  const auto whole = Digits(rest);
  if (whole == 0 || (whole > 1 && rest.front() == '0')) return {};
  rest.remove_prefix(whole);
  if (rest.empty()) return TypeOfWhole(text, whole);
  size_t fraction = 0;
  if (rest.front() == '.') {
    fraction = Digits(rest.substr(1));
    if (fraction == 0) return {};
    rest.remove_prefix(1 + fraction);
  }
  const auto digits = whole + fraction;
  if (rest.empty()) return digits <= kDigitsMax ? fmt::format("DECIMAL({},{})", digits, fraction) : "DOUBLE";
  if (rest.front() != 'e' && rest.front() != 'E') return {};
  rest.remove_prefix(1);
  if (!rest.empty() && (rest.front() == '+' || rest.front() == '-')) rest.remove_prefix(1);
  return !rest.empty() && Digits(rest) == rest.size() ? "DOUBLE" : "";
}

/// "DECIMAL(10,2)" of "decimal(10, 2)"; empty for anything else.
std::string DecimalType(std::string_view word) {
  constexpr std::string_view kStart = "decimal(";
  if (!word.starts_with(kStart) || !word.ends_with(')')) return {};
  std::string inside(word.substr(kStart.size(), word.size() - kStart.size() - 1));
  inside.erase(std::remove(inside.begin(), inside.end(), ' '), inside.end());
  const auto precision = Digits(inside);
  if (precision == 0 || precision > 2 || precision + 2 > inside.size() || inside[precision] != ',') return {};
  const auto scale = std::string_view(inside).substr(precision + 1);
  if (scale.size() > 2 || Digits(scale) != scale.size()) return {};
  const auto digits = std::stoul(inside.substr(0, precision));
  if (digits == 0 || digits > kDigitsMax || std::stoul(std::string(scale)) > digits) return {};
  return fmt::format("DECIMAL({},{})", digits, scale);
}

std::string TypeOfWord(const std::string& name, std::string_view given) {
  static const std::map<std::string, std::string, std::less<>> kWords = {
      {"text", "VARCHAR"},        {"varchar", "VARCHAR"},
      {"string", "VARCHAR"},      {"boolean", "BOOLEAN"},
      {"bool", "BOOLEAN"},        {"integer", "INTEGER"},
      {"int", "INTEGER"},         {"bigint", "BIGINT"},
      {"long", "BIGINT"},         {"hugeint", "HUGEINT"},
      {"double", "DOUBLE"},       {"date", "DATE"},
      {"time", "TIME"},           {"uuid", "UUID"},
      {"timestamp", "TIMESTAMP"}, {"timestamptz", "TIMESTAMP WITH TIME ZONE"}};
  std::string word(given);
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  if (const auto found = kWords.find(word); found != kWords.end()) return found->second;
  auto decimal = DecimalType(word);
  if (decimal.empty()) Refuse(fmt::format("parameter {} has the type '{}'; there are {}", name, given, kTypes));
  return decimal;
}

Parameter Untyped(std::string name, std::string_view value) {
  if (value == "null") return {.name = std::move(name), .type = {}, .text = {}};
  if (value == "true" || value == "false")
    return {.name = std::move(name), .type = "BOOLEAN", .text = std::string(value)};
  auto number = TypeOfNumber(value);
  return {.name = std::move(name), .type = number.empty() ? "VARCHAR" : std::move(number), .text = std::string(value)};
}

Parameter OfJson(std::string name, const Json& value);

Parameter OfTyped(std::string name, const Json& typed) {
  if (typed.size() != 2 || !typed.contains("value") || !typed.contains("type") || !typed["type"].is_string())
    Refuse(fmt::format("parameter {} is an object; one has a \"type\" and a \"value\"", name));
  const auto type = TypeOfWord(name, typed["type"].get_ref<const std::string&>());
  if (typed["value"].is_structured()) Refuse(fmt::format("the value of parameter {} is a list or an object", name));
  auto parameter = OfJson(std::move(name), typed["value"]);
  parameter.type = type;
  return parameter;
}

Parameter OfJson(std::string name, const Json& value) {
  if (value.is_string()) return {.name = std::move(name), .type = "VARCHAR", .text = value.get<std::string>()};
  if (value.is_object()) return OfTyped(std::move(name), value);
  if (value.is_array())
    Refuse(
        fmt::format("parameter {} is a list; a parameter is one value: give several, or text and string_split", name));
  return Untyped(std::move(name), value.dump());
}

Parameter Checked(Parameter parameter) {
  if (!IsName(parameter.name)) {
    Refuse(fmt::format("'{}' names no parameter: a name is letters, digits and _, or a number from 1 for $1 and ?",
                       parameter.name));
  }
  if (parameter.text && parameter.text->find('\0') != std::string::npos)
    Refuse(fmt::format("parameter {} has a NUL character in it", parameter.name));
  return parameter;
}

}  // namespace

Parameter ParseParameter(std::string_view given) {
  const auto equals = given.find('=');
  if (equals == std::string_view::npos)
    Refuse(fmt::format("'{}' is no parameter: one is name=value or name:type=value", given));
  const auto left = given.substr(0, equals);
  const auto value = given.substr(equals + 1);
  const auto colon = left.find(':');
  if (colon == std::string_view::npos) return Checked(Untyped(std::string(left), value));
  std::string name(left.substr(0, colon));
  auto type = TypeOfWord(name, left.substr(colon + 1));
  return Checked({.name = std::move(name), .type = std::move(type), .text = std::string(value)});
}

std::vector<Parameter> ParametersOfJson(const Json& given) {
  std::vector<Parameter> parameters;
  if (given.is_object()) {
    for (const auto& [name, value] : given.items()) parameters.push_back(Checked(OfJson(name, value)));
  } else if (given.is_array()) {
    for (const auto& value : given) parameters.push_back(Checked(OfJson(std::to_string(parameters.size() + 1), value)));
  } else {
    Refuse("\"params\" is an object of names and values, or a list of values for $1, $2 or ?");
  }
  return parameters;
}

}  // namespace millrace::query

#include "refine/schedule/cron_expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <span>

#include "base/error.h"
#include "base/nearest.h"

namespace millrace::refine {
namespace {

struct Field {
  const char* name;
  unsigned first;
  unsigned last;
  std::span<const std::string_view> names;  // of first, first + 1, ...
};

constexpr std::string_view kMonths[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                        "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::string_view kWeekdays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
constexpr unsigned kSunday = 7;  // as well as 0
const Field kFields[] = {{"minute", 0, 59, {}},
                         {"hour", 0, 23, {}},
                         {"day of the month", 1, 31, {}},
                         {"month", 1, 12, kMonths},
                         {"day of the week", 0, kSunday, kWeekdays}};

using Numbers = std::bitset<60>;

[[noreturn]] void Refuse(const Field& field, std::string_view text) {
  throw Error(ErrorCode::kConfig, fmt::format("'{}' is no {}; it is {} to {}, a range 1-5, a step */5 or a list 1,3",
                                              text, field.name, field.first, field.last));
}

unsigned NumberOf(const Field& field, std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto named = std::ranges::find(field.names, std::string_view(lower));
  if (named != field.names.end()) return field.first + static_cast<unsigned>(named - field.names.begin());
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool all = error == std::errc() && end == text.data() + text.size() && !text.empty();
  if (!all || number < field.first || number > field.last) Refuse(field, text);
  return number;
}

/// One of a list: "*", "3", "1-5", "*/2", "1-10/3", "5/10" (from 5 on).
void AddPart(const Field& field, std::string_view part, Numbers& numbers) {
  const auto slash = part.find('/');
  const auto range = part.substr(0, slash);
  unsigned step = 1;
  if (slash != std::string_view::npos) {
    const auto text = part.substr(slash + 1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
    if (error != std::errc() || end != text.data() + text.size() || step == 0) Refuse(field, part);
  }
  unsigned first = field.first;
  unsigned last = field.last == kSunday ? kSunday - 1 : field.last;
  if (range != "*") {
    const auto dash = range.find('-');
    first = NumberOf(field, range.substr(0, dash));
    if (dash != std::string_view::npos) {
      last = NumberOf(field, range.substr(dash + 1));
    } else if (slash == std::string_view::npos) {
      last = first;
    }
  }
  if (first > last) Refuse(field, part);
  for (unsigned number = first; number <= last; number += step) numbers.set(number);
}

Numbers NumbersOf(const Field& field, std::string_view text) {
  Numbers numbers;
  for (size_t begin = 0; begin <= text.size();) {
    const auto comma = std::min(text.find(',', begin), text.size());
    AddPart(field, text.substr(begin, comma - begin), numbers);
    begin = comma + 1;
  }
  return numbers;
}

std::vector<std::string_view> WordsOf(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  std::vector<std::string_view> words;
  for (size_t at = text.find_first_not_of(kBlank); at != std::string_view::npos;) {
    const auto end = std::min(text.find_first_of(kBlank, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(kBlank, end);
  }
  return words;
}

std::string_view Spelled(std::string_view text) {
  static const std::map<std::string_view, std::string_view> kNicknames = {
      {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
      {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}};
  if (!text.starts_with('@')) return text;
  const auto found = kNicknames.find(text);
  if (found != kNicknames.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [name, meaning] : kNicknames) names.emplace_back(name);
  throw Error(ErrorCode::kConfig,
              fmt::format("'{}' is none of {}{}", text, fmt::join(names, ", "), Suggest(std::string(text), names)));
}

}  // namespace

CronExpression::CronExpression(std::string_view text) {
  const auto words = WordsOf(Spelled(text));
  if (words.size() != std::size(kFields)) {
    throw Error(ErrorCode::kConfig,
                fmt::format("'{}' has {} fields; it takes five: minute, hour, day of the month, month, day of the week",
                            text, words.size()));
  }
  std::vector<Numbers> fields;
  for (size_t i = 0; i < words.size(); ++i) fields.push_back(NumbersOf(kFields[i], words[i]));
  for (unsigned hour = 0; hour <= kFields[1].last; ++hour) {
    for (unsigned minute = 0; fields[1].test(hour) && minute <= kFields[0].last; ++minute) {
      if (fields[0].test(minute)) times_.emplace_back(hour * 60 + minute);
    }
  }
  for (unsigned day = 1; day < days_.size(); ++day) days_[day] = fields[2].test(day);
  for (unsigned month = 1; month < months_.size(); ++month) months_[month] = fields[3].test(month);
  for (unsigned day = 0; day < weekdays_.size(); ++day) weekdays_[day] = fields[4].test(day);
  if (fields[4].test(kSunday)) weekdays_.set(0);
  every_hour_ = words[1].starts_with('*');
  any_day_ = words[2].starts_with('*');
  any_weekday_ = words[4].starts_with('*');
}

bool CronExpression::IncludesDay(unsigned month, unsigned day, unsigned weekday) const {
  if (!months_.test(month)) return false;
  const bool by_day = days_.test(day);
  const bool by_weekday = weekdays_.test(weekday);
  return any_day_ || any_weekday_ ? by_day && by_weekday : by_day || by_weekday;
}

}  // namespace millrace::refine

#include "refine/schedule/times.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <optional>
#include <stdexcept>

#include "base/error.h"

namespace millrace::refine {
namespace {

/// Between two 29ths of February lie eight years where a century leaves one out, and a weekday may be asked of it.
constexpr date::days kSearch{366 * 40};

const date::time_zone* FindZone(const std::string& name) {
  try {
    return date::locate_zone(name);
  } catch (const std::runtime_error&) {
    throw Error(ErrorCode::kConfig,
                fmt::format("there is no time zone '{}' in this machine's database (/usr/share/zoneinfo); say it as "
                            "Europe/Berlin or UTC",
                            name));
  }
}

/// The moments when the clocks show this time; one of the two is absent most of the time.
struct Moments {
  date::sys_seconds first;
  std::optional<date::sys_seconds> again;
};

Moments When(const date::time_zone& zone, date::local_seconds local) {
  const auto info = zone.get_info(local);
  if (info.result == date::local_info::nonexistent) return {info.first.end, std::nullopt};
  const date::sys_seconds first{local.time_since_epoch() - info.first.offset};
  if (info.result == date::local_info::unique) return {first, std::nullopt};
  return {first, date::sys_seconds{local.time_since_epoch() - info.second.offset}};
}

bool Includes(const CronExpression& cron, date::local_days day) {
  const date::year_month_day on(day);
  return cron.IncludesDay(static_cast<unsigned>(on.month()), static_cast<unsigned>(on.day()),
                          date::weekday(day).c_encoding());
}

/// The earliest moment of that day that is later than `after`.
std::optional<date::sys_seconds> FirstOf(const CronExpression& cron, const date::time_zone& zone, date::local_days day,
                                         Timestamp after) {
  std::optional<date::sys_seconds> first;
  const auto offer = [&](date::sys_seconds moment) {
    if (moment > after && (!first || moment < *first)) first = moment;
  };
  for (const auto time : cron.times()) {
    const auto moments = When(zone, day + time);
    offer(moments.first);
    if (moments.again && cron.every_hour()) offer(*moments.again);
  }
  return first;
}

}  // namespace

Times::Times(const std::string& expression, const std::string& zone)
    : expression_(expression), zone_name_(zone), cron_(expression), zone_(FindZone(zone)) {
  Next(Timestamp{});
}

Timestamp Times::Next(Timestamp after) const {
  // The day before: what its clocks showed twice may lie behind midnight.
  const auto from = date::floor<date::days>(zone_->to_local(after)) - date::days{1};
  for (auto day = from; day < from + kSearch; day += date::days{1}) {
    if (!Includes(cron_, day)) continue;
    if (const auto first = FirstOf(cron_, *zone_, day, after)) return *first;
  }
  throw Error(ErrorCode::kConfig, fmt::format("'{}' never comes", expression_));
}

}  // namespace millrace::refine

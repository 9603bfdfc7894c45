#include "app/table_why.h"

#include <fmt/format.h>

#include <cmath>
#include <string_view>

namespace millrace::app {
namespace {

using std::chrono::duration;

/// Unread events older than this are a backlog and not the usual way of things.
constexpr auto kBacklogAge = std::chrono::seconds(2);
constexpr std::string_view kTurn = "it waits for its turn: of the tables that are behind, a few are read at a time";

std::string Since(const Timestamp& then, const Timestamp& now) {
  return fmt::format("{} ({} ago)", FormatTimestamp(std::chrono::floor<std::chrono::seconds>(then)),
                     Span(std::max(duration<double>(now - then), duration<double>(0))));
}

bool IsBehind(const TableSituation& situation) {
  const auto& lag = situation.status.lag;
  if (situation.status.waits_for_turn) return true;
  return lag.records > 0 && (!lag.oldest || situation.now - *lag.oldest > kBacklogAge);
}

/// "1.2 M records behind; at 300 k/s caught up in 4 s".
std::string ExplainRate(const TableStatus& status) {
  auto text = fmt::format("{} records behind", ShortCount(static_cast<double>(status.lag.records)));
  if (status.read_per_second < 1) return text + ", and none were read in the last seconds";
  text += fmt::format("; at {}/s", ShortCount(status.read_per_second));
  const double falls_by = status.unread_falls_by.value_or(0);
  if (status.unread_falls_by && falls_by < 1) return text + " not catching up: as many or more arrive";
  const double records_a_second = status.unread_falls_by ? falls_by : status.read_per_second;
  return text + " caught up in " + Span(duration<double>(static_cast<double>(status.lag.records) / records_a_second));
}

/// "1.2 M records behind; at 300 k/s caught up in 4 s; it waits for its turn, ...".
std::string ExplainBacklog(const TableStatus& status) {
  if (status.waits_for_turn) return (status.lag.records > 0 ? ExplainRate(status) + "; " : "") + std::string(kTurn);
  return ExplainRate(status);
}

std::string ExplainUpToDate(const TableSituation& situation) {
  if (situation.intake_ended) return "everything has landed, and its sources have ended";
  if (!situation.status.newest_read) return "everything has landed; no new events since the start";
  return "everything has landed; no new events since " + Since(*situation.status.newest_read, situation.now);
}

std::optional<TableWhy> ExplainStalled(const TableSituation& situation) {
  const auto still = StandingStill(situation.status.standing, situation.freshness, situation.steady);
  if (still.empty()) return std::nullopt;
  return TableWhy{"stalled", ExplainStandstill(still, situation.steady)};
}

TableWhy ExplainWait(const TableSituation& situation) {
  using Kind = event::WaitKind;
  const auto& wait = situation.status.wait;
  TableWhy why{std::string(event::ToString(wait.kind)), wait.detail};
  switch (wait.kind) {
    case Kind::kOutcomeUnknown:
    case Kind::kCatalog:
    case Kind::kStore:
    case Kind::kStream:
    case Kind::kCommitting:
    case Kind::kMemory:
      if (wait.since) why.sentence += ", for " + Span(situation.steady - *wait.since);
      return why;
    case Kind::kReplay:
      return why;
    case Kind::kBuffering:
      if (auto stalled = ExplainStalled(situation)) return *stalled;
      if (IsBehind(situation)) return {"behind", ExplainBacklog(situation.status)};
      return why;
    case Kind::kNothing:
      if (auto stalled = ExplainStalled(situation)) return *stalled;
      if (IsBehind(situation)) return {"behind", ExplainBacklog(situation.status)};
      if (situation.status.lag.records > 0) return {"behind", "new events are being read"};
      return {"up_to_date", ExplainUpToDate(situation)};
  }
  return why;
}

TableWhy ExplainState(const TableSituation& situation) {
  const auto& status = situation.status;
  switch (status.state) {
    case FeedState::kStarting:
      return {"starting", "it is reading what has landed"};
    case FeedState::kRunning:
      return ExplainWait(situation);
    case FeedState::kDrained:
      return {"drained", "everything has landed, and its sources have ended"};
    case FeedState::kStopped:
      return {"stopped", "stopped: everything that was read is committed"};
    case FeedState::kFailed:
      return {"failed", "stopped by an error: " + status.error};
  }
  return {};
}

/// What the last commit sent to quarantine.
std::string ExplainRejects(const TableStatus& status) {
  if (!status.last_commit || status.last_commit->landed.rejected.empty()) return "";
  uint64_t count = 0;
  std::string causes;
  for (const auto& [cause, records] : status.last_commit->landed.rejected) {
    count += records;
    causes += fmt::format("{}{} {}", causes.empty() ? "" : ", ", event::ToString(cause), records);
  }
  return fmt::format("{} records of the last commit went to quarantine ({})", count, causes);
}

}  // namespace

std::string ShortCount(double count) {
  if (std::abs(count) < 10'000) return fmt::format("{:.0f}", count);
  if (std::abs(count) < 1e6) return fmt::format("{:.0f} k", count / 1e3);
  return fmt::format("{:.1f} M", count / 1e6);
}

std::string Span(duration<double> span) {
  const auto seconds = static_cast<int64_t>(span.count());
  if (span.count() < 10) return fmt::format("{:.1f} s", std::max(span.count(), 0.0));
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 7200) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  if (seconds < 172'800) return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
  return fmt::format("{} d {} h", seconds / 86'400, seconds % 86'400 / 3600);
}

std::string ExplainFiles(const MaintenanceNote& note) {
  if (note.small_files < 2 && note.why_failed.empty()) return "";
  auto text = fmt::format("{} of {} files are small", note.small_files, note.files);
  if (!note.why_failed.empty()) return text + ", merging them failed: " + note.why_failed;
  if (!note.compact) return text + ", merging them is switched off (maintenance.compact)";
  if (note.busy) return text + ", another process maintains the table";
  if (note.groups_dropped > 0)
    return text + ", merging was dropped because another writer changed them; it is tried again";
  return text + fmt::format(", a partition's are merged from {} on or when nothing more comes", note.small_files_max);
}

TableWhy Explain(const TableSituation& situation) {
  auto why = ExplainState(situation);
  const auto add = [&](const std::string& text) {
    if (!text.empty()) why.sentence += "; " + text;
  };
  add(ExplainRejects(situation.status));
  if (situation.maintenance) add(ExplainFiles(*situation.maintenance));
  return why;
}

}  // namespace millrace::app

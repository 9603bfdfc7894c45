#include "land/through_outage.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/error.h"
#include "land/land_events.h"

namespace millrace::land {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstDelay{50};
constexpr milliseconds kLongestDelay{5000};

}  // namespace

TableViewPtr ThroughOutage(const catalog::TableName& table, const std::function<TableViewPtr()>& look,
                           const Clock& clock, event::WaitBoard& board, const std::stop_token& stop) {
  const event::Wait before = board.Get();
  bool waited = false;
  for (auto delay = kFirstDelay;; delay = std::min(2 * delay, kLongestDelay)) {
    try {
      auto view = look();
      if (waited) board.Put(before.kind, before.detail);
      return view;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnavailable || stop.stop_requested()) throw;
      TableUnreadable{.table = table, .why = error.what()}.Emit();
      board.Put(event::WaitKind::kCatalog,
                fmt::format("the table cannot be read ({}); trying again, everything is kept", error.what()));
      waited = true;
      if (!clock.SleepFor(delay, stop)) throw;
    }
  }
}

StoreOutage::StoreOutage(event::WaitBoard& board, const Clock& clock, std::stop_token stop)
    : board_(board),
      patience_(std::move(stop),
                {.on_wait =
                     [this](const std::string& why, milliseconds delay) {
                       if (const auto now = board_.Get(); now.kind != event::WaitKind::kStore) before_ = now;
                       board_.Put(event::WaitKind::kStore,
                                  fmt::format("waiting through an outage ({}); trying again, everything is kept", why));
                       StoreFailed{.why = why, .delay = delay}.Emit();
                     },
                 .on_end =
                     [this] {
                       if (board_.Get().kind == event::WaitKind::kStore) board_.Put(before_.kind, before_.detail);
                     }},
                clock) {}

}  // namespace millrace::land

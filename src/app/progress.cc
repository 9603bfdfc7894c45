#include "app/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace millrace::app {
namespace {

bool StderrIsTerminal() {
  const char* terminal = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && terminal != nullptr && std::string_view(terminal) != "dumb";
}

std::string Bar(double share) {
  constexpr int kWidth = 24;
  const int full = static_cast<int>(std::clamp(share, 0.0, 1.0) * kWidth);
  std::string bar = "[";
  for (int i = 0; i < kWidth; ++i) bar += i < full ? "=" : (i == full ? ">" : " ");
  return bar + fmt::format("] {:3.0f}% ", share * 100);
}

}  // namespace

Progress::Progress(std::string what, const Clock& clock)
    : what_(std::move(what)), clock_(clock), visible_(StderrIsTerminal()), started_(clock.Steady()) {}

Progress::~Progress() {
  if (visible_) fmt::print(stderr, "\r\x1b[K");
}

void Progress::Show(int64_t events, std::optional<double> share) {
  if (!visible_) return;
  const std::lock_guard lock(mutex_);
  const auto now = clock_.Steady();
  if (now - drawn_ < std::chrono::milliseconds(100)) return;
  drawn_ = now;
  const double seconds = std::max(0.001, std::chrono::duration<double>(now - started_).count());
  fmt::print(stderr, "\r\x1b[K{} {}{} events, {:.0f} a second", what_, share ? Bar(*share) : "", events,
             static_cast<double>(events) / seconds);
  std::fflush(stderr);
}

}  // namespace millrace::app

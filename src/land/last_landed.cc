#include "land/last_landed.h"

#include <atomic>
#include <utility>

namespace millrace::land {
namespace {

std::atomic<bool> somebody_wants_it = false;
thread_local std::optional<Landed> last;

}  // namespace

void WantLastLanded(bool wanted) { somebody_wants_it = wanted; }

void NoteLanded(const Landed& landed) {
  if (somebody_wants_it) last = landed;
}

std::optional<Landed> TakeLastLanded() { return std::exchange(last, std::nullopt); }

}  // namespace millrace::land

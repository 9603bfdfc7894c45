#include "base/scheduling.h"

#include <sched.h>

#include "base/log.h"

namespace millrace {

void WorkInBatches() {
  const sched_param unused{};
  if (::sched_setscheduler(0, SCHED_BATCH, &unused) != 0) {
    LogDebug("threads that work through batches are scheduled as all others are");
  }
}

}  // namespace millrace

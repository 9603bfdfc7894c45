#include "land/arrow_compute.h"

#include <arrow/compute/initialize.h>

#include <mutex>

#include "land/arrow_status.h"

namespace millrace::land {

void StartCompute() {
  static std::once_flag once;
  std::call_once(once, [] { Check(arrow::compute::Initialize(), "starting Arrow's compute functions"); });
}

}  // namespace millrace::land

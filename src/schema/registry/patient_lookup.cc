#include "schema/registry/patient_lookup.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"
#include "base/log.h"

namespace millrace::schema {

using std::chrono::milliseconds;

RegisteredSchemaPtr PatientLookup::Find(int32_t id) {
  constexpr milliseconds kLongestDelay{10'000};
  for (milliseconds delay{500};; delay = std::min(2 * delay, kLongestDelay)) {
    try {
      return inner_->Find(id);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnavailable || stop_.stop_requested()) throw;
      LogWarning("{}; trying again, nothing is lost", error.what());
      if (!clock_.SleepFor(delay, stop_)) throw;
    }
  }
}

}  // namespace millrace::schema

#include "app/doctor_checks.h"

#include <iterator>

namespace millrace::app {

std::vector<DoctorCheck> DoctorChecks(const PipelineConfig& pipeline) {
  std::vector<DoctorCheck> all;
  for (const auto make : {MachineChecks, DiskChecks, StoreChecks, ClockChecks, CatalogChecks, StreamChecks, PeerChecks,
                          SourceChecks, ServerChecks}) {
    auto some = make(pipeline);
    std::ranges::move(some, std::back_inserter(all));
  }
  return all;
}

}  // namespace millrace::app

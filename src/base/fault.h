#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// Marks a place where a crash must be survivable: before and after each write, fsync, rename, PUT, CAS and
/// acknowledgement. `MILLRACE_FAULT=name:k` ends the process, with no destructor run, at the k-th pass (1 is
/// the first). `MILLRACE_FAULT_LOG=FILE` appends each name on its first pass, so that a test can see which
/// points a run reached. Costs one load of a null pointer when neither is set.
void FaultPoint(std::string_view name);

/// The exit status of a process that a fault point ended.
inline constexpr int kFaultExitStatus = 86;

}  // namespace millrace

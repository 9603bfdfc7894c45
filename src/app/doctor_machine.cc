#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "app/doctor_checks.h"
#include "app/library_versions.h"
#include "app/memory_limit.h"
#include "app/version.h"
#include "base/bytes.h"

namespace millrace::app {
namespace {

/// What the program and its libraries take beside `memory`: docs/operations.md.
constexpr int64_t kProgramBytes = int64_t{150} << 20;
/// Of libraries, databases and what a run has open at once beside connections and tables.
constexpr int64_t kFilesBase = 128;
constexpr int64_t kFilesOfTable = 32;

std::string Size(int64_t bytes) { return FormatByteSize(static_cast<uint64_t>(bytes)); }

void TellVersions(Findings& findings) {
  utsname system{};
  uname(&system);
  findings.Ok(fmt::format("millrace {} on {} {} ({}), {}", kVersion, system.sysname, system.release, system.machine,
                          LibraryVersions()));
}

int64_t FilesNeeded(const PipelineConfig& pipeline) {
  const auto feeds = static_cast<int64_t>(pipeline.tables.size() + pipeline.documents.size());
  return kFilesBase + kFilesOfTable * feeds + (pipeline.server ? pipeline.server->connections_max : 0);
}

void LookAtFiles(const PipelineConfig& pipeline, Findings& findings) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const auto needed = FilesNeeded(pipeline);
  const auto says =
      fmt::format("{} files and connections may be open at once, up to {} may be needed", limit.rlim_cur, needed);
  if (limit.rlim_cur >= static_cast<rlim_t>(needed)) return findings.Ok(says);
  findings.Warn(says, fmt::format("raise it: `ulimit -n {0}`, LimitNOFILE={0} of a systemd unit, --ulimit nofile={0} "
                                  "of a container; or lower server.connections_max",
                                  std::max<int64_t>(needed, 4096)));
}

void LookAtMemory(const PipelineConfig& pipeline, Findings& findings) {
  const auto limit = FindMemoryLimit();
  if (!limit) return findings.Warn("how much memory there is cannot be read from /proc", "mount /proc");
  const auto needed = pipeline.memory.bytes + kProgramBytes;
  const auto* whose = limit->of_group ? "its control group (container, unit) gives it" : "the machine has";
  const auto says = fmt::format("`memory` is {}, with the program about {}; {} {}", Size(pipeline.memory.bytes),
                                Size(needed), whose, Size(limit->bytes));
  if (needed <= limit->bytes) return findings.Ok(says);
  findings.Fail(says + ", so it would be killed under load",
                fmt::format("set `memory: {}MiB`, or raise the limit",
                            std::max<int64_t>(64, (limit->bytes - kProgramBytes) >> 20)));
}

}  // namespace

std::vector<DoctorCheck> MachineChecks(const PipelineConfig& pipeline) {
  return {{"versions", [](Findings& findings, const std::stop_token&) { TellVersions(findings); }},
          {"limits", [&pipeline](Findings& findings, const std::stop_token&) {
             LookAtFiles(pipeline, findings);
             LookAtMemory(pipeline, findings);
           }}};
}

}  // namespace millrace::app

#include "app/process_gauges.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace millrace::app {
namespace {

/// The fields of /proc/self/stat (proc(5)) from the third on: what stands before may hold spaces.
std::vector<double> StatFields() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  std::istringstream rest(line.substr(std::min(line.size(), line.rfind(')') + 2)));
  std::vector<double> fields;
  std::string word;
  rest >> word;  // the state
  for (double value = 0; rest >> value;) fields.push_back(value);
  return fields;
}

double BootTime() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;) {
    double seconds = 0;
    if (word == "btime" && file >> seconds) return seconds;
  }
  return 0;
}

}  // namespace

void SetProcessGauges() {
  // Places in proc(5)'s numbering, less four: the first field kept is the fourth.
  constexpr size_t kUserTime = 10, kSystemTime = 11, kThreads = 16, kStart = 18, kVirtual = 19, kResident = 20;
  auto& metrics = Metrics::Process();
  const auto fields = StatFields();
  if (fields.size() > kResident) {
    const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    static const double boot = BootTime();
    metrics.Set(kProcessCpu, {}, (fields[kUserTime] + fields[kSystemTime]) / ticks);
    metrics.Set(kProcessThreads, {}, fields[kThreads]);
    metrics.Set(kProcessStart, {}, boot + fields[kStart] / ticks);
    metrics.Set(kProcessVirtual, {}, fields[kVirtual]);
    metrics.Set(kProcessResident, {}, fields[kResident] * static_cast<double>(sysconf(_SC_PAGESIZE)));
  }
  std::error_code error;
  const auto files = std::filesystem::directory_iterator("/proc/self/fd", error);
  if (!error) metrics.Set(kProcessFiles, {}, static_cast<double>(std::distance(begin(files), end(files))));
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) metrics.Set(kProcessFilesMax, {}, static_cast<double>(limit.rlim_cur));
}

}  // namespace millrace::app

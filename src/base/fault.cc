#include "base/fault.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <set>

namespace millrace {
namespace {

/// What the environment asked for, read once.
class FaultPlan {
 public:
  FaultPlan() {
    if (const char* crash = std::getenv("MILLRACE_FAULT")) {
      const std::string_view text(crash);
      const auto colon = text.rfind(':');
      crash_name_ = std::string(text.substr(0, colon));
      crash_pass_ = colon == std::string_view::npos ? 1 : std::atoi(text.data() + colon + 1);
    }
    if (const char* log = std::getenv("MILLRACE_FAULT_LOG")) log_path_ = log;
    if (const char* passes = std::getenv("MILLRACE_FAULT_PASSES")) passes_fd_ = OpenToAppend(passes);
  }

  bool active() const { return !crash_name_.empty() || !log_path_.empty() || passes_fd_ >= 0; }

  void Pass(std::string_view name) {
    const std::lock_guard lock(mutex_);
    if (passes_fd_ >= 0) WriteLine(passes_fd_, name);
    if (!log_path_.empty() && seen_.insert(std::string(name)).second) Log(name);
    if (name == crash_name_ && ++passes_ == crash_pass_) ::_exit(kFaultExitStatus);
  }

 private:
  static int OpenToAppend(const char* path) { return ::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644); }

  static void WriteLine(int fd, std::string_view name) {
    const std::string line = std::string(name) + "\n";
    [[maybe_unused]] const auto written = ::write(fd, line.data(), line.size());
  }

  void Log(std::string_view name) const {
    const int fd = OpenToAppend(log_path_.c_str());
    if (fd < 0) return;
    WriteLine(fd, name);
    ::close(fd);
  }

  std::string crash_name_;
  int crash_pass_ = 0;
  std::string log_path_;
  int passes_fd_ = -1;
  std::mutex mutex_;
  int passes_ = 0;
  std::set<std::string, std::less<>> seen_;
};

FaultPlan* ActivePlan() {
  static FaultPlan plan;
  return plan.active() ? &plan : nullptr;
}

}  // namespace

void FaultPoint(std::string_view name) {
  static FaultPlan* const plan = ActivePlan();
  if (plan != nullptr) plan->Pass(name);
}

}  // namespace millrace

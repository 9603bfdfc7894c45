#include "query/sandbox/confine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>

#include "base/error.h"

namespace millrace::query {
namespace {

/// Stacks of threads, arenas of allocators, and what DuckDB does not count.
constexpr int64_t kAddressSpaceBesides = int64_t{1} << 30;
constexpr rlim_t kFilesMax = 8192;

/// Computing, its own memory, threads and time, and descriptors that are open.
constexpr auto kAllowed = std::to_array<int>({
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(preadv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(fadvise64),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendto),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(getcpu),
});

/// What names a file.
constexpr auto kAsked = std::to_array<int>({
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(access),
    SCMP_SYS(statx),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
});

void Require(bool done, const char* what, int error) {
  if (done) return;
  throw Error(ErrorCode::kUnavailable,
              fmt::format("the process that runs SQL from outside cannot be shut in ({}: {}); it needs Linux 5.9 or "
                          "newer with seccomp and, in a container, a profile that allows seccomp()",
                          what, std::strerror(error)));
}

void Limit(__rlimit_resource resource, rlim_t value, const char* what) {
  rlimit limit{};
  Require(::getrlimit(resource, &limit) == 0, what, errno);
  limit.rlim_max = std::min(limit.rlim_max, value);
  limit.rlim_cur = limit.rlim_max;
  Require(::setrlimit(resource, &limit) == 0, what, errno);
}

[[maybe_unused]] rlim_t MappedBytes() {  // not under a sanitizer, which maps far more
  rlim_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
}

scmp_arg_cmp Equal(unsigned argument, scmp_datum_t value) {
  return {.arg = argument, .op = SCMP_CMP_EQ, .datum_a = value, .datum_b = 0};
}

scmp_arg_cmp Masked(unsigned argument, scmp_datum_t mask, scmp_datum_t value) {
  return {.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

class Filter {
 public:
  // What is not named fails, as where there is no such call.
  Filter() : context_(seccomp_init(SCMP_ACT_ERRNO(EPERM)), &seccomp_release) {
    Require(context_ != nullptr, "seccomp", ENOMEM);
  }

  void Allow(int call) { Add(SCMP_ACT_ALLOW, call, nullptr, 0); }
  void Allow(int call, scmp_arg_cmp condition) { Add(SCMP_ACT_ALLOW, call, &condition, 1); }
  void Answer(int call, int error) { Add(SCMP_ACT_ERRNO(static_cast<uint16_t>(error)), call, nullptr, 0); }
  void Ask(int call) { Add(SCMP_ACT_NOTIFY, call, nullptr, 0); }

  io::FileDescriptor Load() {
    const int failure = seccomp_load(context_.get());
    Require(failure == 0, "seccomp", -failure);
    const int listener = seccomp_notify_fd(context_.get());
    Require(listener >= 0, "seccomp's notifications", ENOSYS);
    return io::FileDescriptor(listener);
  }

 private:
  void Add(uint32_t action, int call, const scmp_arg_cmp* conditions, unsigned count) {
    // A call that this machine does not have: nothing to say about it.
    const int failure = call < 0 ? 0 : seccomp_rule_add_array(context_.get(), action, call, count, conditions);
    Require(failure == 0, "a rule of seccomp", -failure);
  }

  std::unique_ptr<void, decltype(&seccomp_release)> context_;
};

io::FileDescriptor LoadFilter() {
  Filter filter;
  for (const int call : kAllowed) filter.Allow(call);
  for (const int call : kAsked) filter.Ask(call);
  // Memory, but none that can be both written and run, or turned from one into the other.
  filter.Allow(SCMP_SYS(mmap), Masked(2, PROT_EXEC, 0));
  filter.Allow(SCMP_SYS(mprotect), Masked(2, PROT_EXEC, 0));
  // Threads, but no processes. clone3 keeps its flags where a filter cannot look; without it the C library uses clone.
  filter.Allow(SCMP_SYS(clone), Masked(0, CLONE_THREAD, CLONE_THREAD));
  filter.Answer(SCMP_SYS(clone3), ENOSYS);
  // Signals to itself: abort().
  filter.Allow(SCMP_SYS(tgkill), Equal(0, static_cast<scmp_datum_t>(::getpid())));
  // Limits are read, not set.
  filter.Allow(SCMP_SYS(prlimit64), Equal(2, 0));
  filter.Allow(SCMP_SYS(fcntl), Equal(1, F_GETFL));
  filter.Allow(SCMP_SYS(fcntl), Equal(1, F_GETFD));
  filter.Allow(SCMP_SYS(fcntl), Equal(1, F_SETFD));
  filter.Allow(SCMP_SYS(prctl), Equal(0, PR_SET_NAME));
  filter.Answer(SCMP_SYS(ioctl), ENOTTY);
  return filter.Load();
}

}  // namespace

io::FileDescriptor Confine(const Confinement& limits) {
  Require(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no new privileges", errno);
  Limit(RLIMIT_CORE, 0, "core dumps");
  Limit(RLIMIT_FSIZE, 0, "written files");
  Limit(RLIMIT_NOFILE, kFilesMax, "open files");
  Limit(RLIMIT_CPU, static_cast<rlim_t>(limits.cpu_seconds), "CPU time");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  // Sanitizers map terabytes that they never touch.
  Limit(RLIMIT_AS, MappedBytes() + static_cast<rlim_t>(limits.memory_bytes + kAddressSpaceBesides), "memory");
#endif
  return LoadFilter();
}

}  // namespace millrace::query

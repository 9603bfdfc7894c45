#include "query/sandbox/worker_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "query/sandbox/worker.h"

namespace millrace::query {
namespace {

/// A worker that does not read what it asked for is not waited for longer.
constexpr timeval kSendTime{.tv_sec = 10, .tv_usec = 0};

[[noreturn]] void Fail(int error) {
  throw Error(ErrorCode::kUnavailable,
              fmt::format("no process can be started for the statement: {}", std::strerror(error)));
}

struct Actions {
  posix_spawn_file_actions_t value{};
  Actions() { ::posix_spawn_file_actions_init(&value); }
  ~Actions() { ::posix_spawn_file_actions_destroy(&value); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
};

struct Attributes {
  posix_spawnattr_t value{};
  Attributes() {
    ::posix_spawnattr_init(&value);
    // Signals as a new program has them; out of the terminal's group, whose Ctrl-C is for its owner.
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&value, &none);
    ::posix_spawnattr_setsigdefault(&value, &all);
    ::posix_spawnattr_setpgroup(&value, 0);
    ::posix_spawnattr_setflags(&value, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~Attributes() { ::posix_spawnattr_destroy(&value); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
};

/// Where libraries are found is all that the worker is told.
std::vector<std::string> Environment() {
  const char* libraries = std::getenv("LD_LIBRARY_PATH");
  std::vector<std::string> environment = {"ARROW_DEFAULT_MEMORY_POOL=system", "TZ=UTC"};
  if (libraries != nullptr) environment.push_back(std::string("LD_LIBRARY_PATH=") + libraries);
  return environment;
}

}  // namespace

WorkerProcess::WorkerProcess() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) Fail(errno);
  socket_ = io::FileDescriptor(ends[0]);
  const io::FileDescriptor theirs(ends[1]);
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &kSendTime, sizeof kSendTime);

  Actions actions;
  // From what may itself be the number it is to have.
  const io::FileDescriptor moved(::fcntl(theirs.get(), F_DUPFD_CLOEXEC, kWorkerSocket + 1));
  if (!moved.is_open()) Fail(errno);
  ::posix_spawn_file_actions_adddup2(&actions.value, moved.get(), kWorkerSocket);
  ::posix_spawn_file_actions_addopen(&actions.value, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions.value, 1, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions.value, 2, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addclosefrom_np(&actions.value, kWorkerSocket + 1);

  const Attributes attributes;
  std::string name = "millrace";
  std::string verb = kWorkerVerb;
  const std::array<char*, 3> arguments = {name.data(), verb.data(), nullptr};
  auto texts = Environment();
  std::vector<char*> environment;
  for (auto& text : texts) environment.push_back(text.data());
  environment.push_back(nullptr);
  // This program as it runs, even if its file has been replaced since.
  const int failure =
      ::posix_spawn(&id_, "/proc/self/exe", &actions.value, &attributes.value, arguments.data(), environment.data());
  if (failure != 0) Fail(failure);
}

WorkerProcess::~WorkerProcess() { End(); }

std::optional<int> WorkerProcess::End() {
  if (id_ < 0) return std::nullopt;
  int status = 0;
  // One whose socket has closed is about to end; its own end says more than ours.
  for (int waited = 0; waited < 50; ++waited) {
    if (::waitpid(id_, &status, WNOHANG) == id_) {
      id_ = -1;
      return status;
    }
    if (socket_.is_open() || waited > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ::kill(id_, SIGKILL);
  while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
  }
  id_ = -1;
  return std::nullopt;
}

}  // namespace millrace::query

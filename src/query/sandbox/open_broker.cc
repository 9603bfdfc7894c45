#include "query/sandbox/open_broker.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace millrace::query {
namespace {

/// Text of the other process up to its NUL; a page at a time, for the next may not be there.
std::optional<std::string> TextAt(pid_t process, uint64_t address) {
  constexpr uint64_t kPage = 4096;
  std::string text;
  while (text.size() < PATH_MAX) {
    std::array<char, kPage> piece{};
    iovec local{.iov_base = piece.data(), .iov_len = kPage - address % kPage};
    iovec remote{.iov_base = std::bit_cast<void*>(address), .iov_len = local.iov_len};
    const auto got = ::process_vm_readv(process, &local, 1, &remote, 1, 0);
    if (got < 0 && errno == EPERM) {
      throw Error(ErrorCode::kUnavailable,
                  "the process that runs SQL from outside cannot be watched over: the system forbids to read its "
                  "memory (kernel.yama.ptrace_scope above 1, or a container's profile without process_vm_readv)");
    }
    if (got <= 0) return std::nullopt;
    const std::string_view read(piece.data(), static_cast<size_t>(got));
    text += read.substr(0, read.find('\0'));
    if (read.find('\0') != std::string_view::npos) return text;
    address += static_cast<uint64_t>(got);
  }
  return std::nullopt;
}

}  // namespace

struct OpenBroker::Question {
  uint64_t id = 0;
  int call = 0;
  uint64_t name = 0;   // where its text lies
  uint64_t flags = 0;  // of an open; of a look-up at a descriptor
  bool opens = false;
};

OpenBroker::OpenBroker(pid_t process, io::FileDescriptor listener) : process_(process), listener_(std::move(listener)) {
  seccomp_notif_sizes sizes{};
  if (::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0) {
    throw Error(ErrorCode::kUnavailable, "the kernel does not tell of system calls (seccomp, Linux 5.9 or newer)");
  }
  request_.resize(std::max<size_t>(sizes.seccomp_notif, sizeof(seccomp_notif)));
  response_.resize(std::max<size_t>(sizes.seccomp_notif_resp, sizeof(seccomp_notif_resp)));
}

void OpenBroker::Answer() {
  std::ranges::fill(request_, '\0');
  if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, request_.data()) != 0) return;  // it has gone meanwhile
  seccomp_notif asked{};
  std::memcpy(&asked, request_.data(), sizeof asked);
  Question question{.id = asked.id, .call = asked.data.nr};
  switch (asked.data.nr) {
#ifdef SYS_open  // newer machines have the calls alone that take a folder
    case SYS_open:
      question.opens = true;
      [[fallthrough]];
    case SYS_stat:
    case SYS_lstat:
    case SYS_access:
      question.name = asked.data.args[0];
      question.flags = asked.data.args[1];
      break;
#endif
    case SYS_openat:
      question.opens = true;
      question.flags = asked.data.args[2];
      [[fallthrough]];
    default:
      question.name = asked.data.args[1];
  }
  const auto name = NameIn(question);
  // fstat() of an open descriptor is a look-up without a name.
  const bool by_descriptor = name.empty() && asked.data.nr == SYS_newfstatat && (asked.data.args[3] & AT_EMPTY_PATH);
  if (by_descriptor) return LetPass(question);
  if (!allowed_.contains(name)) return Refuse(question, ENOENT);
  question.opens ? Open(question, name) : LetPass(question);
}

std::string OpenBroker::NameIn(const Question& question) const {
  auto text = TextAt(process_, question.name);
  // The process may have ended since, and its number be another's.
  if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &question.id) != 0) return {};
  return text.value_or(std::string());
}

void OpenBroker::Open(const Question& question, const std::string& path) {
  constexpr uint64_t kChanges = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_PATH | O_DIRECTORY;
  if ((question.flags & kChanges) != 0) return Refuse(question, EROFS);
  const auto file = io::FileDescriptor::Open(path, O_RDONLY | O_NOFOLLOW);
  if (!file.is_open()) return Refuse(question, errno);
  seccomp_notif_addfd added{};
  added.id = question.id;
  added.srcfd = static_cast<uint32_t>(file.get());
  added.newfd_flags = O_CLOEXEC;
  const int descriptor = ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ADDFD, &added);
  if (descriptor < 0) return Refuse(question, errno);
  seccomp_notif_resp answer{};
  answer.id = question.id;
  answer.val = descriptor;
  Send(answer);
}

void OpenBroker::Refuse(const Question& question, int error) {
  seccomp_notif_resp answer{};
  answer.id = question.id;
  answer.error = -error;
  Send(answer);
}

void OpenBroker::LetPass(const Question& question) {
  seccomp_notif_resp answer{};
  answer.id = question.id;
  answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  Send(answer);
}

void OpenBroker::Send(const seccomp_notif_resp& answer) {
  std::ranges::fill(response_, '\0');
  std::memcpy(response_.data(), &answer, sizeof answer);
  ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, response_.data());  // who has gone needs no answer
}

}  // namespace millrace::query

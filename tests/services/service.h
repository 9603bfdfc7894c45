#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace millrace::services {

/// A server of tests/services as a child process: it prints its address as its first line and runs until it is killed,
/// which it is when the object goes, or this process dies.
class Service {
 public:
  explicit Service(const std::string& script, std::vector<std::string> arguments = {}) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    arguments.insert(arguments.begin(), {std::string(MILLRACE_DEPS_DIR) + "/venv/bin/python", "-u",
                                         std::string(MILLRACE_SOURCE_DIR) + "/tests/services/" + script});
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGTERM);
      ::dup2(ends[1], STDOUT_FILENO);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    address_ = FirstLine(ends[0]);
    ::close(ends[0]);
    if (address_.empty()) throw std::runtime_error(script + " did not start");
  }
  ~Service() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  const std::string& address() const { return address_; }

 private:
  static std::string FirstLine(int descriptor) {
    std::string line;
    for (char c = 0; ::read(descriptor, &c, 1) == 1 && c != '\n';) line += c;
    return line;
  }

  pid_t pid_ = -1;
  std::string address_;
};

}  // namespace millrace::services

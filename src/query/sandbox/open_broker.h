#pragma once

#include <linux/seccomp.h>
#include <sys/types.h>

#include <set>
#include <string>
#include <vector>

#include "io/file_descriptor.h"

namespace millrace::query {

/// Opens files for a process that may open none: those that were allowed, to read, and nothing else. The process only
/// names them; what it gets is a descriptor that this one opened.
class OpenBroker {
 public:
  OpenBroker(pid_t process, io::FileDescriptor listener);

  void Allow(std::string path) { allowed_.insert(std::move(path)); }
  /// What can be polled for questions.
  int listener() const { return listener_.get(); }
  /// Answers one question. Error kUnavailable when the system forbids to look at what is asked.
  void Answer();

 private:
  struct Question;
  /// The file that a question names; empty when it cannot be read.
  std::string NameIn(const Question& question) const;
  void Open(const Question& question, const std::string& path);
  void Refuse(const Question& question, int error);
  void LetPass(const Question& question);
  void Send(const seccomp_notif_resp& answer);

  const pid_t process_;
  io::FileDescriptor listener_;
  std::set<std::string> allowed_;
  std::vector<char> request_;  // as large as the kernel wants it
  std::vector<char> response_;
};

}  // namespace millrace::query

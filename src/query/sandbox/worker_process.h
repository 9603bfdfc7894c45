#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "io/file_descriptor.h"

namespace millrace::query {

/// This program once more, with the worker's word, an empty environment and one descriptor. Ends with its owner.
class WorkerProcess {
 public:
  /// Error kUnavailable when no process can be had.
  WorkerProcess();
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  pid_t id() const { return id_; }
  io::FileDescriptor TakeSocket() { return std::move(socket_); }

  /// Ends it, and waits. How it ended if it had done so by itself, as waitpid has it.
  std::optional<int> End();

 private:
  pid_t id_ = -1;
  io::FileDescriptor socket_;
};

}  // namespace millrace::query

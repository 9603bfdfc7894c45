#pragma once

#include <cstdint>

#include "io/file_descriptor.h"

namespace millrace::query {

struct Confinement {
  int64_t memory_bytes = 0;  // besides what the program has mapped already
  int64_t cpu_seconds = 0;
};

/// Shuts this process in, for good: no new privileges, limits on memory, CPU and files (of which none grows), and a
/// filter of system calls that leaves it computing, its open descriptors and threads. Opening and looking up a file by
/// name is asked of whoever holds the descriptor that comes back. It has one thread when this is called. Error
/// kUnavailable when the system does not let it: then nothing may be run.
io::FileDescriptor Confine(const Confinement& limits);

}  // namespace millrace::query

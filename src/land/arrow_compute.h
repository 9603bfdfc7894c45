#pragma once

namespace millrace::land {

/// Makes Arrow's compute functions known, once a process. Whoever calls one does this before: without it two threads
/// that call their first one at a moment may find some of them missing.
void StartCompute();

}  // namespace millrace::land

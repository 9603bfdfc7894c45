#pragma once

namespace millrace::query {

/// The word by which this program starts itself to run one statement from outside; for nobody else's use.
inline constexpr const char* kWorkerVerb = "query-worker";
/// The descriptor it talks over.
inline constexpr int kWorkerSocket = 3;

/// Shuts the process in, runs the one statement it is sent, answers over the socket and returns an exit code.
int RunWorker();

}  // namespace millrace::query

#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "io/file_descriptor.h"
#include "io/http_call.h"

namespace millrace::api {

struct AuditOptions {
  std::string file;  // empty: stderr
  int64_t file_bytes_max = int64_t{64} << 20;
  int files_max = 8;             // the one that grows, and older ones: FILE.1, FILE.2, ...
  bool with_events = false;      // requests that bring events too
  int64_t refusals_second = 20;  // refusals noted a second; of more only their number is
};

/// Who changed something over HTTP, or was refused: one line of JSON a request, written before the answer leaves, with
/// nothing of a header, a query or a body.
///
///     {"time": "2026-11-27T10:00:00.5Z", "who": "ops", "from": "10.0.0.7", "method": "PUT", "route":
///      "/connectors/{name}/pause", "path": "/connectors/orders/pause", "status": 202, "outcome": "done"}
///
/// `outcome` is done, failed (the handler's status is 400 or more) or refused (by the door); `who` is missing for a
/// stranger. Of a refusal outside the routes, and of events, `path` is left out: it holds what the client chose.
/// Members are frozen. Lines are not synced: a machine that loses power may lose the last ones.
///
/// When a line cannot be written it goes to the log, and IsWritable says no until writing works again. A file that
/// somebody moves away is made anew. Thread-safe.
class AuditLog {
 public:
  /// Opens the file for the user alone. Error kConfig when that fails.
  explicit AuditLog(AuditOptions options, const Clock& clock = Clock::System());

  bool IsWanted(const io::HttpCall& call) const;
  /// False: a change could not be noted. Tries to open the file again, once a second.
  bool IsWritable();
  void Write(const io::HttpCall& call, int status);

 private:
  void Open();
  bool Append(std::string_view line);
  void FollowFile();
  void Fail();
  void Rotate();
  bool LeavesOut();

  const AuditOptions options_;
  const Clock& clock_;
  std::mutex mutex_;
  io::FileDescriptor file_;
  int64_t file_bytes_ = 0;
  bool failed_ = false;
  SteadyTime looked_{};  // at whether the file is still there
  SteadyTime second_{};  // that refusals are counted in
  int64_t refusals_ = 0;
  int64_t left_out_ = 0;
};

}  // namespace millrace::api

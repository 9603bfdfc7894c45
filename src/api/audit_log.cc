#include "api/audit_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/access.h"
#include "base/error.h"
#include "base/log.h"

namespace millrace::api {
namespace {

constexpr size_t kTextBytesMax = 200;
constexpr unsigned kOwnerOnly = 0600;

std::string Cut(std::string_view text) { return std::string(text.substr(0, kTextBytesMax)); }

std::string_view OutcomeOf(const io::HttpCall& call, int status) {
  if (call.refused) return "refused";
  return status < 400 ? "done" : "failed";
}

nlohmann::ordered_json LineOf(const io::HttpCall& call, int status, Timestamp now) {
  nlohmann::ordered_json line = {{"time", FormatTimestamp(now)}};
  if (!call.caller.name.empty()) line["who"] = Cut(call.caller.name);
  line["from"] = call.peer;
  line["method"] = Cut(call.method);
  if (call.route != nullptr) {
    line["route"] = call.route->pattern;
    if (call.route->role != kSends) line["path"] = Cut(call.path);
  }
  line["status"] = status;
  line["outcome"] = OutcomeOf(call, status);
  return line;
}

}  // namespace

AuditLog::AuditLog(AuditOptions options, const Clock& clock) : options_(std::move(options)), clock_(clock) {
  if (options_.file.empty()) return;
  Open();
  if (file_.is_open()) return;
  throw Error(ErrorCode::kConfig, fmt::format("the audit log {} cannot be written: {}; give a file that this user may "
                                              "write",
                                              options_.file, std::strerror(errno)));
}

/// On failure not open, errno set.
void AuditLog::Open() {
  file_ = io::FileDescriptor::Open(options_.file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, kOwnerOnly);
  struct stat facts {};
  file_bytes_ = file_.is_open() && fstat(file_.get(), &facts) == 0 ? facts.st_size : 0;
}

bool AuditLog::IsWanted(const io::HttpCall& call) const {
  if (call.refused) return true;
  if (call.route == nullptr) return false;
  return Changes(*call.route) || (options_.with_events && call.route->role == kSends);
}

bool AuditLog::IsWritable() {
  const std::lock_guard lock(mutex_);
  FollowFile();
  return !failed_;
}

/// A file that somebody moved away (logrotate), or that could not be written, is opened anew.
void AuditLog::FollowFile() {
  const auto now = clock_.Steady();
  if (options_.file.empty() || now - looked_ < std::chrono::seconds(1)) return;
  looked_ = now;
  struct stat there {};
  struct stat open {};
  const bool same = !failed_ && stat(options_.file.c_str(), &there) == 0 && fstat(file_.get(), &open) == 0 &&
                    there.st_ino == open.st_ino && there.st_dev == open.st_dev;
  if (same) return;
  Open();
  if (!file_.is_open()) return Fail();
  if (std::exchange(failed_, false)) LogInfo("the audit log {} can be written again", options_.file);
}

/// errno says why.
void AuditLog::Fail() {
  if (std::exchange(failed_, true)) return;
  LogWarning("the audit log {} cannot be written: {}; nothing may be changed over HTTP until it can",
             options_.file.empty() ? "on stderr" : options_.file, std::strerror(errno));
}

void AuditLog::Rotate() {
  namespace fs = std::filesystem;
  std::error_code ignored;
  for (int i = options_.files_max - 1; i > 0; --i) {
    const auto from = i == 1 ? options_.file : fmt::format("{}.{}", options_.file, i - 1);
    fs::rename(from, fmt::format("{}.{}", options_.file, i), ignored);
  }
  if (options_.files_max == 1) fs::remove(options_.file, ignored);
  Open();
}

bool AuditLog::Append(std::string_view line) {
  const int fd = options_.file.empty() ? STDERR_FILENO : file_.get();
  while (!line.empty()) {
    const auto written = ::write(fd, line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    file_bytes_ += written;
    line.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

/// Strangers must not push out of the files what others did.
bool AuditLog::LeavesOut() {
  const auto now = clock_.Steady();
  if (now - second_ >= std::chrono::seconds(1)) {
    second_ = now;
    refusals_ = 0;
  }
  if (++refusals_ <= options_.refusals_second) return false;
  ++left_out_;
  return true;
}

void AuditLog::Write(const io::HttpCall& call, int status) {
  const std::lock_guard lock(mutex_);
  if (call.refused && LeavesOut()) return;
  auto line = LineOf(call, status, clock_.Now());
  if (left_out_ > 0) line["refusals_left_out"] = std::exchange(left_out_, 0);
  const auto text = line.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  FollowFile();
  if (!options_.file.empty() && file_.is_open() && file_bytes_ > 0 &&
      file_bytes_ + static_cast<int64_t>(text.size()) > options_.file_bytes_max) {
    Rotate();
  }
  const bool usable = options_.file.empty() || file_.is_open();
  if (usable && Append(text)) return;
  if (usable) Fail();
  LogWarning("audit: {}", std::string_view(text).substr(0, text.size() - 1));
}

}  // namespace millrace::api

#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace {

/// What the caller may do about a failure. Few on purpose: a code exists only where the answer differs.
enum class ErrorCode {
  kUsage,        // the command line is wrong: show the usage line
  kConfig,       // the configuration is wrong: the user edits it
  kData,         // the input is wrong: the user mends or quarantines it
  kUnavailable,  // a peer, disk or lock did not answer: try again later
  kStop,         // going on could lose or duplicate rows: stop and let a person decide
  kInternal,     // a broken invariant of ours
};

std::string_view ToString(ErrorCode code);

/// A failure that ends the operation. Thrown by value, caught only at firewalls (one task, one request, main).
/// Each hop may add one phrase of context; the message itself names the cause, then what to do next.
class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message);

  /// Adds where it happened, outermost last: `throw; ` sites write `error.Within("table silver.users")`.
  Error& Within(std::string context) &;
  Error&& Within(std::string context) &&;

  ErrorCode code() const { return code_; }
  /// The message without its context.
  const std::string& message() const { return message_; }
  /// "context, inner context: message".
  const char* what() const noexcept override { return rendered_.c_str(); }

 private:
  void Render();

  ErrorCode code_;
  std::string message_;
  std::vector<std::string> context_;  // innermost first
  std::string rendered_;
};

/// Runs `body`; an Error that leaves it gains `context`.
template <typename Body>
decltype(auto) WithContext(std::string_view context, Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (Error& error) {
    error.Within(std::string(context));
    throw;
  }
}

/// Process exit codes (sysexits where one fits).
enum class ExitCode { kDone = 0, kFailed = 1, kUsage = 64, kUnavailable = 69, kConfig = 78 };

ExitCode ExitCodeFor(ErrorCode code);

}  // namespace millrace
